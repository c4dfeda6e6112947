//! Stores real disk images, shows what they cost, serves ranges of them, deletes, collects.
//!
//! `cargo run --release --example quickstart -- FILE...` stores the files named; give it two
//! versions of one image to see what they share. Without arguments it takes real bytes found on
//! the machine. The store is a temporary directory that is removed at the end; `--store DIR` keeps
//! it.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths that fit, and rounded ones to look at"
)]

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use smalti::engine::Stats;
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, Image, Images, NewImage};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const HELP: &str = "usage: quickstart [--store DIR] [FILE...]
  FILE         disk images to store; without any, real bytes found on this machine
  --store DIR  where the store is made and kept; by default a temporary directory";

fn main() -> Outcome {
    let mut args = std::env::args().skip(1);
    let (mut files, mut store) = (Vec::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => {
                println!("{HELP}");
                return Ok(());
            }
            "--store" => store = Some(PathBuf::from(args.next().ok_or("--store wants a DIR")?)),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    if files.is_empty() {
        files = found_here()?;
    }
    let temporary = std::env::temp_dir().join(format!("smalti-quickstart-{}", std::process::id()));
    let dir = store.clone().unwrap_or_else(|| temporary.clone());
    let outcome = run(&dir, &files);
    if store.is_none() {
        fs::remove_dir_all(&temporary)?;
    }
    outcome
}

fn run(dir: &Path, files: &[PathBuf]) -> Outcome {
    let engine = Engine::builder(dir).open()?;
    let images = engine.images(&Caller::project("quickstart"));
    let mut stored = Vec::new();
    for file in files {
        let image = store(&images, file).map_err(|e| format!("{}: {e}", file.display()))?;
        println!("  in all: {}\n", summary(&engine.stats()?));
        stored.push((image, file));
    }
    for (image, file) in &stored {
        compare_ranges(&images, image, file)?;
    }
    let before = on_disk(dir)?;
    for (image, _) in &stored {
        images.delete(image.id())?;
    }
    let plan = engine.gc_plan(&Default::default())?;
    println!(
        "deleted all; {} references wait for collection",
        plan.release_count
    );
    let report = engine.collect()?;
    println!(
        "collected {} chunks, unlinked {} packs: {} on disk before, {} after",
        report.swept_chunks,
        report.unlinked_packs,
        size(before),
        size(on_disk(dir)?)
    );
    engine.close(std::time::Duration::from_secs(5))?;
    Ok(())
}

/// Stores one file as an image, and prints what `md5sum` and `sha512sum` print of it.
fn store(images: &Images, path: &Path) -> Outcome<Image> {
    let mut file = File::open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = NewImage::named(name)
        .disk_format(match path.extension() {
            Some(extension) if extension == "qcow2" => DiskFormat::Qcow2,
            _ => DiskFormat::Raw,
        })
        .container_format(ContainerFormat::Bare);
    let image = images.create(new)?;
    let begun = Instant::now();
    let mut upload = images.upload(image.id())?;
    upload.read_from(&mut file)?;
    let image = upload.finish()?;
    let (len, secs) = (image.size().unwrap_or(0), begun.elapsed().as_secs_f64());
    println!("{}: image {}", path.display(), image.id());
    println!(
        "  {} in {secs:.2} s, {}/s, durable",
        size(len),
        size((len as f64 / secs) as u64)
    );
    println!("  md5sum    {}", image.checksum().ok_or("no checksum")?);
    println!("  sha512sum {}", image.os_hash_value().ok_or("no hash")?);
    Ok(image)
}

/// Reads ranges of an image and compares them with the file.
fn compare_ranges(images: &Images, image: &Image, path: &Path) -> Outcome {
    let reader = images.open(image.id())?.ok_or("the image holds no data")?;
    let (len, mut file) = (reader.len_bytes(), File::open(path)?);
    let begun = Instant::now();
    let (mut ranges, mut bytes) = (0, 0);
    for start in (0..len).step_by((len / 1000).max(1) as usize) {
        let range = start..len.min(start + 64 * 1024);
        let mut expected = vec![0; (range.end - range.start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut expected)?;
        let mut at = 0;
        for slice in reader.slices(range)? {
            let slice = slice?;
            if slice != expected[at..at + slice.len()] {
                return Err(format!("bytes at {} are not those of the file", start).into());
            }
            at += slice.len();
        }
        (ranges, bytes) = (ranges + 1, bytes + at as u64);
    }
    println!(
        "{}: {ranges} ranges, {}, equal to the file's, in {:.2} s",
        path.display(),
        size(bytes),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn summary(stats: &Stats) -> String {
    let stored = stats.pack_bytes.max(1);
    format!(
        "{} logical = {} zero + {} shared + {} unique; {} in packs, 1 : {:.2}",
        size(stats.logical_bytes),
        size(stats.zero_bytes),
        size(stats.shared_bytes),
        size(stats.unique_bytes),
        size(stats.pack_bytes),
        stats.logical_bytes as f64 / stored as f64
    )
}

fn on_disk(dir: &Path) -> Outcome<u64> {
    let files = fs::read_dir(dir.join("packs"))?;
    let mut sum = 0;
    for file in files {
        sum += file?.metadata()?.len();
    }
    Ok(sum)
}

/// Returns a few large files of this machine: what is real enough for a first look.
fn found_here() -> Outcome<Vec<PathBuf>> {
    let mut files = vec![std::env::current_exe()?];
    for dir in [
        "/boot",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/bin",
    ] {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry
                .metadata()
                .is_ok_and(|data| data.is_file() && data.len() > 8 << 20)
            {
                files.push(entry.path());
            }
        }
    }
    files.truncate(6);
    Ok(files)
}

fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.2} TiB")
}
