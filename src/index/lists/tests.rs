//! Pages against the plainest answer there is: all images, filtered and sorted one by one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use super::{Ask, Reach, check, page};
use crate::clock::Timestamp;
use crate::disk::MemoryDisk;
use crate::error::Result;
use crate::id::{ImageId, ProjectId};
use crate::image::{
    ContainerFormat, Digest, DiskFormat, Image, Limits, Member, MemberStatus, NewImage, Status,
    Visibility,
};
use crate::index::record::Peek;
use crate::index::{Durability, Get, Kv, KvAccess, KvOptions, Order, RedbKv, Table};
use crate::index::{images, members};
use crate::policy::Membership;
use crate::query::{self, ListQuery, MemberFilter, Scope};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[at].clone()
    }
}

const PROJECTS: [&str; 4] = ["a", "b", "c", "d"];

fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

/// The images and their members, as they ought to be.
#[derive(Default)]
struct World {
    images: BTreeMap<ImageId, Image>,
    members: BTreeMap<(ImageId, ProjectId), MemberStatus>,
}

fn store() -> RedbKv {
    let options = KvOptions {
        cache_bytes: 8 << 20,
        reserve_bytes: 0,
        access: KvAccess::Create,
        ..KvOptions::default()
    };
    RedbKv::open(Arc::new(MemoryDisk::new()), options, &mut |_, _| {}).unwrap()
}

fn shape(random: &mut Random, image: &Image) -> Image {
    let mut parts = image.parts().clone();
    let long = format!("long {}", "x".repeat(70));
    parts.name = random
        .of(&[
            None,
            Some(""),
            Some("a"),
            Some("b\0"),
            Some("b"),
            Some(&long),
        ])
        .map(str::to_owned);
    parts.status = random.of(Status::ALL);
    if parts.status == Status::Deleted {
        parts.status = Status::Active;
    }
    parts.visibility = random.of(Visibility::ALL);
    parts.protected = random.below(4) == 0;
    parts.os_hidden = random.below(5) == 0;
    let owners = [None, Some("a"), Some("a"), Some("a"), Some("b"), Some("c")];
    parts.owner = random.of(&owners).map(project);
    parts.disk_format = random.of(&[None, Some(DiskFormat::Raw), Some(DiskFormat::Qcow2)]);
    parts.container_format = random.of(&[None, Some(ContainerFormat::Bare)]);
    parts.min_ram = u32::try_from(random.below(3)).unwrap() * 512;
    parts.min_disk = u32::try_from(random.below(2)).unwrap();
    parts.size = random.of(&[None, Some(0), Some(5), Some(5), Some(1 << 40)]);
    parts.virtual_size = random.of(&[None, Some(7)]);
    let digest = |byte: u8, len: usize| Digest::from_bytes(&vec![byte; len]).unwrap();
    parts.checksum = random.of(&[None, Some(digest(1, 16)), Some(digest(2, 16))]);
    parts.os_hash_value = random.of(&[None, Some(digest(3, 64))]);
    parts.os_hash_algo = parts.os_hash_value.map(|_| "sha512".into());
    let tags = ["x", "y", "z"].map(str::to_owned);
    parts.tags = tags.into_iter().filter(|_| random.below(3) == 0).collect();
    let values = ["1".to_owned(), "2".to_owned(), "v".repeat(100)];
    parts.properties.retain(|_| false);
    for name in ["p", "q"] {
        if random.below(2) == 0 {
            parts.properties.insert(name.to_owned(), random.of(&values));
        }
    }
    parts.created_at = Timestamp::from_micros(
        1_700_000_000_000_000 + 500_000 * i64::try_from(random.below(9)).unwrap(),
    );
    parts.updated_at = Timestamp::from_micros(
        1_700_000_010_000_000 + 500_000 * i64::try_from(random.below(9)).unwrap(),
    );
    Image::from_parts(parts).unwrap()
}

/// Changes store and world alike.
fn change(random: &mut Random, kv: &RedbKv, world: &mut World) {
    let some: Vec<ImageId> = world.images.keys().copied().collect();
    match random.below(10) {
        0..5 => {
            let id = ImageId::from_bytes(u128::from(random.below(u64::MAX)).to_be_bytes());
            let upper = id.to_string().to_uppercase();
            let id = random.of(&[id, upper.parse().unwrap()]);
            let new = NewImage::default().into_image(id, None, &Limits::default(), Timestamp::MIN);
            let mut image = shape(random, &new.unwrap());
            while !image.status().is_live() {
                image = shape(random, &image);
            }
            kv.write(Durability::Later, |put| images::insert(put, &image))
                .unwrap();
            world.images.insert(id, image);
        }
        _ if some.is_empty() => {}
        5..7 => {
            let old = &world.images[&random.of(&some)];
            let mut parts = shape(random, old).parts().clone();
            parts.created_at = old.created_at();
            let image = Image::from_parts(parts).unwrap();
            kv.write(Durability::Later, |put| images::put(put, &image))
                .unwrap();
            world.images.insert(*image.id(), image);
        }
        7 => {
            let id = random.of(&some);
            let image = world.images.remove(&id).unwrap();
            kv.write(Durability::Later, |put| {
                images::delete(put, &image, Timestamp::MIN)
            })
            .unwrap();
            world.members.retain(|(image, _), _| *image != id);
        }
        _ => {
            let (id, to) = (random.of(&some), project(random.of(&PROJECTS)));
            let mut member = Member::new(id, to.clone(), Timestamp::MIN);
            let image = &world.images[&id];
            if world.members.contains_key(&(id, to.clone())) && random.below(3) == 0 {
                kv.write(Durability::Later, |put| {
                    let member = members::find(put, &id, &to)?.unwrap();
                    members::remove(put, image, &member)
                })
                .unwrap();
                world.members.remove(&(id, to));
                return;
            }
            member.decide(random.of(MemberStatus::ALL), Timestamp::MAX);
            kv.write(Durability::Later, |put| members::put(put, image, &member))
                .unwrap();
            world.members.insert((id, to), member.status());
        }
    }
}

/// Tells whether an image is a candidate of a list, by the words of the specification.
fn is_candidate(world: &World, image: &Image, reach: Reach<'_>, query: &ListQuery) -> bool {
    let filters = query.filters();
    let status = image.status();
    if !status.is_live() || status == Status::Killed || image.is_hidden() != filters.hidden {
        return false;
    }
    let own = |project: Option<&ProjectId>| project.is_some() && image.owner() == project;
    let default = match reach {
        Reach::Everything(project) => image.visibility() != Visibility::Community || own(project),
        Reach::Project(project) => {
            let share = project
                .and_then(|project| world.members.get(&(*image.id(), project.clone())))
                .is_some_and(|status| match filters.member_status {
                    MemberFilter::All => true,
                    MemberFilter::Is(wanted) => *status == wanted,
                });
            let shared = image.visibility() == Visibility::Shared && image.owner().is_some();
            image.visibility() == Visibility::Public || own(project) || shared && share
        }
    };
    let open = matches!(
        image.visibility(),
        Visibility::Public | Visibility::Community
    );
    match filters.scope {
        Scope::Default => default,
        Scope::All => default || image.visibility() == Visibility::Community,
        Scope::Is(wanted) => image.visibility() == wanted && (default || open),
    }
}

/// Asks for some ids, not all of them as they are written.
fn ids(random: &mut Random, world: &World) -> String {
    let some: Vec<String> = world.images.keys().map(ImageId::to_string).collect();
    let mut asked: Vec<String> = (0..1 + random.below(40))
        .map(|_| match some.is_empty() {
            true => "none".to_owned(),
            false => random.of(&some),
        })
        .collect();
    let last = asked.len() - 1;
    asked[last] = asked[last].to_lowercase();
    match asked.as_slice() {
        [one] => format!("id={one}"),
        all => format!("id=in:{}", all.join(",")),
    }
}

fn parameters(random: &mut Random, world: &World) -> String {
    let long = format!("name=long+{}", "x".repeat(70));
    let verbose = format!("q={}", "v".repeat(100));
    let all = [
        "name=a",
        "name=b%00",
        "name=in:a,b",
        "name=",
        &long,
        &verbose,
        "status=active",
        "status=in:queued,saving,killed",
        "disk_format=raw",
        "disk_format=in:raw,qcow2",
        "container_format=bare",
        "container_format=ova",
        "protected=true",
        "protected=false",
        "os_hidden=true",
        "owner=a",
        "owner=b",
        "owner=nobody",
        "size_min=5",
        "size_max=5",
        "size=5",
        "virtual_size_min=1",
        "min_ram=0",
        "min_ram=512",
        "min_ram_min=1",
        "min_disk_max=0",
        "checksum=01010101010101010101010101010101",
        "os_hash_algo=sha512",
        "tag=x",
        "tag=y",
        "p=1",
        "q=2",
        "created_at=gt:2023-11-14T22:13:22Z",
        "updated_at=lte:2023-11-14T22:13:31Z",
        "created_at=neq:2023-11-14T22:13:20Z",
        "updated_at=2023-11-14T22:13:32Z",
        "visibility=public",
        "visibility=shared",
        "visibility=community",
        "visibility=private",
        "visibility=all",
        "member_status=all",
        "member_status=pending",
        "member_status=rejected",
    ];
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    if random.below(8) == 0 {
        chosen.insert("id".to_owned(), ids(random, world));
    }
    for _ in 0..random.below(4) {
        let one = random.of(&all);
        let name = one.split('=').next().unwrap();
        chosen.insert(name.to_owned(), one.to_owned());
    }
    let keys = [
        "name",
        "status",
        "container_format",
        "disk_format",
        "size",
        "id",
        "created_at",
        "updated_at",
    ];
    let sorts: Vec<String> = (0..random.below(4))
        .map(|_| format!("{}:{}", random.of(&keys), random.of(&["asc", "desc"])))
        .collect();
    if !sorts.is_empty() {
        chosen.insert("sort".to_owned(), format!("sort={}", sorts.join(",")));
    }
    chosen.into_values().collect::<Vec<_>>().join("&")
}

/// Compares all pages of a query with the plain answer.
fn compare(random: &mut Random, kv: &RedbKv, world: &World) -> usize {
    let text = parameters(random, world);
    let query: ListQuery = text.parse().unwrap();
    let who = random
        .of(&[None, Some("a"), Some("b"), Some("d"), Some("stranger")])
        .map(project);
    let reach = match random.below(4) {
        0 => Reach::Everything(who.as_ref()),
        _ => Reach::Project(who.as_ref()),
    };
    let picky = random.below(5) == 0;
    let admit = |image: &Image| !picky || image.min_disk() == 0;
    let asked = |image: &Image, _: Membership| admit(image);
    let mut expected: Vec<&Image> = world
        .images
        .values()
        .filter(|image| is_candidate(world, image, reach, &query))
        .filter(|image| query.filters().matches(image) && admit(image))
        .collect();
    expected.sort_by(|a, b| query::compare(a, b, query.order()));
    let some: Vec<&Image> = world.images.values().collect();
    let marker = (random.below(3) == 0 && !some.is_empty()).then(|| random.of(&some));
    if let Some(marker) = marker {
        expected.retain(|image| query::compare(image, marker, query.order()).is_gt());
    }
    let expected: Vec<&ImageId> = expected.into_iter().map(Image::id).collect();
    let limit = usize::try_from(random.of(&[1, 2, 7, 1000])).unwrap();
    let mut found: Vec<Image> = Vec::new();
    loop {
        let ask = Ask {
            reach,
            filters: query.filters(),
            order: query.order(),
            after: found.last().or(marker),
            limit,
            most_bytes: usize::MAX,
            admit: picky.then_some(&asked),
        };
        let more = kv.read(|get| page(get, &ask)).unwrap();
        let last = more.len() < limit;
        for (row, _) in more {
            let peek = row.peek;
            let image = row.into_image().unwrap();
            assert_eq!(peek, Peek::of(&image));
            found.push(image);
        }
        if last || found.len() > 2 * world.images.len() {
            break;
        }
    }
    let shown: Vec<&ImageId> = found.iter().map(Image::id).collect();
    assert_eq!(shown, expected, "{text} by {reach:?}, {limit} a page");
    for image in &found {
        assert_eq!(Some(image), world.images.get(image.id()), "{text}");
    }
    found.len()
}

#[test]
fn pages_are_those_of_a_plain_search() {
    let (mut queries, mut shown) = (0, 0);
    for seed in 0..30 {
        let (mut random, mut world, kv) = (Random(seed), World::default(), store());
        for _ in 0..20 {
            (0..15).for_each(|_| change(&mut random, &kv, &mut world));
            for _ in 0..10 {
                shown += compare(&mut random, &kv, &world);
                queries += 1;
            }
        }
        kv.read(|get| check(get, &mut |what| panic!("seed {seed}: {what}")))
            .unwrap();
    }
    println!("{queries} queries, {shown} images on their pages");
    assert!(queries == 6_000 && shown > 30_000);
}

/// Counts what is asked of a snapshot.
struct Counting<'a> {
    of: &'a dyn Get,
    seen: Cell<u64>,
}

impl Counting<'_> {
    fn count(&self) {
        self.seen.set(self.seen.get() + 1);
    }
}

impl Get for Counting<'_> {
    fn get(&self, table: Table, key: &[u8], f: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.count();
        self.of.get(table, key, f)
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        f: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.of.scan(table, from, to, order, &mut |key, value| {
            self.count();
            f(key, value)
        })
    }
}

#[test]
fn what_policy_hides_is_not_looked_for_again_with_each_image() {
    // So few of them are the caller's that a walk to the next one is given up.
    const IMAGES: u64 = 6_000;
    const OWN: u64 = 200;
    let kv = store();
    for number in 0..IMAGES {
        let id = ImageId::from_bytes(u128::from(number * 0x9e37_79b9).to_be_bytes());
        let owner = if number % OWN == 0 { "a" } else { "b" };
        let new = NewImage::named(format!("{number:04}")).owner(owner);
        let image = new.into_image(id, None, &Limits::default(), Timestamp::MIN);
        let image = image.unwrap();
        kv.write(Durability::Later, |put| images::insert(put, &image))
            .unwrap();
    }
    let owner = project("a");
    for sort in ["name:asc", "name:desc", "created_at:asc"] {
        let query: ListQuery = format!("sort={sort}").parse().unwrap();
        let ask = Ask {
            reach: Reach::Project(Some(&owner)),
            filters: query.filters(),
            order: query.order(),
            after: None,
            limit: 1,
            most_bytes: usize::MAX,
            admit: Some(&|_, _| false),
        };
        let seen = kv.read(|get| {
            let counting = Counting {
                of: get,
                seen: Cell::new(0),
            };
            assert!(page(&counting, &ask)?.is_empty());
            Ok(counting.seen.get())
        });
        let seen = seen.unwrap();
        println!("{sort}: {seen} rows read for {IMAGES} images");
        assert!(seen < IMAGES / 2, "{sort}: {seen} rows read");
    }
}
