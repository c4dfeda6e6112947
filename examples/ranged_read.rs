//! Stores a file and answers `Range` headers as a download of the Images API does.
//!
//! `cargo run --release --example ranged_read -- FILE [RANGE]...`; without arguments, of itself.

use std::error::Error;
use std::fs::File;

use smalti::range::{ContentRange, select};
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, NewImage, Reader};

const RANGES: &str = "bytes=0-15|bytes=1000000-|bytes=-8|bytes=5-2|bytes=0-1,4-5|lines=1-2";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().map(Into::into);
    let path = path.map_or_else(std::env::current_exe, Ok)?;
    let asked: Vec<String> = args.collect();
    let engine = Engine::in_memory()?;
    let images = engine.images(&Caller::project("demo"));
    let new = NewImage::named("file").disk_format(DiskFormat::Raw);
    let new = new.container_format(ContainerFormat::Bare);
    let id = *images.create(new)?.id();
    let mut upload = images.upload(&id)?;
    upload.read_from(&mut File::open(&path)?)?;
    upload.finish()?;
    let reader = images.open(&id)?.ok_or("the image holds no data")?;
    println!("{}: {} bytes", path.display(), reader.len_bytes());
    match asked.is_empty() {
        true => RANGES
            .split('|')
            .try_for_each(|range| answer(&reader, range)),
        false => asked.iter().try_for_each(|range| answer(&reader, range)),
    }
}

fn answer(reader: &Reader, header: &str) -> Result<(), Box<dyn Error>> {
    let complete = reader.len_bytes();
    println!("\nRange: {header}");
    let chosen = match select(Some(complete), Some(header.as_bytes()), None) {
        Ok(chosen) => chosen,
        Err(error) => {
            println!("{}: {error}", error.http_status());
            if error.http_status() == 416 {
                println!("Content-Range: {}", ContentRange::Unsatisfied { complete });
            }
            return Ok(());
        }
    };
    println!("{}", chosen.http_status());
    if let Some(part) = chosen.content_range() {
        println!("Content-Range: {part}");
    }
    let range = chosen.range();
    let slices: Vec<_> = reader.slices(range)?.collect::<Result<_, _>>()?;
    let len = slices.concat().len();
    println!("Content-Length: {len}, in {} slices", slices.len());
    Ok(())
}
