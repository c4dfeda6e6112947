//! What a power cut may leave: the rules by which changes become durable.
//!
//! The cursor walks the log once as the point of the cut moves on; an image costs what is not
//! durable at that point, and shares everything else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::choices::{Choices, Fate, Length};
use super::log::{Op, Outcome};
use super::pages::Pages;

/// Names, directories and contents, all of them durable.
#[derive(Debug, Clone, Default)]
pub(super) struct Medium {
    pub(super) names: BTreeMap<Arc<str>, usize>,
    pub(super) dirs: BTreeSet<Arc<str>>,
    pub(super) files: Vec<Pages>,
}

/// The durable state after so many operations, and the changes that are not durable.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    at: usize,
    durable: Medium,
    names: VecDeque<NameChange>,
    contents: Vec<VecDeque<Change>>,
}

/// A change of a name; `waits` are the directories whose sync makes it durable.
#[derive(Debug)]
struct NameChange {
    op: usize,
    waits: Vec<Arc<str>>,
}

#[derive(Debug)]
struct Change {
    op: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unsynced,
    Durable,
    /// A sync failed on it, so that later ones do not cover it.
    Lost,
}

impl Cursor {
    pub(super) fn new(durable: Medium) -> Self {
        let contents = durable.files.iter().map(|_| VecDeque::new()).collect();
        Self {
            durable,
            contents,
            ..Self::default()
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on to the state after the first `at` operations of `log`.
    pub(super) fn advance(&mut self, log: &[Op], at: usize) {
        while self.at < at {
            self.step(log);
            self.at += 1;
        }
    }

    /// Returns how many changes are not durable here.
    pub(super) fn unsynced(&self) -> usize {
        let names = self.names.iter().filter(|change| !change.waits.is_empty());
        let contents = self.contents.iter().flatten();
        names.count()
            + contents
                .filter(|change| change.state != State::Durable)
                .count()
    }

    fn step(&mut self, log: &[Op]) {
        match &log[self.at] {
            Op::Create { path, .. } => {
                self.durable.files.push(Pages::default());
                self.contents.push(VecDeque::new());
                self.name_change(&[path]);
            }
            Op::Remove { path, .. } => self.name_change(&[path]),
            Op::Rename { from, to, .. } => self.name_change(&[from, to]),
            Op::CreateDir { dir } => self.name_change(&[dir]),
            Op::Write { file, .. } | Op::SetLen { file, .. } => {
                self.contents[*file].push_back(Change {
                    op: self.at,
                    state: State::Unsynced,
                });
            }
            Op::Sync { file, outcome, .. } => self.synced(*file, *outcome, log),
            Op::SyncDir { dir, outcome, .. } => self.dir_synced(dir, *outcome, log),
        }
    }

    fn name_change(&mut self, paths: &[&Arc<str>]) {
        let mut waits: Vec<Arc<str>> = paths.iter().map(|path| parent(path).into()).collect();
        waits.dedup();
        self.names.push_back(NameChange { op: self.at, waits });
    }

    fn synced(&mut self, file: usize, outcome: Outcome, log: &[Op]) {
        let state = match outcome {
            Outcome::Durable => State::Durable,
            Outcome::Failed => State::Lost,
            Outcome::Skipped => return,
        };
        let changes = &mut self.contents[file];
        for change in changes.iter_mut().filter(|c| c.state == State::Unsynced) {
            change.state = state;
        }
        // Only a prefix may become part of the ground: order matters where changes overlap.
        while let Some(change) = changes.front()
            && change.state == State::Durable
        {
            apply(&mut self.durable.files[file], &log[change.op], &Fate::Whole);
            changes.pop_front();
        }
    }

    /// A failed sync of a directory makes nothing durable, and a later one covers its changes:
    /// names are journaled.
    fn dir_synced(&mut self, dir: &Arc<str>, outcome: Outcome, log: &[Op]) {
        if outcome != Outcome::Durable {
            return;
        }
        for change in &mut self.names {
            change.waits.retain(|wait| wait != dir);
        }
        while let Some(change) = self.names.front()
            && change.waits.is_empty()
        {
            let durable = &mut self.durable;
            rename(&mut durable.names, &mut durable.dirs, &log[change.op]);
            self.names.pop_front();
        }
    }

    /// Builds what may be on the medium if power fails here.
    pub(super) fn image(&self, log: &[Op], choices: &mut Choices) -> Medium {
        let mut names = self.durable.names.clone();
        let mut dirs = self.durable.dirs.clone();
        for change in &self.names {
            if change.waits.is_empty() || choices.present() {
                rename(&mut names, &mut dirs, &log[change.op]);
            }
        }
        drop_orphans(&mut names, &mut dirs);
        let mut files = Vec::with_capacity(names.len());
        for number in names.values_mut() {
            files.push(self.content(*number, log, choices));
            *number = files.len() - 1;
        }
        Medium { names, dirs, files }
    }

    fn content(&self, file: usize, log: &[Op], choices: &mut Choices) -> Pages {
        let mut pages = self.durable.files[file].clone();
        for change in &self.contents[file] {
            let op = &log[change.op];
            let fate = match op {
                _ if change.state == State::Durable => Fate::Whole,
                Op::Write { offset, bytes, .. } => choices.write(*offset, bytes.len()),
                _ if choices.present() => Fate::Whole,
                _ => Fate::Absent,
            };
            apply(&mut pages, op, &fate);
        }
        pages
    }
}

/// Returns the directory of a name; the root is empty.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Applies a change of a name. A change of a file that does not have the name is void: what it
/// depends on is not there.
fn rename(names: &mut BTreeMap<Arc<str>, usize>, dirs: &mut BTreeSet<Arc<str>>, op: &Op) {
    match op {
        Op::Create { path, file } => {
            names.insert(Arc::clone(path), *file);
        }
        Op::Remove { path, file } if names.get(path) == Some(file) => {
            names.remove(path);
        }
        Op::Rename { from, to, file } if names.get(from) == Some(file) => {
            names.remove(from);
            names.insert(Arc::clone(to), *file);
        }
        Op::CreateDir { dir } => {
            dirs.insert(Arc::clone(dir));
        }
        _ => {}
    }
}

/// Drops what stands in a directory that is not there.
fn drop_orphans(names: &mut BTreeMap<Arc<str>, usize>, dirs: &mut BTreeSet<Arc<str>>) {
    let there = |dirs: &BTreeSet<Arc<str>>, path: &str| {
        let dir = parent(path);
        dir.is_empty() || dirs.contains(dir)
    };
    // Parents sort before their children, so one pass in order sees every loss.
    for dir in dirs.clone() {
        if !there(dirs, &dir) {
            dirs.remove(&dir);
        }
    }
    names.retain(|path, _| there(dirs, path));
}

fn apply(pages: &mut Pages, op: &Op, fate: &Fate) {
    match (op, fate) {
        (_, Fate::Absent) => {}
        (Op::SetLen { len, .. }, _) => pages.set_len(*len),
        (Op::Write { offset, bytes, .. }, Fate::Whole) => pages.write(*offset, bytes),
        (Op::Write { offset, bytes, .. }, Fate::Torn(sectors, length)) => {
            let before = pages.len();
            for sector in sectors {
                pages.write(offset + sector.start, &bytes[sector.clone()]);
            }
            match length {
                Length::Kept => pages.set_len(before),
                Length::Written => {}
                Length::Full => pages.grow(offset + bytes.len()),
            }
        }
        _ => {}
    }
}
