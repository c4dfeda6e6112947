//! Every route of the specification with every outcome that it has, asked for over a socket.

mod cache;
mod case;
mod changes;
mod common;
mod data;
mod document;
mod images;
mod imports;
mod off;
mod sharing;
mod stores;
pub(super) mod table;
mod tasks;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use self::table::{Body, ROUTES, Route};
use self::world::World;
use super::request::Request;

/// An outcome as the list of them has it.
type Line = (String, &'static str, u16);

#[test]
fn every_route_has_the_outcomes_of_the_specification() {
    let world = World::new();
    let cases = [
        common::cases(&world),
        images::cases(&world),
        changes::cases(&world),
        data::cases(&world),
        sharing::cases(&world),
        stores::cases(&world),
        imports::cases(&world),
        tasks::cases(&world),
        off::cases(&world),
        cache::cases(&world),
    ];
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    for case in cases.iter().flatten() {
        let reply = world.send_to(case.service, &case.request);
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
    document::check(&seen);
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

#[test]
fn the_router_has_the_routes_of_the_specification_and_no_others() {
    let served = smalti::http::routes().map(|route| (route.method, route.path, route.bodyless));
    let served: BTreeSet<_> = served.collect();
    let specified = ROUTES.iter().map(|Route(method, path, body)| {
        let is_bodyless = *body == Body::Refused;
        (*method, *path, is_bodyless)
    });
    // The list of versions stands at every path that has none.
    let specified: BTreeSet<_> = specified.filter(|route| route.1 != "/").collect();
    assert_eq!(served, specified);
    assert_eq!(served.len() + 1, ROUTES.len());
}

#[test]
fn a_service_that_is_closed_says_so() {
    let world = World::new();
    let path = world.active(&serde_json::Value::Null);
    world
        .engine
        .close(std::time::Duration::from_secs(5))
        .expect("closed");
    for (method, path) in [
        ("GET", "/healthcheck"),
        ("GET", "/v2/images"),
        ("GET", &path),
        ("GET", &format!("{path}/file")),
        ("DELETE", &path),
        ("POST", "/v2/images"),
    ] {
        let request = Request::new(method, path).by(&world::owner());
        let request = if method == "POST" {
            request.body("{}")
        } else {
            request
        };
        let reply = world.send(&request);
        assert_eq!(reply.status, 503, "{method} {path}: {reply:?}");
    }
}
