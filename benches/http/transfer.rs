//! Whole images up and down.

use std::time::Instant;

use smalti::Images;

use crate::client::Client;
use crate::site::{Site, get, noise};
use crate::{Plan, Row};

/// How often each side has its turn.
const TURNS: usize = 3;

pub(crate) fn rows(plan: &Plan, site: &Site) -> Vec<Row> {
    let mut rows = Vec::new();
    if plan.wants("download") {
        rows.extend(downloads(plan, site));
    }
    if plan.wants("upload") {
        rows.extend(uploads(plan, site));
    }
    rows
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn mb_per_s(len_bytes: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    len_bytes as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

fn downloads(plan: &Plan, site: &Site) -> Vec<Row> {
    let len = plan.size_mib << 20;
    let path = format!("/v2/images/{}/file", site.id);
    let (mut front, mut floor, mut library) = (Vec::new(), Vec::new(), Vec::new());
    let whole = |address, path: &str| {
        let mut client = Client::new(address);
        let answer = client.ask(get(path, "").as_bytes());
        assert_eq!((answer.status, answer.len_bytes), (200, len as u64));
    };
    for _ in 0..TURNS {
        front.push(mb_per_s(len, || whole(site.front, &path)));
        floor.push(mb_per_s(len, || whole(site.floor, "/data")));
        library.push(mb_per_s(len, || read(&site.images, site)));
    }
    let row = |beside: &[f64], named, goal| Row {
        what: "download, hot".into(),
        unit: "MB/s",
        front: best(&front),
        beside: best(beside),
        named,
        goal,
    };
    vec![
        row(&floor, "floor", ">= 0.85"),
        row(&library, "library", ""),
    ]
}

/// Copies all bytes of the image, as a socket does.
fn read(images: &Images, site: &Site) {
    let reader = images.open(&site.id).expect("opened").expect("data");
    let mut buffer = vec![0; 4 << 20];
    for slice in reader.slices(..).expect("all") {
        let slice = slice.expect("a slice");
        buffer[..slice.len()].copy_from_slice(&slice);
        std::hint::black_box(&mut buffer);
    }
}

fn uploads(plan: &Plan, site: &Site) -> Vec<Row> {
    let len = plan.size_mib << 20;
    let mut bytes = noise(len);
    let (mut front, mut floor, mut library) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        change(&mut bytes, turn * 2);
        front.push(up(site, &bytes));
        change(&mut bytes, turn * 2 + 1);
        library.push(mb_per_s(len, || {
            let id = *site
                .images
                .create(super::load::plain())
                .expect("created")
                .id();
            let mut upload = site.images.upload(&id).expect("begun");
            upload.read_from(&mut &bytes[..]).expect("written");
            upload.finish().expect("finished");
        }));
        floor.push(mb_per_s(len, || put(site.floor, "/sink", &bytes, 200)));
    }
    site.engine.collect().expect("collected");
    let row = |beside: &[f64], named, goal| Row {
        what: "upload, unique, durable".into(),
        unit: "MB/s",
        front: best(&front),
        beside: best(beside),
        named,
        goal,
    };
    vec![
        row(&library, "library", ">= 0.85"),
        row(&floor, "floor", ""),
    ]
}

fn up(site: &Site, bytes: &[u8]) -> f64 {
    let id = *site
        .images
        .create(super::load::plain())
        .expect("created")
        .id();
    let path = format!("/v2/images/{id}/file");
    mb_per_s(bytes.len(), || put(site.front, &path, bytes, 204))
}

fn put(address: std::net::SocketAddr, path: &str, bytes: &[u8], status: u16) {
    let mut client = Client::new(address);
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\n\
         content-length: {}\r\n\r\n",
        bytes.len()
    );
    client.send(head.as_bytes());
    client.send(bytes);
    assert_eq!(client.answer().status, status);
}

/// Makes every block one that was not there before.
fn change(bytes: &mut [u8], turn: usize) {
    let mark = (turn as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for block in bytes.chunks_exact_mut(512) {
        let (word, _) = block.split_first_chunk_mut::<8>().expect("a block");
        *word = (u64::from_le_bytes(*word) ^ mark).to_le_bytes();
    }
}
