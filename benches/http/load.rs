//! Many small requests: latency on one connection, rate on several.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use smalti::{Images, ListQuery, NewImage};

use crate::client::Client;
use crate::site::{Site, get};
use crate::{Plan, Row};

/// How often each side has its turn.
const TURNS: usize = 3;

/// A kind of small request.
struct Kind {
    what: &'static str,
    front: String,
    floor: String,
    status: u16,
    library: fn(&Site),
    goals: [&'static str; 2],
}

pub(crate) fn rows(plan: &Plan, site: &Site) -> Vec<Row> {
    let file = format!("/v2/images/{}/file", site.id);
    let kinds = [
        Kind {
            what: "show",
            front: get(&format!("/v2/images/{}", site.id), ""),
            floor: get("/show", ""),
            status: 200,
            library: |site| drop(site.images.show(&site.id).expect("shown")),
            goals: ["<= 1.5", ">= 0.5"],
        },
        Kind {
            what: "range",
            front: get(&file, "range: bytes=1048576-1114111\r\n"),
            floor: get("/range", ""),
            status: 206,
            library: |site| {
                let reader = site.images.open(&site.id).expect("opened").expect("data");
                let slices = reader
                    .slices(1 << 20..(1 << 20) + (64 << 10))
                    .expect("a range");
                slices.for_each(|slice| drop(slice.expect("a slice")));
            },
            goals: ["<= 1.5", ">= 0.5"],
        },
        Kind {
            what: "list",
            front: get("/v2/images?limit=100", ""),
            floor: get("/list", ""),
            status: 200,
            library: |site| {
                let query = ListQuery::new().with_limit(100);
                drop(site.images.list(&query).expect("listed"));
            },
            goals: ["", ">= 0.3"],
        },
    ];
    let wanted = kinds.iter().filter(|kind| plan.wants(kind.what));
    let mut rows: Vec<Row> = wanted.flat_map(|kind| kind.rows(plan, site)).collect();
    if plan.wants("create") {
        rows.push(creates(plan, site));
    }
    rows
}

impl Kind {
    fn rows(&self, plan: &Plan, site: &Site) -> Vec<Row> {
        let sides = [(site.front, &self.front), (site.floor, &self.floor)];
        let mut alone = [const { Vec::new() }; 3];
        let mut rates = [const { Vec::new() }; 2];
        for _ in 0..TURNS {
            for (at, (address, request)) in sides.iter().enumerate() {
                let status = if at == 0 { self.status } else { 200 };
                alone[at].push(latency_us(plan.turn, *address, request, status));
                rates[at].push(rate(plan.turn, *address, request, 8));
            }
            alone[2].push(p50(plan.turn / 4, || (self.library)(site)));
        }
        let [front, floor, library] = alone.map(middle);
        let [front_rate, floor_rate] = rates.map(middle);
        let row = |what, unit, front, beside, named, goal| Row {
            what: format!("{}, {what}", self.what),
            unit,
            front,
            beside,
            named,
            goal,
        };
        vec![
            row(
                "1 connection, p50",
                "us",
                front,
                floor,
                "floor",
                self.goals[0],
            ),
            row("1 connection, p50", "us", front, library, "library", ""),
            row(
                "8 connections",
                "1/s",
                front_rate,
                floor_rate,
                "floor",
                self.goals[1],
            ),
        ]
    }
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Repeats some work for a time; returns the median of how long it took, in us.
fn p50(turn: Duration, mut work: impl FnMut()) -> f64 {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < turn {
        let one = Instant::now();
        work();
        times.push(one.elapsed().as_secs_f64() * 1e6);
    }
    middle(times)
}

fn latency_us(turn: Duration, address: SocketAddr, request: &str, status: u16) -> f64 {
    let mut client = Client::new(address);
    p50(turn, || {
        let answer = client.ask(request.as_bytes());
        assert_eq!(answer.status, status);
    })
}

/// Returns how many requests a second are answered on some connections.
fn rate(turn: Duration, address: SocketAddr, request: &str, connections: usize) -> f64 {
    let work = |_| {
        let mut client = Client::new(address);
        move || {
            client.ask(request.as_bytes());
        }
    };
    many(turn, connections, work)
}

/// Repeats some work on threads for a time; returns how often a second.
fn many<W: FnMut()>(turn: Duration, threads: usize, new: impl Fn(usize) -> W + Sync) -> f64 {
    let begun = Instant::now();
    let count: usize = std::thread::scope(|scope| {
        let one = |number| {
            let new = &new;
            scope.spawn(move || {
                let (mut work, mut count) = (new(number), 0);
                while begun.elapsed() < turn {
                    work();
                    count += 1;
                }
                count
            })
        };
        let threads: Vec<_> = (0..threads).map(one).collect();
        threads
            .into_iter()
            .map(|it| it.join().expect("no panic"))
            .sum()
    });
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Durable creates from 64 connections, beside as many threads on the library.
fn creates(plan: &Plan, site: &Site) -> Row {
    let (mut front, mut library) = (Vec::new(), Vec::new());
    let body = r#"{"name":"image","disk_format":"raw","container_format":"bare"}"#;
    let request = format!(
        "POST /v2/images HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..TURNS {
        front.push(rate(plan.turn, site.front, &request, 64));
        library.push(many(plan.turn, 64, |_| {
            let images: Images = site.images.clone();
            move || drop(images.create(plain()).expect("created"))
        }));
    }
    Row {
        what: "create, 64 connections, durable".into(),
        unit: "1/s",
        front: middle(front),
        beside: middle(library),
        named: "library",
        goal: "10000/s",
    }
}

pub(crate) fn plain() -> NewImage {
    NewImage::named("image")
        .disk_format(smalti::DiskFormat::Raw)
        .container_format(smalti::ContainerFormat::Bare)
}
