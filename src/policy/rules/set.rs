//! Named rule texts with their references resolved, and the machine that runs them.

use crate::policy::text::{Facts, Op, RuleText};

/// Rules by number. References are numbers too and lead to no circle, so each rule is run at most
/// once for a question, however often it is referred to.
#[derive(Debug, Clone)]
pub(super) struct Set {
    rules: Vec<Linked>,
}

/// A rule and what its references lead to, in the order of the text.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    pub(super) text: RuleText,
    pub(super) links: Vec<usize>,
}

impl Set {
    /// Takes rules in the order of their numbers.
    ///
    /// # Errors
    /// The numbers of a circle of references, first to last.
    pub(super) fn new(rules: Vec<Linked>) -> Result<Self, Vec<usize>> {
        match circle(&rules) {
            Some(circle) => Err(circle),
            None => Ok(Self { rules }),
        }
    }

    /// Returns the text of a rule.
    pub(super) fn text(&self, rule: usize) -> &RuleText {
        &self.rules[rule].text
    }

    /// Tells whether a rule holds.
    pub(super) fn holds(&self, rule: usize, facts: &dyn Facts) -> bool {
        let mut run = Run {
            set: self,
            known: Vec::new(),
            callers: Vec::new(),
        };
        run.rule(rule, facts)
    }
}

/// One question being answered.
struct Run<'a> {
    set: &'a Set,
    /// What is known of the rules by now; empty until the first reference is met.
    known: Vec<Option<bool>>,
    /// The rules that wait for one that they refer to, with the step after it.
    callers: Vec<(usize, usize)>,
}

impl Run<'_> {
    fn rule(&mut self, rule: usize, facts: &dyn Facts) -> bool {
        let (mut rule, mut step, mut register) = (rule, 0, false);
        loop {
            let Linked { text, links } = &self.set.rules[rule];
            let Some(&op) = text.ops().get(step) else {
                let Some(caller) = self.callers.pop() else {
                    return register;
                };
                self.known[rule] = Some(register);
                (rule, step) = caller;
                continue;
            };
            step += 1;
            match op {
                Op::Always => register = true,
                Op::Never => register = false,
                Op::Check(check) => register = text.holds(check, facts),
                Op::Not => register = !register,
                Op::And(to) if !register => step = to as usize,
                Op::Or(to) if register => step = to as usize,
                Op::And(_) | Op::Or(_) => {}
                Op::Rule(reference) => {
                    let next = links[reference as usize];
                    match self.known(next) {
                        Some(known) => register = known,
                        None => {
                            self.callers.push((rule, step));
                            (rule, step) = (next, 0);
                        }
                    }
                }
            }
        }
    }

    fn known(&mut self, rule: usize) -> Option<bool> {
        if self.known.is_empty() {
            self.known = vec![None; self.set.rules.len()];
        }
        self.known[rule]
    }
}

/// Returns a circle of references, if there is one.
fn circle(rules: &[Linked]) -> Option<Vec<usize>> {
    let mut is_done = vec![false; rules.len()];
    let mut on_path = vec![false; rules.len()];
    for start in 0..rules.len() {
        if is_done[start] {
            continue;
        }
        // The rules from the start to here, each with how many of its references are followed.
        let mut path = vec![(start, 0)];
        on_path[start] = true;
        while let Some((rule, followed)) = path.last_mut() {
            let rule = *rule;
            let next = rules[rule].links.get(*followed).copied();
            *followed += 1;
            match next {
                None => {
                    (is_done[rule], on_path[rule]) = (true, false);
                    path.pop();
                }
                Some(next) if on_path[next] => {
                    let path = path.into_iter().map(|(rule, _)| rule);
                    return Some(path.skip_while(|&rule| rule != next).collect());
                }
                Some(next) if is_done[next] => {}
                Some(next) => {
                    on_path[next] = true;
                    path.push((next, 0));
                }
            }
        }
    }
    None
}
