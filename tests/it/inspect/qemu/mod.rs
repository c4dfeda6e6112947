//! QEMU as the other opinion: images that `qemu-img` makes with every option it offers are
//! recognised as what it says they are, with the length of the disk that it says.
//!
//! Needs `qemu-img`, of the package `qemu-utils`. Where there is none the test says so and is left
//! out; where `CI` is set that is a failure.

mod rows;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use smalti::inspect::{Inspection, Inspector};

use self::rows::Expected::{self, Descriptor, Fails, Raw, Same};
use self::rows::{BACKED, CONVERTED, EMPTY, FULL, Row, SIZES};
use super::outcome;

fn qemu_img(dir: &Path, args: &[&str]) -> std::io::Result<Output> {
    Command::new("qemu-img")
        .args(args)
        .current_dir(dir)
        .output()
}

/// Tells whether there is a `qemu-img`.
fn is_there(dir: &Path) -> bool {
    let Err(error) = qemu_img(dir, &["--version"]) else {
        return true;
    };
    let is_ci = std::env::var_os("CI").is_some();
    assert!(!is_ci, "CI is set, and qemu-img cannot be run: {error}");
    println!("left out: qemu-img of the package qemu-utils cannot be run: {error}");
    false
}

/// Runs a command that makes `image`.
fn make(dir: &Path, args: &[&str]) -> Result<(), String> {
    let done = qemu_img(dir, args).map_err(|error| error.to_string())?;
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

/// Returns the format that QEMU finds by itself, and the length of the disk.
fn info(dir: &Path) -> Result<(String, u64), String> {
    let args = ["info", "--output=json", "image"];
    let done = qemu_img(dir, &args).map_err(|error| error.to_string())?;
    let told: Value = serde_json::from_slice(&done.stdout)
        .map_err(|_| String::from_utf8_lossy(&done.stderr).into_owned())?;
    let format = told["format"].as_str().ok_or("no format")?.to_owned();
    Ok((format, told["virtual-size"].as_u64().ok_or("no length")?))
}

fn inspect_file(path: &Path) -> Inspection {
    let mut file = File::open(path).expect("an image");
    let (mut inspector, mut buffer) = (Inspector::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).expect("read") {
            0 => return inspector.finish(),
            count => inspector.write(&buffer[..count]),
        }
    }
}

/// Compares what QEMU says of the image with what is found.
fn compare(dir: &Path, expected: Expected) -> Result<(), String> {
    let (format, len) = info(dir)?;
    let found = inspect_file(&dir.join("image"));
    let word = match format.as_str() {
        "qcow" => "qcow2",
        "vpc" => "vhd",
        other => other,
    };
    let size = found.finding().and_then(|finding| finding.virtual_size());
    let told = (outcome(&found), size, found.hint());
    let wanted = match expected {
        Same => (format!("{word} ok"), Some(len), None),
        Fails(check) => (format!("{word} {check}"), told.1, None),
        Descriptor => (format!("{word} descriptor"), None, None),
        Raw(hint) => ("raw ok".to_owned(), None, hint),
    };
    if matches!(expected, Fails(check) if check != "banned") && size != Some(len) {
        return Err(format!("{size:?} found, {len} expected"));
    }
    if matches!(expected, Raw(None)) && (word != "raw" || found.len_bytes() != len) {
        return Err(format!("{word} of {len} bytes taken as raw"));
    }
    match told == wanted {
        true => Ok(()),
        false => Err(format!("{told:?} found, {wanted:?} expected")),
    }
}

/// Makes the disks that others are made from.
fn prepare(dir: &Path) {
    let noise: Vec<u8> = (0..3u32 << 20).map(|at| (at / 7 % 251) as u8).collect();
    std::fs::write(dir.join("base"), noise).expect("write");
    let args = ["convert", "-f", "raw", "-O", "vmdk", "base", "base.vmdk"];
    make(dir, &args).expect("an image");
}

/// Lists every image, as arguments of `qemu-img`.
fn all() -> Vec<(Vec<&'static str>, Expected)> {
    let create = |&(format, options, expected): &Row, size: Option<&'static str>| {
        let mut args = vec!["create", "-q", "-f", format];
        if options.contains("secret") {
            args.extend(["--object", "secret,id=s,data=x"]);
        }
        if !options.is_empty() {
            args.extend(["-o", options]);
        }
        args.push("image");
        args.extend(size);
        (args, expected)
    };
    let sizes = |sizes: &'static [&'static str], rows: &'static [Row]| {
        let rows = rows.iter();
        rows.flat_map(move |row| sizes.iter().map(move |size| create(row, Some(size))))
    };
    let backed = BACKED.iter().map(|row| create(row, None));
    let converted = CONVERTED.iter().map(|&(format, options, expected)| {
        let mut args = vec!["convert", "-f", "raw", "-O", format];
        if !options.is_empty() {
            args.extend(["-o", options]);
        }
        args.extend(["base", "image"]);
        (args, expected)
    });
    let made = sizes(&SIZES, EMPTY).chain(sizes(&SIZES[..2], FULL));
    made.chain(backed).chain(converted).collect()
}

#[test]
fn images_of_qemu_are_what_qemu_says() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    if !is_there(dir) {
        return;
    }
    prepare(dir);
    let (mut agreed, mut refused, mut faults) = (0, Vec::new(), Vec::new());
    for (args, expected) in all() {
        let _ = std::fs::remove_file(dir.join("image"));
        let line = args.join(" ");
        match make(dir, &args) {
            // Not every build has every option.
            Err(why) => refused.push(format!("{line}: {}", why.trim())),
            Ok(()) => match compare(dir, expected) {
                Ok(()) => agreed += 1,
                Err(fault) => faults.push(format!("{line}: {fault}")),
            },
        }
    }
    println!("{agreed} images of qemu-img, the same format and length");
    refused.iter().for_each(|line| println!("not made: {line}"));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(agreed >= 100, "{agreed} agreed, {} not made", refused.len());
}
