//! Lists: pages of what a tenant sees by default (S10), and every filter under every order (S11).

use std::hint::black_box;

use smalti::query::ListQuery;
use smalti::{Caller, Engine, Images};

use crate::data::Rng;
use crate::fleet::{Fleet, project};
use crate::raw_index::RawIndex;
use crate::{Stopwatch, median};

pub(crate) const PAGE: usize = 100;

fn micros(work: impl FnOnce()) -> f64 {
    let watch = Stopwatch::start();
    work();
    watch.elapsed().as_secs_f64() * 1e6
}

/// Returns the medians of a page of 100 of the default list, of tenants by the number of their
/// images: ours, and that of an index scan and 100 gets.
pub(crate) fn default_view(engine: &Engine, fleet: &Fleet, raw: &RawIndex) -> (f64, f64) {
    let (mut rng, mut ours, mut bare) = (Rng(10), Vec::new(), Vec::new());
    let query = ListQuery::new().with_limit(PAGE as u64);
    let tenants: Vec<Images> = (0..200).map(|at| tenant(engine, at)).collect();
    for round in 0..2_200 {
        let owner = fleet.owner(rng.below(fleet.len()));
        let listed = micros(|| {
            black_box(tenants[owner].list(&query).expect("list"));
        });
        let scanned = micros(|| {
            black_box(raw.page(owner, PAGE));
        });
        // The first ones find cold caches.
        if round >= 200 {
            ours.push(listed);
            bare.push(scanned);
        }
    }
    (median(ours), median(bare))
}

fn tenant(engine: &Engine, number: usize) -> Images {
    engine.images(&Caller::project(project(number).as_str()))
}

/// What became of all filters under all orders.
#[derive(Debug)]
pub(crate) struct Any {
    pub(crate) count: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The median of the queries with just one test for equality.
    pub(crate) equal_p50: f64,
    pub(crate) worst: Vec<(f64, String)>,
}

/// Runs every filter, with rare, common and absent values, under every order, by tenants and
/// administrators, from the top and behind a marker; once each.
pub(crate) fn any(engine: &Engine, fleet: &Fleet) -> Any {
    let callers = [
        ("largest tenant", tenant(engine, 0), 0),
        ("small tenant", tenant(engine, 150), 150),
        ("admin", engine.images(&Caller::admin()), 3),
    ];
    let (mut all, mut equal) = (Vec::new(), Vec::new());
    for (who, images, of) in &callers {
        let marker = Fleet::id(fleet.middle(*of));
        for (filter, kind) in filters(fleet, *of) {
            for order in orders() {
                let text = format!("{filter}&{order}&limit={PAGE}");
                let query: ListQuery = text.trim_matches('&').parse().expect("a query");
                for (place, query) in [
                    ("first", query.clone()),
                    ("behind", query.with_marker(marker)),
                ] {
                    let mut len = 0;
                    let time = micros(|| len = images.list(&query).expect("list").images().len());
                    if kind == Kind::Equal {
                        equal.push(time);
                    }
                    all.push((
                        time,
                        format!("{who}, {place}: {filter} {order} ({len} shown)"),
                    ));
                }
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    Any {
        count: all.len(),
        p50: all[all.len() / 2].0,
        p99: all[all.len() * 99 / 100].0,
        equal_p50: median(equal),
        worst: all.into_iter().rev().take(10).collect(),
    }
}

/// What a filter asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One test for equality.
    Equal,
    Other,
}

/// Returns every kind of filter: with rare values, common ones, and those that nothing has.
fn filters(fleet: &Fleet, of: usize) -> Vec<(String, Kind)> {
    let seen = fleet.middle(of);
    let (id, digests) = (Fleet::id(seen), Fleet::digests(seen));
    let (md5, sha512) = (digests.0.to_string(), digests.1.to_string());
    let equal = [
        "name=name-0".to_owned(),
        format!("name=image-{seen:07}"),
        "name=name-299".to_owned(),
        "name=no+such+name".to_owned(),
        format!("id={id}"),
        "id=00000000-0000-4000-8000-000000000000".to_owned(),
        "status=active".to_owned(),
        "status=uploading".to_owned(),
        "status=killed".to_owned(),
        "disk_format=qcow2".to_owned(),
        "disk_format=vmdk".to_owned(),
        "disk_format=ploop".to_owned(),
        "container_format=bare".to_owned(),
        "container_format=docker".to_owned(),
        "container_format=ovf".to_owned(),
        format!("size={}", 1_u64 << 30),
        "size=12345".to_owned(),
        format!("virtual_size={}", 1_u64 << 30),
        "virtual_size=3".to_owned(),
        "min_ram=0".to_owned(),
        "min_ram=2048".to_owned(),
        "min_ram=77".to_owned(),
        "min_disk=0".to_owned(),
        "min_disk=40".to_owned(),
        "min_disk=77".to_owned(),
        "protected=true".to_owned(),
        "protected=false".to_owned(),
        "os_hidden=true".to_owned(),
        "os_hidden=false".to_owned(),
        format!("owner={}", project(of).as_str()),
        format!("owner={}", project(199).as_str()),
        "owner=nobody".to_owned(),
        format!("checksum={md5}"),
        "checksum=00000000000000000000000000000000".to_owned(),
        "os_hash_algo=sha512".to_owned(),
        "os_hash_algo=md5".to_owned(),
        format!("os_hash_value={sha512}"),
        format!("os_hash_value={}", "0".repeat(128)),
        "tag=tag-0".to_owned(),
        "tag=tag-199".to_owned(),
        "tag=none".to_owned(),
        "visibility=public".to_owned(),
        "visibility=community".to_owned(),
        "visibility=shared".to_owned(),
        "visibility=private".to_owned(),
        "member_status=pending".to_owned(),
        "member_status=rejected".to_owned(),
        "property_0=value-0".to_owned(),
        "property_39=value-19".to_owned(),
        "property_0=none".to_owned(),
        "no_property=none".to_owned(),
    ];
    let other = [
        String::new(),
        "name=in:name-0,name-1,name-2".to_owned(),
        "name=in:name-298,name-299,none".to_owned(),
        format!("id=in:{id},00000000-0000-4000-8000-000000000000"),
        "status=in:queued,saving,active".to_owned(),
        "status=in:uploading,importing".to_owned(),
        "disk_format=in:qcow2,raw".to_owned(),
        "disk_format=in:iso,vmdk".to_owned(),
        "container_format=in:bare,docker".to_owned(),
        "size_min=1".to_owned(),
        "size_min=21400000000".to_owned(),
        "size_max=1000000".to_owned(),
        "size_max=1000000000000".to_owned(),
        "size_min=1000000000000".to_owned(),
        "virtual_size_min=1".to_owned(),
        "virtual_size_max=1073741824".to_owned(),
        "min_ram_min=2048".to_owned(),
        "min_ram_max=0".to_owned(),
        "min_disk_min=1".to_owned(),
        "min_disk_max=9".to_owned(),
        "min_disk_min=1000".to_owned(),
        "created_at=gt:2023-11-15T00:00:00Z".to_owned(),
        "created_at=lt:2023-11-15T00:00:00Z".to_owned(),
        "created_at=gte:2025-11-10T00:00:00Z".to_owned(),
        "created_at=lte:2020-01-01T00:00:00Z".to_owned(),
        "created_at=eq:2024-11-15T12:00:00Z".to_owned(),
        "created_at=neq:2024-11-15T12:00:00Z".to_owned(),
        "updated_at=gt:2023-11-15T00:00:00Z".to_owned(),
        "updated_at=lt:2023-11-16T00:00:00Z".to_owned(),
        "updated_at=gte:2030-01-01T00:00:00Z".to_owned(),
        "updated_at=neq:2024-11-15T12:00:00Z".to_owned(),
        "visibility=all".to_owned(),
        "member_status=all".to_owned(),
        "tag=tag-0&tag=tag-1".to_owned(),
        "tag=tag-198&tag=tag-199".to_owned(),
        "property_0=value-0&property_1=value-0&status=active".to_owned(),
        "name=name-0&disk_format=raw&size_min=1000000000&protected=false".to_owned(),
    ];
    let all = |texts: Vec<String>, kind| texts.into_iter().map(move |text| (text, kind));
    all(equal.to_vec(), Kind::Equal)
        .chain(all(other.to_vec(), Kind::Other))
        .collect()
}

/// Returns every key in both directions, and some orders of several keys.
fn orders() -> Vec<String> {
    const KEYS: [&str; 8] = [
        "name",
        "status",
        "container_format",
        "disk_format",
        "size",
        "id",
        "created_at",
        "updated_at",
    ];
    let one = KEYS
        .iter()
        .flat_map(|key| ["asc", "desc"].map(|direction| format!("sort={key}:{direction}")));
    let several = [
        "sort=status:asc,name:asc",
        "sort=disk_format:desc,size:asc,name:desc",
        "sort=size:desc,name:asc",
        "sort=name:asc,updated_at:desc",
        "sort=container_format:asc,status:desc,disk_format:asc,id:asc",
        "sort=created_at:desc,id:asc",
    ];
    one.chain(several.map(str::to_owned)).collect()
}
