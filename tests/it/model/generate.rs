//! Sequences of calls, by seed: of few words, so that calls meet, and with mistakes of every kind.

use serde_json::{Value, json};
use smalti::image::MemberStatus;
use smalti::patch::Dialect;
use smalti::{ContainerFormat, DiskFormat, Status, Visibility};

use super::calls::{
    Actor, CALLERS, CONTENTS, Call, Guard, New, Op, POOL, Party, Route, SLOTS, Step, Walk, Which,
};
use crate::support::Rng;

const TAGS: [&str; 6] = ["t0", "t1", "t2", "t3", "t4", " t0"];
pub(super) const NAMES: [&str; 5] = ["alpha", "Alpha", "beta", "a:b", ""];
pub(super) const KEYS: [&str; 6] = ["k0", "k1", "k2", "k3", "a/b~c", "image_id"];
pub(super) const VALUES: [&str; 4] = ["v0", "v1", "in:v0", ""];
pub(super) const PROJECTS: [&str; 4] = ["a", "b", "c", "d"];
const DISK_FORMATS: [DiskFormat; 3] = [DiskFormat::Raw, DiskFormat::Qcow2, DiskFormat::Iso];
const CONTAINERS: [ContainerFormat; 2] = [ContainerFormat::Bare, ContainerFormat::Ova];
const DECISIONS: [MemberStatus; 3] = [
    MemberStatus::Pending,
    MemberStatus::Accepted,
    MemberStatus::Rejected,
];
/// A character that is refused.
const WIDE: &str = "\u{1f600}";

/// Images that a sequence begins with, as far as their requests are right.
const BEGIN: usize = 12;

/// How often each kind of call comes, in parts of their sum.
const WEIGHTS: [(fn(&mut Dice) -> Call, u64); 27] = [
    (|dice| Call::Create(dice.new_image()), 170),
    (|dice| Call::Show(dice.which()), 40),
    (|dice| dice.update(), 210),
    (|dice| Call::Delete(dice.which()), 20),
    (|dice| Call::Deactivate(dice.one(Status::Active)), 35),
    (|dice| Call::Reactivate(dice.one(Status::Deactivated)), 25),
    (
        |dice| Call::Upload(dice.upto(SLOTS), dice.one(Status::Queued)),
        100,
    ),
    (
        |dice| Call::Finish(dice.upto(SLOTS), dice.upto(CONTENTS.len())),
        60,
    ),
    (|dice| Call::Abort(dice.upto(SLOTS)), 10),
    (|dice| Call::Open(dice.one(Status::Active)), 30),
    (|dice| Call::AddTag(dice.which(), dice.tag()), 50),
    (|dice| Call::RemoveTag(dice.which(), dice.tag()), 30),
    (|dice| Call::AddMember(dice.which(), dice.member()), 80),
    (|dice| Call::ListMembers(dice.which()), 25),
    (|dice| Call::ShowMember(dice.which(), dice.entry()), 25),
    (
        |dice| Call::SetMember(dice.which(), dice.entry(), dice.of(&DECISIONS)),
        70,
    ),
    (|dice| Call::RemoveMember(dice.which(), dice.entry()), 25),
    (|dice| Call::List(dice.ask(), Walk::Page), 110),
    (|dice| Call::List(dice.ask(), Walk::ToTheEnd), 20),
    (|dice| Call::Restore(dice.one(Status::PendingDelete)), 15),
    (|dice| Call::Delete(dice.one(Status::Active)), 15),
    (|dice| Call::Delete(dice.one(Status::Saving)), 4),
    (|dice| Call::Open(dice.one(Status::Deactivated)), 10),
    (|_| Call::Scrub, 10),
    (|_| Call::Collect, 3),
    (|_| Call::Reopen, 3),
    (|_| Call::Leave, 3),
];

/// Returns the calls of a seed; the last one looks at everything.
pub(super) fn sequence(seed: u64, len: usize) -> Vec<Step> {
    let mut dice = Dice(Rng(seed));
    let mut steps: Vec<_> = (0..BEGIN).map(|_| dice.first()).collect();
    steps.extend((BEGIN + 1..len).map(|_| dice.step()));
    steps.push(Step {
        who: Actor::Fixed(0),
        passes: 0,
        call: Call::Inspect,
    });
    steps
}

/// Chance, with words to choose from.
#[derive(Debug)]
pub(super) struct Dice(Rng);

impl Dice {
    pub(super) fn upto(&mut self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    /// Tells whether something happens that happens so often in a hundred.
    pub(super) fn hits(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    pub(super) fn of<T: Clone>(&mut self, words: &[T]) -> T {
        words[self.upto(words.len())].clone()
    }

    pub(super) fn maybe<T: Clone>(&mut self, percent: u64, words: &[T]) -> Option<T> {
        self.hits(percent).then(|| self.of(words))
    }

    fn step(&mut self) -> Step {
        let who = match self.upto(10) {
            0..=5 => Actor::Suited,
            6 | 7 => Actor::Fixed(self.upto(5)),
            _ => Actor::Fixed(self.upto(CALLERS.len())),
        };
        let passes = match self.upto(10) {
            0 | 1 => 0,
            2 => -(self.0.below(3_000_000) as i64),
            3 => self.0.below(4) as i64,
            _ => self.0.below(2_000_000) as i64,
        };
        let call = if self.hits(1) {
            Call::Inspect
        } else {
            self.call()
        };
        Step { who, passes, call }
    }

    fn first(&mut self) -> Step {
        Step {
            who: Actor::Suited,
            passes: self.0.below(2_000_000) as i64,
            call: Call::Create(self.new_image()),
        }
    }

    fn call(&mut self) -> Call {
        let sum = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut left = self.0.below(sum);
        for (make, weight) in WEIGHTS {
            if left < weight {
                return make(self);
            }
            left -= weight;
        }
        Call::Inspect
    }

    pub(super) fn which(&mut self) -> Which {
        match self.upto(20) {
            0 => Which::Upper(self.upto(POOL)),
            1 | 2 => Which::Pool(self.upto(POOL)),
            3 => Which::Made(self.upto(12)),
            _ => Which::There(self.upto(30)),
        }
    }

    /// Names an image in a status, most of the time.
    fn one(&mut self, status: Status) -> Which {
        match self.upto(4) {
            0 => self.which(),
            _ => Which::In(status, self.upto(12)),
        }
    }

    fn tag(&mut self) -> String {
        match self.upto(40) {
            0 => String::new(),
            1 => "t".repeat(256),
            2 => WIDE.to_owned(),
            3 => "\u{e9}".repeat(255),
            _ => self.of(&TAGS).to_owned(),
        }
    }

    fn member(&mut self) -> Party {
        match self.upto(60) {
            0 => Party::Named(WIDE.to_owned()),
            _ => Party::Named(self.of(&PROJECTS).to_owned()),
        }
    }

    fn entry(&mut self) -> Party {
        match self.hits(80) {
            true => Party::Entry(self.upto(2)),
            false => self.member(),
        }
    }

    fn new_image(&mut self) -> New {
        let formats = self.hits(70);
        let mut new = New {
            route: self.of(&[Route::Built, Route::Json]),
            id: self.hits(55).then(|| match self.upto(8) {
                0 => Which::Upper(self.upto(POOL)),
                _ => Which::Pool(self.upto(POOL)),
            }),
            name: self.maybe(70, &NAMES).map(str::to_owned),
            owner: self.maybe(20, &["a", "b", "c", "d", ""]).map(str::to_owned),
            visibility: self.maybe(60, Visibility::ALL),
            protected: self.hits(10),
            hidden: self.hits(15),
            disk_format: formats.then(|| self.of(&DISK_FORMATS)),
            container_format: formats.then(|| self.of(&CONTAINERS)),
            min_disk: self.upto(3) as i64,
            min_ram: self.upto(3) as i64,
            tags: (0..self.upto(4))
                .map(|_| self.of(&TAGS).to_owned())
                .collect(),
            properties: Vec::new(),
        };
        for _ in 0..self.upto(4) {
            let (name, value) = (self.of(&KEYS), self.of(&VALUES));
            new.properties.retain(|(other, _)| other != name);
            new.properties.push((name.to_owned(), value.to_owned()));
        }
        if self.hits(15) {
            self.spoil(&mut new);
        }
        new
    }

    /// Puts a mistake into a request.
    fn spoil(&mut self, new: &mut New) {
        let mut put = |name: &str, value: &str| {
            new.properties.push((name.to_owned(), value.to_owned()));
        };
        match self.upto(20) {
            0 => put("self", "v"),
            1 => put("stores", "v"),
            2 => put("size", "v"),
            3 => put("status", "v"),
            4 => put("checksum", "v"),
            5 => put("locations", "v"),
            6 => put("deleted_at", "v"),
            7 => put("os_glancer", "v"),
            8 => put(&"k".repeat(256), "v"),
            9 => put(WIDE, "v"),
            10 => put("k9", WIDE),
            11 => put("k9", &"v".repeat(65_536)),
            12 if new.route == Route::Built => put("min_ram", "5"),
            12 | 13 => new.name = Some("\u{e9}".repeat(256)),
            14 => new.owner = Some("o".repeat(256)),
            15 => new.tags.push(String::new()),
            16 => new.min_disk = -1,
            17 => new.min_ram = 2_147_483_648,
            18 => new.tags = TAGS.map(str::to_owned).to_vec(),
            _ => KEYS.iter().for_each(|key| {
                new.properties.retain(|(other, _)| other != key);
                new.properties.push(((*key).to_owned(), String::new()));
            }),
        }
    }

    fn update(&mut self) -> Call {
        let dialect = match self.hits(75) {
            true => Dialect::V2_1,
            false => Dialect::V2_0,
        };
        let guard = match self.upto(10) {
            0 => Guard::Wrong,
            1 | 2 => Guard::Right,
            _ => Guard::Unguarded,
        };
        let count = self.of(&[0, 1, 1, 1, 1, 2, 2, 3, 4]);
        let ops = (0..count).map(|_| self.op()).collect();
        let route = self.of(&[Route::Built, Route::Json]);
        Call::Update(self.which(), dialect, route, ops, guard)
    }

    fn op(&mut self) -> Op {
        match self.upto(20) {
            0..=7 => self.base(),
            8..=14 => {
                let verb = self.of(&["add", "add", "replace"]);
                let value = self.of(&VALUES);
                op(verb, &self.key(), json!(value))
            }
            15..=17 => Op {
                verb: "remove",
                path: self.key(),
                value: self.maybe(10, &[json!("ignored")]),
            },
            _ => self.bad_op(),
        }
    }

    fn key(&mut self) -> String {
        let key = self.of(&KEYS).replace('~', "~0").replace('/', "~1");
        match self.upto(15) {
            0 => format!("/ {key} "),
            _ => format!("/{key}"),
        }
    }

    fn base(&mut self) -> Op {
        let (name, value) = match self.upto(11) {
            0 => ("name", json!(self.maybe(85, &NAMES))),
            1 | 2 => ("visibility", json!(self.of(Visibility::ALL).as_str())),
            3 => ("protected", json!(self.hits(30))),
            4 => ("os_hidden", json!(self.hits(30))),
            5 => ("owner", json!(self.of(&["a", "b", "c", "d", ""]))),
            6 => ("disk_format", json!(self.maybe(80, &["raw", "iso"]))),
            7 => ("container_format", json!(self.maybe(80, &["bare", "ova"]))),
            8 => ("min_disk", self.number()),
            9 => ("min_ram", self.number()),
            _ => {
                let tags = (0..self.upto(5)).map(|_| self.of(&TAGS));
                ("tags", json!(tags.collect::<Vec<_>>()))
            }
        };
        let verb = self.of(&["add", "replace", "replace"]);
        op(verb, &format!("/{name}"), value)
    }

    fn number(&mut self) -> Value {
        let numbers = [json!(0), json!(1), json!(2), json!(5), json!(2.0)];
        let bad = [json!(-1), json!(2_147_483_648_i64)];
        match self.hits(15) {
            true => self.of(&bad),
            false => self.of(&numbers),
        }
    }

    fn bad_op(&mut self) -> Op {
        let place = json!({"url": "http://host/1", "metadata": {}});
        let value = json!("v0");
        match self.upto(22) {
            0 => op("move", "/k0", value),
            1 => op(
                "add",
                self.of(&["k0", "/", "/a//b", "/a~2", "/name/"]),
                value,
            ),
            2 => op(
                "replace",
                self.of(&["/name/x", "/tags/-", "/locations/0"]),
                value,
            ),
            3 => op("add", self.of(&["/locations", "/k0/k1"]), place),
            4 | 5 => Op {
                verb: self.of(&["add", "replace"]),
                path: self.of(&["/k0", "/name", "/id"]).to_owned(),
                value: None,
            },
            6 => op(
                "replace",
                self.of(&["/id", "/size", "/self", "/stores"]),
                json!(5),
            ),
            7 => op(
                "add",
                self.of(&["/deleted", "/location", "/os_glancer"]),
                json!(5),
            ),
            8 => op("replace", "/protected", json!("true")),
            9 => op("replace", "/visibility", json!("everybody")),
            10 => op(
                "replace",
                self.of(&["/disk_format", "/tags", "/min_disk"]),
                value,
            ),
            11 => op(
                "add",
                &self.key(),
                self.of(&[json!(5), json!(null), json!(true)]),
            ),
            12 => op(
                "replace",
                "/min_ram",
                self.of(&[json!(true), json!(1.5), json!(null)]),
            ),
            13 => op("replace", "/name", json!("n".repeat(256))),
            14 => op("add", &format!("/{}", "k".repeat(256)), value),
            15 => op("add", self.of(&["/k0", "/name", "/owner"]), json!(WIDE)),
            16 => op("replace", "/tags", json!(["t0", ""])),
            17 => op("add", "/k0", json!("v".repeat(65_536))),
            18 => Op {
                verb: "remove",
                path: self.of(&["/name", "/tags", "/visibility"]).to_owned(),
                value: None,
            },
            19 => op("add", "/locations/-", place),
            20 => op(
                "replace",
                "/locations",
                self.of(&[json!([]), json!([place])]),
            ),
            _ => Op {
                verb: "remove",
                path: "/locations/0".to_owned(),
                value: None,
            },
        }
    }
}

fn op(verb: &'static str, path: &str, value: Value) -> Op {
    Op {
        verb,
        path: path.to_owned(),
        value: Some(value),
    }
}
