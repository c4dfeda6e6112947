//! Every route of the specification with every outcome that it has, asked for over a socket.

mod case;
mod common;
mod data;
mod images;
mod off;
mod sharing;
mod table;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use self::table::ROUTES;
use self::world::World;

/// An outcome as the list of them has it.
type Line = (String, &'static str, u16);

#[test]
fn every_route_has_the_outcomes_of_the_specification() {
    let world = World::new();
    let cases = [
        common::cases(&world),
        images::cases(&world),
        data::cases(&world),
        sharing::cases(&world),
        off::cases(&world),
    ];
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    for case in cases.iter().flatten() {
        let reply = match case.is_strict {
            true => world.send_strictly(&case.request),
            false => world.send(&case.request),
        };
        faults.extend(case.check(&reply).err());
        seen.insert((case.route.clone(), case.outcome, case.status));
    }
    println!(
        "{} outcomes of {} requests",
        seen.len(),
        cases.iter().flatten().count()
    );
    seen.iter()
        .for_each(|(route, outcome, status)| println!("{route} | {outcome} | {status}"));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    check_complete(&seen);
}

/// Tests that each route of the specification is there, with more outcomes than those of all.
fn check_complete(seen: &BTreeSet<Line>) {
    let mut outcomes = BTreeMap::new();
    for (route, _, status) in seen {
        outcomes
            .entry(route.as_str())
            .or_insert_with(BTreeSet::new)
            .insert(*status);
    }
    assert_eq!(outcomes.len(), ROUTES.len(), "{:?}", outcomes.keys());
    for route in ROUTES {
        let named = format!("{} {}", route.0, route.1);
        let statuses = outcomes.get(&*named).expect("seen");
        let common = BTreeSet::from([401, 405, 431]);
        assert!(
            statuses.difference(&common).count() > 0,
            "{named}: {statuses:?}"
        );
        assert!(statuses.contains(&431), "{named}");
    }
}
