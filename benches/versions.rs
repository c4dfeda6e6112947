//! How much do versions of one disk image share, and what does describing them cost?
//!
//! `cargo bench --bench versions -- FILE...` stores the files named in a temporary store, prints
//! logical by stored bytes and the bytes of places, manifests and descriptors, reads every version
//! back and compares it with its file byte by byte, then 1,000 random ranges of each. Without
//! files it says how to make some. A smaller ratio than on the last release would change our mind
//! about the cutter.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of buffers that fit"
)]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use smalti::{Caller, ContainerFormat, DiskFormat, Engine, Images, NewImage, Settings};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let files: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    if files.is_empty() {
        println!("versions: name files, e.g. two builds of one image: -- v1.raw v2.raw");
        return Ok(());
    }
    let dir = std::env::temp_dir().join(format!("smalti-versions-{}", std::process::id()));
    // What is measured is space: digests of whole images would only take time.
    let settings = Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        ..Settings::default()
    };
    let engine = Engine::builder(&dir).settings(settings).open()?;
    let outcome = run(&engine, &files);
    std::fs::remove_dir_all(&dir)?;
    outcome
}

fn run(engine: &Engine, files: &[PathBuf]) -> Outcome {
    let images = engine.images(&Caller::project("versions"));
    let mut stored = Vec::new();
    for path in files {
        let new = NewImage::named("version")
            .disk_format(DiskFormat::Raw)
            .container_format(ContainerFormat::Bare);
        let id = *images.create(new)?.id();
        let mut upload = images.upload(&id)?;
        upload.read_from(&mut File::open(path)?)?;
        upload.finish()?;
        stored.push((id, path));
    }
    let stats = engine.stats()?;
    let described = stats.page_bytes + stats.descriptor_bytes + stats.chunk_count * 72;
    println!(
        "logical {} bytes, stored {} bytes",
        stats.logical_bytes, stats.pack_bytes
    );
    println!(
        "logical / stored = {:.3}",
        stats.logical_bytes as f64 / stats.pack_bytes as f64
    );
    println!(
        "pages {} + descriptors {} + places {} (72 bytes a row) = {:.3} % of stored",
        stats.page_bytes,
        stats.descriptor_bytes,
        stats.chunk_count * 72,
        100.0 * described as f64 / stats.pack_bytes as f64
    );
    for (id, path) in &stored {
        compare(&images, id, path)?;
    }
    Ok(())
}

fn compare(images: &Images, id: &smalti::ImageId, path: &PathBuf) -> Outcome {
    let mut reader = images.open(id)?.ok_or("no data")?;
    let mut file = File::open(path)?;
    let (mut ours, mut theirs) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut at = 0;
    while at < reader.len_bytes() {
        let len = (reader.len_bytes() - at).min(1 << 20) as usize;
        reader.read_exact(&mut ours[..len])?;
        file.read_exact(&mut theirs[..len])?;
        if ours[..len] != theirs[..len] {
            return Err(format!("{}: differs near byte {at}", path.display()).into());
        }
        at += len as u64;
    }
    if file.read(&mut theirs)? != 0 {
        return Err(format!("{}: the file is longer than the image", path.display()).into());
    }
    let mut state = 1u64;
    for _ in 0..1000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let start = (state >> 11) % reader.len_bytes();
        let len = (reader.len_bytes() - start).min(1 + (state >> 3) % 262_144);
        let mut expected = vec![0; len as usize];
        file.read_exact_at(&mut expected, start)?;
        let found: Vec<u8> = reader
            .slices(start..start + len)?
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        if found != expected {
            return Err(format!("{}: range {start}+{len} differs", path.display()).into());
        }
    }
    println!("{}: {at} bytes equal, 1,000 ranges equal", path.display());
    Ok(())
}
