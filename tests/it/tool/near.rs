//! The image cache and the limits of projects through the tool, on a directory and on a server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Tool;
use super::server::Served;
use crate::support::{Pattern, bytes};

/// Writes a configuration with a cache, a store to be cached and limits; returns what names it.
fn configured(tool: &Tool) -> [&'static str; 2] {
    tool.file(
        "smalti.toml",
        b"image_cache = true\nimage_cache_max_size = \"1MiB\"\n\
          [stores.slow]\ntype = \"file\"\npath = \"slow\"\ndefault = true\n\
          [limits.default]\nimage_count_total = 2\nimage_size_total = -1\n\
          [limits.big]\nimage_count_total = 10\nimage_size_total = 3\n",
    );
    ["--config", "smalti.toml"]
}

/// Makes two images; returns their ids.
fn two_images(tool: &Tool, at: &[&str]) -> [String; 2] {
    [("a", 1), ("b", 2)].map(|(name, seed)| {
        let data = bytes(Pattern::Mixed(seed), 800_000);
        tool.file(name, &data);
        let put = tool.json(&[&["put", name][..], at].concat());
        put["id"].as_str().expect("an id").to_owned()
    })
}

/// Returns the ids in one list of the cache.
fn ids(tool: &Tool, at: &[&str], list: &str) -> Vec<String> {
    let state = tool.json(&[&["cache", "ls"][..], at].concat());
    let items = state[list].as_array().expect("a list").iter();
    let id = |item: &Value| {
        item["image_id"]
            .as_str()
            .or(item.as_str())
            .map(str::to_owned)
    };
    items.map(|item| id(item).expect("an id")).collect()
}

#[test]
fn the_cache_of_a_directory_is_filled_shown_and_emptied() {
    let tool = Tool::on_directory();
    let at = configured(&tool);
    let run = |args: &[&str]| tool.json(&[args, &at[..]].concat());
    let [a, b] = two_images(&tool, &at);
    let queued = run(&["cache", "queue", "a", &b]);
    assert_eq!(queued["queued"], json!([a, b]));
    assert_eq!(ids(&tool, &at, "queued_images"), [a.clone(), b.clone()]);
    assert_eq!(
        run(&["cache", "clear", "--only", "cache"])["cleared"],
        "cache"
    );
    assert_eq!(run(&["cache", "rm", "b"])["removed"], json!([b]));
    assert_eq!(run(&["cache", "fill"]), json!({ "cached": 1, "failed": 0 }));
    assert_eq!(ids(&tool, &at, "cached_images"), [a.as_str()]);
    assert_eq!(ids(&tool, &at, "queued_images"), [""; 0]);
    let text = tool.text(&[&["cache", "ls"][..], &at].concat());
    assert!(text.contains(&a) && text.contains("781.2 KiB"), "{text}");
    // Two images are longer than the cache may be.
    run(&["cache", "queue", "b"]);
    run(&["cache", "fill"]);
    let pruned = run(&["cache", "prune"]);
    assert_eq!(
        pruned,
        json!({ "total_files_pruned": 1, "total_bytes_pruned": 800_000 })
    );
    assert_eq!(ids(&tool, &at, "cached_images"), [b]);
    run(&["cache", "clear"]);
    assert_eq!(ids(&tool, &at, "cached_images"), [""; 0]);
    let asking = [&["cache", "ls", "--project", "p"][..], &at].concat();
    tool.refused(&asking, 4, "");
    tool.refused(&[&["cache", "queue", "none"][..], &at].concat(), 3, "none");
}

#[test]
fn the_cache_of_a_server_fills_itself() {
    let tool = Tool::on_directory();
    let config = configured(&tool);
    let served = Served::start(&tool, &[&["--single-user"][..], &config].concat());
    let tool = tool.at(served.url.as_str());
    let [a, b] = two_images(&tool, &[]);
    tool.json(&["cache", "queue", "b", "a"]);
    let until = Instant::now() + Duration::from_secs(60);
    while ids(&tool, &[], "cached_images").is_empty() {
        assert!(Instant::now() < until, "nothing is cached");
        std::thread::sleep(Duration::from_millis(200));
    }
    tool.json(&["cache", "clear", "--only", "queue"]);
    assert_eq!(ids(&tool, &[], "queued_images"), [""; 0]);
    let cached = ids(&tool, &[], "cached_images");
    assert!(cached.iter().all(|id| [&a, &b].contains(&id)), "{cached:?}");
    tool.json(&["cache", "prune"]);
    tool.json(&["cache", "rm", &a, &b]);
    assert_eq!(ids(&tool, &[], "cached_images"), [""; 0]);
    tool.refused(&["cache", "fill"], 2, "on a directory");
    assert_eq!(served.end(), Some(0), "it ends cleanly");
}

#[test]
fn a_cache_that_is_off_is_told_with_the_key_that_switches_it_on() {
    let tool = Tool::on_directory();
    tool.file("disk", b"x");
    tool.json(&["put", "disk"]);
    for deed in ["ls", "prune", "fill", "clear"] {
        tool.refused(&["cache", deed], 3, "image_cache = true");
    }
    tool.refused(&["cache", "queue", "disk"], 3, "image_cache = true");
    tool.refused(&["cache"], 2, "Usage");
}

/// Reads one figure.
fn figure(usage: &Value, name: &str) -> (Value, Value) {
    let of = &usage["usage"][name];
    (of["usage"].clone(), of["limit"].clone())
}

#[test]
fn limits_are_shown_and_kept_on_a_directory() {
    let tool = Tool::on_directory();
    let at = configured(&tool);
    limits(&tool, &at);
    let off = tool.json(&["usage", "--project", "big"]);
    assert_eq!(off, json!({ "usage": {} }), "without the configuration");
    assert_eq!(tool.text(&["usage"]).trim(), "no limits are set");
}

#[test]
fn limits_are_shown_and_kept_on_a_server() {
    let tool = Tool::on_directory();
    let config = configured(&tool);
    let served = Served::start(&tool, &[&["--behind-proxy"][..], &config].concat());
    let tool = tool.at(served.url.as_str());
    limits(&tool, &[]);
    assert_eq!(served.end(), Some(0), "it ends cleanly");
}

fn limits(tool: &Tool, at: &[&str]) {
    let run = |args: &[&str]| tool.json(&[args, at].concat());
    tool.file("small", &bytes(Pattern::Mixed(1), 1 << 20));
    tool.file("large", &bytes(Pattern::Mixed(2), 2 << 20));
    for name in ["1", "2"] {
        run(&["put", "small", "--name", name, "--project", "p"]);
    }
    let third = ["put", "small", "--name", "3", "--project", "p"];
    tool.refused(&[&third[..], at].concat(), 6, "");
    let usage = run(&["usage", "--project", "p"]);
    assert_eq!(figure(&usage, "image_count_total"), (json!(2), json!(2)));
    assert_eq!(figure(&usage, "image_size_total"), (json!(2), json!(-1)));
    run(&["put", "large", "--project", "big"]);
    let more = ["put", "large", "--name", "more", "--project", "big"];
    tool.refused(&[&more[..], at].concat(), 6, "");
    let usage = run(&["usage", "--project", "big"]);
    assert_eq!(figure(&usage, "image_size_total"), (json!(2), json!(3)));
    assert_eq!(figure(&usage, "image_count_total"), (json!(1), json!(10)));
    let text = tool.text(&[&["usage", "--project", "big"][..], at].concat());
    assert!(
        text.contains("image_size_total       2 MiB  3 MiB"),
        "{text}"
    );
    assert!(text.contains("no limit"), "{text}");
}

#[test]
fn signatures_are_verified_where_there_are_certificates() {
    let tool = Tool::on_directory();
    tool.file("disk", b"data that nobody has signed");
    tool.file("smalti.toml", b"certificates = \"certificates\"\n");
    let put = |name: &'static str| {
        let words = [
            "img_signature=AAAA",
            "img_signature_hash_method=SHA-256",
            "img_signature_key_type=RSA-PSS",
            "img_signature_certificate_uuid=c1",
        ];
        let mut args = vec!["put", "disk", "--name", name];
        words
            .iter()
            .for_each(|word| args.extend(["--property", word]));
        args
    };
    tool.json(&put("without"));
    let with = [put("with"), vec!["--config", "smalti.toml"]].concat();
    tool.refused(&with, 2, "it is no directory");
    std::fs::create_dir(tool.path("certificates")).expect("made");
    tool.refused(&with, 2, "certificate \"c1\" is not there");
    let listed = tool.json(&["ls"]);
    assert_eq!(listed["images"].as_array().expect("a list").len(), 1);
}
