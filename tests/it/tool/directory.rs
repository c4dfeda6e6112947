//! The tool on a directory: round trips, upkeep, and what it leaves behind.

use super::{Tool, arg, round};
use crate::support::{Pattern, bytes};

macro_rules! on_a_directory {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            round::$name(&Tool::on_directory());
        }
    )*};
}

on_a_directory! {
    what_is_put_comes_back
    streams_go_in_and_out
    ranges_are_cut_out
    an_empty_file_is_an_image
    lists_are_filtered_sorted_and_paged
    records_are_changed
    images_are_deactivated_and_reactivated
    names_that_several_have_are_refused_with_their_ids
    a_queued_image_is_filled
    errors_are_documents_with_json
    an_administrator_finds_what_the_community_and_nobody_lists
}

#[test]
fn images_are_shared_accepted_and_unshared() {
    let tool = Tool::on_directory();
    tool.file("disk", b"shared");
    let (a, b) = (["--project", "a"], ["--project", "b"]);
    let run = |args: &[&str], who: &[&str]| tool.json(&[args, who].concat());
    let id = run(&["put", "disk"], &a)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    tool.refused(&["show", &id, "--project", "b"], 3, &id);
    assert_eq!(run(&["share", "disk", "b"], &a)["status"], "pending");
    assert_eq!(
        run(&["ls"], &b)["images"].as_array().expect("images").len(),
        0
    );
    assert_eq!(run(&["share", &id, "--accept"], &b)["status"], "accepted");
    assert_eq!(run(&["show", "disk"], &b)["id"], id.as_str(), "by name now");
    assert_eq!(run(&["share", "disk"], &a)["members"][0]["member_id"], "b");
    assert_eq!(run(&["share", &id, "--reject"], &b)["status"], "rejected");
    tool.refused(
        &["share", "disk", "b", "--project", "a"],
        5,
        "member already",
    );
    tool.refused(&["set", &id, "a=b", "--project", "b"], 4, "--project");
    assert_eq!(run(&["unshare", "disk", "b"], &a)["unshared"], "b");
    tool.refused(&["show", &id, "--project", "b"], 3, &id);
    tool.refused(&["share", &id, "--accept"], 2, "nobody is named");
}

#[test]
fn space_of_deleted_images_returns_and_the_rest_is_clean() {
    let tool = Tool::on_directory();
    tool.file("a.raw", &bytes(Pattern::Random(1), 2 << 20));
    tool.file("b.raw", &bytes(Pattern::Random(2), 1 << 20));
    let first = tool.json(&["put", "a.raw"]);
    tool.json(&["put", "b.raw"]);
    let before = tool.json(&["stats"]);
    assert_eq!(before["image_count"], 2);
    assert_eq!(before["unique_bytes"], 3 << 20);
    tool.json(&["rm", first["id"].as_str().expect("an id")]);
    assert_eq!(tool.json(&["gc", "--plan"])["release_count"], 1);
    let report = tool.json(&["gc", "--min-garbage", "0"]);
    assert_eq!(
        report["swept_bytes"].as_u64().map(|bytes| bytes >= 2 << 20),
        Some(true)
    );
    assert_eq!(tool.json(&["stats"])["unique_bytes"], 1 << 20);
    for args in [&["verify"][..], &["verify", "b.raw"]] {
        let report = tool.json(args);
        assert_eq!(
            report["damage"].as_array().map(Vec::len),
            Some(0),
            "{report}"
        );
        assert_eq!(report["image_count"], 1);
    }
    assert!(tool.text(&["stats"]).contains("logical : in packs"));
    assert!(tool.text(&["gc", "--plan"]).contains("packs to copy"));
}

#[test]
fn damage_is_found_and_told() {
    let tool = Tool::on_directory();
    tool.file("a.raw", &bytes(Pattern::Random(3), 1 << 20));
    let id = tool.json(&["put", "a.raw"])["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let packs = std::fs::read_dir(tool.path("images/packs")).expect("packs");
    for pack in packs.map(|pack| pack.expect("a pack").path()) {
        let mut content = std::fs::read(&pack).expect("readable");
        let middle = content.len() / 2;
        content[middle] ^= 1;
        std::fs::write(&pack, content).expect("written");
    }
    let ran = tool.run(&["verify", "--json"]);
    assert_eq!(ran.code, Some(8), "{}", ran.stderr);
    assert!(ran.stdout().contains(&id), "{}", ran.stdout());
    assert!(ran.stderr.contains("\"Corrupt\""), "{}", ran.stderr);
    tool.refused(&["get", "a.raw", "copy"], 8, "smalti verify");
    assert_eq!(tool.files(), ["a.raw"], "no half file");
}

#[test]
fn a_download_leaves_a_whole_file_or_none() {
    let tool = Tool::on_directory();
    tool.file("a.raw", b"content");
    tool.json(&["put", "a.raw"]);
    tool.refused(&["get", "a.raw", "a.raw"], 5, "--force");
    tool.file("other", b"another and longer content");
    tool.json(&["get", "a.raw", "other", "--force"]);
    assert_eq!(
        std::fs::read(tool.path("other")).expect("there"),
        b"content"
    );
    tool.refused(&["get", "a.raw", "no/such/dir"], 3, "no/such/");
    tool.refused(&["get", "a.raw", "images"], 2, "is a directory");
    tool.text(&["get", "a.raw", "/dev/null"]);
    assert_eq!(tool.files(), ["a.raw", "other"]);
}

#[test]
fn holes_are_kept_both_ways() {
    use std::os::unix::fs::MetadataExt;
    let tool = Tool::on_directory();
    let file = std::fs::File::create(tool.path("sparse.raw")).expect("made");
    file.set_len(16 << 20).expect("sparse");
    drop(file);
    tool.json(&["put", "sparse.raw"]);
    assert_eq!(tool.json(&["stats"])["zero_bytes"], 16 << 20);
    tool.json(&["get", "sparse.raw", "copy"]);
    let copy = std::fs::metadata(tool.path("copy")).expect("there");
    assert_eq!(copy.len(), 16 << 20);
    assert!(copy.blocks() * 512 < 1 << 20, "{} blocks", copy.blocks());
}

#[test]
fn an_image_that_cannot_be_filled_is_removed_again() {
    let tool = Tool::on_directory();
    tool.file("a.raw", b"x");
    tool.json(&["put", "a.raw"]);
    // Nobody maps the first page, so that reading it fails.
    let ran = tool.run(&["put", "/proc/self/mem", "--protected", "--name", "broken"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("source failed"), "{}", ran.stderr);
    let list = tool.json(&["ls"]);
    assert_eq!(list["images"].as_array().map(Vec::len), Some(1), "{list}");
}

#[test]
fn all_that_can_be_deleted_is_deleted() {
    let tool = Tool::on_directory();
    for name in ["a", "b", "c"] {
        tool.file(name, b"x");
        tool.json(&["put", name]);
    }
    tool.json(&["set", "b", "--protect"]);
    let ran = tool.run(&["rm", "a", "b", "nope", "c"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert_eq!(ran.stdout().lines().count(), 2, "{}", ran.stdout());
    assert!(
        ran.stderr.contains("b: ") && ran.stderr.contains("nope: "),
        "{}",
        ran.stderr
    );
    assert_eq!(
        tool.json(&["ls"])["images"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_bench_measures_and_leaves_no_image() {
    let tool = Tool::on_directory();
    // A bench makes no place of images where there is none.
    tool.json(&["put", "/dev/null", "--name", "first"]);
    tool.text(&["rm", "first"]);
    let args = [
        "bench",
        "--size",
        "1MiB",
        "--seconds",
        "1",
        "--connections",
        "2",
    ];
    let measured = tool.json(&args);
    let results = measured["results"].as_array().expect("results");
    let names: Vec<_> = results
        .iter()
        .filter_map(|result| result["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "upload",
            "download",
            "range 64 KiB",
            "show",
            "list 25",
            "create"
        ]
    );
    for result in results {
        assert!(result["calls"].as_u64() > Some(0), "{result}");
    }
    assert_eq!(results[1]["bytes"], 1 << 20);
    assert_eq!(
        tool.json(&["ls"])["images"].as_array().map(Vec::len),
        Some(0)
    );
}

#[test]
fn a_directory_that_was_not_closed_is_read_all_the_same() {
    let tool = Tool::on_directory();
    let dir = tool.path("images");
    let engine = smalti::Engine::builder(&dir).open().expect("made");
    let images = engine.images(&smalti::Caller::admin());
    let image = images
        .create(smalti::NewImage::named("left"))
        .expect("created");
    let open = tool.run(&["ls"]);
    assert_eq!(open.code, Some(7), "{}", open.stderr);
    assert!(open.stderr.contains("smalti serve"), "{}", open.stderr);
    assert!(open.stderr.contains(arg(&dir)), "{}", open.stderr);
    drop((images, engine));
    assert_eq!(tool.json(&["show", "left"])["id"], image.id().to_string());
}

#[test]
fn a_place_may_be_a_name_in_a_directory_that_is_empty() {
    let tool = Tool::on_directory().at("images");
    let ran = tool.feed(&["put", "-", "--name", "disk"], b"some data");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(tool.json(&["ls"])["images"][0]["size"], 9);
}
