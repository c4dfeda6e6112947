//! What a place does, whatever it is: each function is a test that needs a tool and nothing else.

use smalti::wire::{ErrorAnswer, ImageAnswer, ListAnswer};

use super::{Tool, arg};
use crate::support::{Pattern, bytes};

/// Length of the disk that a header of qcow2 tells.
const DISK_LEN_BYTES: u64 = 10 << 20;

/// Data with runs of zeros, of a length that is no multiple of anything.
fn data() -> Vec<u8> {
    let mut data = bytes(Pattern::Mixed(7), (3 << 20) + 17);
    data[1 << 20..2 << 20].fill(0);
    data
}

/// Stores a small image and returns its id.
fn small(tool: &Tool, name: &str, more: &[&str]) -> String {
    let file = tool.file(name, b"a small image");
    let image = tool.json(&[&["put", arg(&file)], more].concat());
    image["id"].as_str().expect("an id").to_owned()
}

pub(super) fn what_is_put_comes_back(tool: &Tool) {
    let mut header = b"QFI\xfb\0\0\0\x03".to_vec();
    header.resize(512, 0);
    header[24..32].copy_from_slice(&DISK_LEN_BYTES.to_be_bytes());
    let data = [header, data()].concat();
    let file = tool.path("disk.qcow2");
    std::fs::write(&file, &data).expect("written");
    let put = tool.json(&[
        "put",
        arg(&file),
        "--property",
        "os_distro=debian",
        "--tag",
        "b",
        "--tag",
        "a",
        "--visibility",
        "private",
        "--min-ram",
        "512",
    ]);
    let image: ImageAnswer = serde_json::from_value(put.clone()).expect("the document of an image");
    assert_eq!(image.name.as_deref(), Some("disk.qcow2"));
    assert_eq!(image.disk_format.as_deref(), Some("qcow2"));
    assert_eq!(image.size, Some(data.len() as u64));
    assert_eq!(image.virtual_size, Some(DISK_LEN_BYTES));
    assert_eq!(image.properties["os_distro"], "debian");
    assert_eq!((image.min_ram, image.tags.len()), (512, 2));
    assert_eq!(tool.json(&["show", "disk.qcow2"]), put, "by name");
    assert_eq!(tool.json(&["show", &image.id.to_string()]), put, "by id");

    let got = tool.json(&["get", "disk.qcow2", "copy"]);
    assert_eq!(got["bytes"], data.len());
    assert_eq!(got["verified"], "sha512");
    assert!(
        std::fs::read(tool.path("copy")).expect("there") == data,
        "other bytes"
    );
    let text = tool.text(&["show", "disk.qcow2"]);
    assert!(text.contains("tags              a, b"), "{text}");
}

pub(super) fn streams_go_in_and_out(tool: &Tool) {
    let data = data();
    let put = tool.feed(&["put", "-", "--name", "streamed", "--json"], &data);
    assert_eq!(put.code, Some(0), "{}", put.stderr);
    let got = tool.run(&["get", "streamed", "-"]);
    assert_eq!(got.code, Some(0), "{}", got.stderr);
    assert!(got.stdout == data, "other bytes");
}

pub(super) fn ranges_are_cut_out(tool: &Tool) {
    let data = data();
    tool.file("disk.raw", &data);
    tool.json(&["put", "disk.raw"]);
    let check = |args: &[&str], expected: &[u8]| {
        let ran = tool.run(&[&["get", "disk.raw", "-"], args].concat());
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
        assert!(ran.stdout == expected, "{args:?}");
    };
    check(&["--range", "0-511"], &data[..512]);
    check(
        &["--range", "1048000-2100000"],
        &data[1_048_000..=2_100_000],
    );
    check(&["--range=-17"], &data[data.len() - 17..]);
    check(
        &["--offset", "1MiB", "--length", "64KiB"],
        &data[1 << 20..(1 << 20) + (64 << 10)],
    );
    check(&["--offset", "3MiB"], &data[3 << 20..]);
    tool.refused(
        &["get", "disk.raw", "-", "--range", "4000000-"],
        2,
        "selects none of",
    );
}

pub(super) fn an_empty_file_is_an_image(tool: &Tool) {
    tool.file("empty.raw", b"");
    assert_eq!(tool.json(&["put", "empty.raw"])["size"], 0);
    tool.json(&["get", "empty.raw", "copy"]);
    assert_eq!(std::fs::read(tool.path("copy")).expect("there"), b"");
}

pub(super) fn lists_are_filtered_sorted_and_paged(tool: &Tool) {
    for name in ["c", "a", "e", "b", "d"] {
        small(tool, name, &["--property", &format!("letter={name}")]);
    }
    let names = |args: &[&str]| -> Vec<String> {
        let list = tool.json(&[&["ls"], args].concat());
        let list: ListAnswer = serde_json::from_value(list).expect("the document of a list");
        list.images
            .into_iter()
            .filter_map(|image| image.name)
            .collect()
    };
    assert_eq!(names(&["--sort", "name:asc"]), ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&["--sort", "name:desc", "--limit", "2"]), ["e", "d"]);
    assert_eq!(names(&["--all", "--sort", "name"]).len(), 5);
    assert_eq!(names(&["--filter", "letter=c"]), ["c"]);
    assert_eq!(
        names(&["--filter", "name=in:a,b", "--sort", "name:asc"]),
        ["a", "b"]
    );
    assert_eq!(names(&["--filter", "name=no such name"]), [""; 0]);
    let text = tool.text(&["ls", "--sort", "name:asc", "--limit", "1"]);
    assert!(
        text.starts_with("ID  ") && text.lines().count() == 2,
        "{text}"
    );
    tool.refused(&["ls", "--sort", "nonsense:asc"], 2, "nonsense");
    tool.refused(&["ls", "--filter", "limit=5"], 2, "--limit");
}

pub(super) fn records_are_changed(tool: &Tool) {
    let id = small(tool, "disk", &["--tag", "old", "--property", "gone=1"]);
    let set = tool.json(&[
        "set",
        "disk",
        "os=debian",
        "--property",
        "k=v=w",
        "--remove-property",
        "gone",
        "--tag",
        "new",
        "--untag",
        "old",
        "--name",
        "renamed",
        "--visibility",
        "public",
        "--min-disk",
        "5",
        "--protect",
    ]);
    let image: ImageAnswer = serde_json::from_value(set).expect("the document of an image");
    assert_eq!(image.id.to_string(), id);
    assert_eq!(image.name.as_deref(), Some("renamed"));
    assert_eq!(image.properties.len(), 2);
    assert_eq!(image.properties["k"], "v=w");
    assert!(image.tags.iter().eq(["new"]));
    assert_eq!((image.min_disk, image.protected), (5, true));
    tool.refused(&["rm", "renamed"], 4, "--unprotect");
    tool.json(&["set", "renamed", "--unprotect", "--hide"]);
    assert_eq!(
        tool.json(&["ls"])["images"]
            .as_array()
            .expect("images")
            .len(),
        0
    );
    assert_eq!(tool.json(&["show", "renamed"])["os_hidden"], true);
    tool.refused(&["set", "renamed", "--remove-property", "nope"], 5, "nope");
    tool.refused(&["set", "renamed"], 2, "nothing is to be set");
    assert_eq!(tool.json(&["rm", "renamed"])["deleted"][0], id);
    tool.refused(&["show", &id], 3, &id);
}

pub(super) fn images_are_deactivated_and_reactivated(tool: &Tool) {
    small(tool, "disk", &[]);
    assert_eq!(tool.json(&["deactivate", "disk"])["status"], "deactivated");
    assert_eq!(tool.json(&["reactivate", "disk"])["status"], "active");
}

pub(super) fn names_that_several_have_are_refused_with_their_ids(tool: &Tool) {
    let (first, second) = (small(tool, "twin", &[]), small(tool, "twin", &["--hidden"]));
    for args in [
        &["show", "twin"][..],
        &["get", "twin", "copy"],
        &["rm", "twin"],
    ] {
        tool.refused(args, 5, &first);
        tool.refused(args, 5, &second);
    }
    tool.refused(&["show", "nobody"], 3, "\"nobody\"");
}

pub(super) fn a_queued_image_is_filled(tool: &Tool) {
    let id = "0b1f6fbe-5f0e-4e5b-a5b3-6d8a1b0a5c11";
    tool.file("half", b"x");
    assert_eq!(tool.json(&["put", "half", "--id", id])["id"], id);
    // It is filled already.
    tool.refused(&["put", "half", "--image", id], 5, "active");
    tool.refused(&["put", "half", "--id", id], 5, "in use");
    assert_eq!(
        tool.json(&["show", id])["status"],
        "active",
        "it is still there"
    );
}

pub(super) fn errors_are_documents_with_json(tool: &Tool) {
    small(tool, "disk", &[]);
    let check = |args: &[&str], code: i32, name: &str| {
        let ran = tool.run(&[args, &["--json"]].concat());
        assert_eq!(
            (ran.code, &*ran.stdout()),
            (Some(code), ""),
            "{args:?}: {}",
            ran.stderr
        );
        let error: ErrorAnswer = serde_json::from_str(&ran.stderr).expect("one document");
        assert_eq!(error.code, name, "{args:?}");
    };
    check(&["show", "nobody"], 3, "NotFound");
    check(
        &["show", "0b1f6fbe-5f0e-4e5b-a5b3-6d8a1b0a5c11"],
        3,
        "NotFound",
    );
    check(
        &["set", "disk", "--remove-property", "x"],
        5,
        "PropertyMissing",
    );
    check(&["set", "disk", "os_glance_x=1"], 4, "ReservedProperty");
    check(
        &["set", "disk", "--name", &"x".repeat(256)],
        2,
        "SchemaViolation",
    );
}

pub(super) fn an_administrator_finds_what_the_community_and_nobody_lists(tool: &Tool) {
    tool.file("disk", b"x");
    for (name, option) in [
        ("c", &["--visibility", "community"][..]),
        ("h", &["--hidden"]),
    ] {
        tool.json(&[&["put", "disk", "--name", name], option].concat());
        assert_eq!(tool.json(&["show", name])["name"], name);
    }
    let named = |args: &[&str]| {
        let list = tool.json(args);
        let images = list["images"].as_array().expect("images");
        let names = images.iter().map(|image| image["name"].to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named(&["ls", "--all"]), "\"c\"");
    assert_eq!(
        named(&["ls", "--all", "--filter", "os_hidden=true"]),
        "\"h\""
    );
    assert_eq!(named(&["ls", "--all", "--filter", "visibility=public"]), "");
    tool.refused(&["show", "none"], 3, "os_hidden=true");
}
