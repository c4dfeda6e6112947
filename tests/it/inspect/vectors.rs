//! The vectors of formats that need data: what is recognised, and what becomes of an upload.
//!
//! Those of values, pairs and changes run in `tests/it/vectors/formats.rs`, and uploads there once
//! more, through an engine; the last test here
//! counts that together they are all.

use serde_json::{Value, json};
use smalti::inspect::{Check, Claim, Format, InspectRules, Inspection, judge};
use smalti::testing::disks::{self, DESCRIPTOR, set};
use smalti::{Caller, DiskFormat, Engine, NewImage};

use super::{Numbers, inspect, inspect_pieces, pieces};

const VECTORS: &str = include_str!("../../vectors/formats.json");

fn of_kind(kind: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(VECTORS).expect("JSON");
    let all = file["vectors"].as_array_mut().expect("a list");
    all.drain(..).filter(|it| it["kind"] == kind).collect()
}

fn text<'v>(vector: &'v Value, name: &str) -> &'v str {
    vector[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {vector}"))
}

fn detected(vector: &Value) -> Vec<Format> {
    let names = vector["detected"].as_array().expect("a list");
    let format = |name: &Value| {
        let known = Format::ALL.iter().find(|it| name == it.as_str());
        *known.unwrap_or_else(|| panic!("{name} is no format"))
    };
    names.iter().map(format).collect()
}

/// Makes bytes that are of one format and fail one check, or none.
fn sample(format: Format, safety: &str) -> Vec<u8> {
    let changed = |mut image: Vec<u8>, at: usize, new: &[u8]| {
        set(&mut image, at, new);
        image
    };
    match (format, safety) {
        (Format::Raw, "ok") => b"nothing in particular".repeat(3000),
        (Format::Qcow2, "ok") => disks::qcow2(3),
        (Format::Qcow2, "backing_file") => changed(disks::qcow2(3), 14, &[2]),
        (Format::Qcow2, "data_file") => changed(disks::qcow2(3), 79, &[4]),
        (Format::Vhd, "ok") => disks::vhd(),
        (Format::Vhdx, "ok") => disks::vhdx(),
        (Format::Vdi, "ok") => disks::vdi(),
        (Format::Iso, "ok") => disks::iso(),
        (Format::Vmdk, "ok") => disks::vmdk(DESCRIPTOR),
        (Format::Vmdk, "footer") => {
            let image = disks::vmdk_stream();
            let footer = image.len() - 1024;
            changed(image, footer + 4, &[2])
        }
        (Format::Gpt, "ok") => disks::gpt(true),
        (Format::Gpt, "mbr") => changed(disks::gpt(true), 462, &[7]),
        (Format::Qed, "banned") => disks::qed(),
        (Format::Luks, "ok") => disks::luks(1),
        (Format::Luks, "version") => disks::luks(2),
        other => panic!("no sample for {other:?}"),
    }
}

/// Makes the data of a vector of uploads; nothing where no bytes are all of its formats at once.
pub(crate) fn data(vector: &Value) -> Option<Vec<u8>> {
    let safety = text(vector, "safety");
    let by_id = match text(vector, "id") {
        "fmt-up-qcow2-features" => {
            let mut image = disks::qcow2(3);
            image[78] = 1;
            Some(image)
        }
        "fmt-up-qcow2-v1" => Some(disks::qcow2(1)),
        "fmt-up-vmdk-flat" => Some(disks::vmdk(&DESCRIPTOR.replace("Sparse\"\n", "Flat\"\n"))),
        "fmt-up-vmdk-slash" => Some(disks::vmdk(&DESCRIPTOR.replace("disk.", "../disk."))),
        _ => None,
    };
    by_id.or_else(|| match detected(vector).as_slice() {
        [] => Some(Vec::new()),
        [one] => Some(sample(*one, safety)),
        [first, Format::Gpt] => {
            let mut image = sample(*first, safety);
            disks::set_table(&mut image, false);
            Some(image)
        }
        _ => None,
    })
}

/// Inspects the data of a vector, cut in every way, and looks at what was found.
fn inspected(vector: &Value) -> Result<Inspection, String> {
    let (formats, safety) = (detected(vector), text(vector, "safety"));
    let Some(image) = data(vector) else {
        let check: Option<Check> = (safety != "ok").then(|| safety.parse().expect("a check"));
        return Ok(disks::inspection(4096, &formats, check));
    };
    let whole = inspect(&image);
    let mut numbers = Numbers(7);
    let random = pieces(&image, &mut numbers, 5000);
    let cuts = [
        inspect_pieces(image.chunks(1)).0,
        inspect_pieces(random.into_iter()).0,
    ];
    if cuts.iter().any(|cut| *cut != whole) {
        return Err("depends on how it is cut".to_owned());
    }
    let failure = whole.finding().and_then(|it| it.failures().first());
    let found = failure.map_or("ok", |failure| failure.check().as_str());
    let found = (whole.detected(), found);
    match found == (formats.clone(), safety) {
        true => Ok(whole),
        false => Err(format!("{found:?} found, {:?} expected", (formats, safety))),
    }
}

fn claim(vector: &Value) -> Option<Claim> {
    let word = |name: &str| vector[name].as_str();
    let (disk, container) = (word("disk_format")?, word("container_format")?);
    Some(Claim::new(disk.parse().ok()?, container.parse().ok()?))
}

/// Uploads to an image of which a format is not set.
fn upload_without_formats(vector: &Value) -> u16 {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&Caller::project("a"));
    let mut new = NewImage::named("n");
    if let Some(disk) = vector["disk_format"].as_str() {
        new = new.disk_format(disk.parse().expect("a format"));
    }
    if let Some(container) = vector["container_format"].as_str() {
        new = new.container_format(container.parse().expect("a format"));
    }
    let image = images.create(new).expect("create");
    images
        .upload(image.id())
        .expect_err("no format")
        .http_status()
}

fn run_upload(vector: &Value) -> Result<(), String> {
    let inspection = inspected(vector)?;
    let rules = InspectRules {
        require_image_format_match: vector["require_image_format_match"] == true,
        ..InspectRules::default()
    };
    let (status, virtual_size) = match claim(vector) {
        None => (upload_without_formats(vector), None),
        Some(claim) => match judge(&inspection, claim, &rules) {
            Ok(verdict) => (204, verdict.virtual_size()),
            Err(error) => (error.http_status(), None),
        },
    };
    let header = || inspection.finding().and_then(|it| it.virtual_size());
    let expected = match &vector["expect"]["virtual_size"] {
        Value::String(word) if word == "size" => json!(inspection.len_bytes()),
        Value::String(word) if word == "header" => json!(header().expect("a length")),
        other => other.clone(),
    };
    let found = (json!(status), json!(virtual_size));
    let expected = (vector["expect"]["status"].clone(), expected);
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found:?} found, {expected:?} expected")),
    }
}

fn run(kind: &str, count: usize, check: impl Fn(&Value) -> Result<(), String>) {
    let vectors = of_kind(kind);
    let faults: Vec<String> = vectors
        .iter()
        .filter_map(|vector| Some(format!("{}: {}", vector["id"], check(vector).err()?)))
        .collect();
    println!(
        "formats.json, {kind}: {} of {count} vectors ran",
        vectors.len()
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert_eq!(vectors.len(), count);
}

#[test]
fn uploads_are_judged_as_the_vectors_say() {
    run("upload", 46, run_upload);
}

/// Makes the bytes that a vector of detection describes in words.
fn described(id: &str) -> Vec<u8> {
    let at = |at: usize, bytes: &[u8]| {
        let mut image = vec![0; 40 << 10];
        set(&mut image, at, bytes);
        image
    };
    let text = "createType=\"custom\"\n# and so on\n";
    match id {
        "fmt-det-qcow2" => at(0, b"QFI\xfb")[..512].to_vec(),
        "fmt-det-qcow2-short" => at(0, b"QFI\xfb")[..511].to_vec(),
        "fmt-det-vmdk-sparse" => at(0, b"KDMV"),
        "fmt-det-vmdk-desc" => text.repeat(20).into_bytes(),
        "fmt-det-vmdk-text-none" => text.replace("Type", "").repeat(20).into_bytes(),
        "fmt-det-vhd" => at(0, b"conectix"),
        "fmt-det-vhd-fixed" => at((40 << 10) - 512, b"conectix"),
        "fmt-det-vhdx" => at(0, b"vhdxfile"),
        "fmt-det-vdi" => at(0x40, b"\x7f\x10\xda\xbe"),
        "fmt-det-iso" => at(0x8001, b"NSR03"),
        "fmt-det-gpt" => at(510, &[0x55, 0xaa]),
        "fmt-det-fat" => {
            let mut image = at(510, &[0x55, 0xaa]);
            (image[0x10], image[0x15]) = (2, 0xf8);
            image
        }
        "fmt-det-luks" => at(0, b"LUKS\xba\xbe"),
        "fmt-det-qed" => at(0, b"QED\0"),
        other => panic!("no bytes for {other}"),
    }
}

#[test]
fn signatures_are_recognised_as_the_vectors_say() {
    run("detect", 14, |vector| {
        let found = inspect(&described(text(vector, "id"))).detected();
        let found: Vec<&str> = found.iter().map(|it| it.as_str()).collect();
        match found == [text(vector, "expect")] {
            true => Ok(()),
            false => Err(format!("{found:?} found")),
        }
    });
}

#[test]
fn every_vector_of_formats_is_of_a_kind_that_runs() {
    let file: Value = serde_json::from_str(VECTORS).expect("JSON");
    // The first three run through the calls, in `tests/it/vectors/formats.rs`.
    let kinds = [
        ("value", 34),
        ("pair", 4),
        ("change", 14),
        ("upload", 46),
        ("detect", 14),
    ];
    let counts = kinds.map(|(kind, count)| {
        assert_eq!(of_kind(kind).len(), count, "{kind}");
        count
    });
    assert_eq!(json!(counts.iter().sum::<usize>()), file["count"]);
}

#[test]
fn partition_tables_may_fail_where_operators_say_so() {
    let rules = InspectRules {
        gpt_safety_checks_nonfatal: vec!["mbr".parse().expect("a check")],
        ..InspectRules::default()
    };
    let claim = Claim::new(DiskFormat::Raw, smalti::ContainerFormat::Bare);
    let bad = inspect(&sample(Format::Gpt, "mbr"));
    assert_eq!(
        judge(&bad, claim, &InspectRules::default())
            .unwrap_err()
            .http_status(),
        415
    );
    let verdict = judge(&bad, claim, &rules).expect("it is tolerated");
    assert_eq!(verdict.virtual_size(), Some(64 << 10));
    let tolerated = verdict.tolerated().expect("it is told");
    assert!(
        tolerated.contains("mbr") && tolerated.contains("gpt"),
        "{tolerated}"
    );
    let backed = inspect(&sample(Format::Qcow2, "backing_file"));
    assert!(judge(&backed, claim, &rules).is_err());
}
