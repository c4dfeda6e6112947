//! Copies a file into an engine and ranges of it out again, all from one task.
//!
//! `cargo run --features tokio --example async_copy -- DIRECTORY FILE [RANGE...]`, where a range is
//! written as in HTTP: `bytes=0-99`, `bytes=-512`.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream;
use smalti::ingest::UploadOptions;
use smalti::{ByteRange, Caller, ContainerFormat, DiskFormat, Engine, NewImage};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, stdout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(directory), Some(path)) = (args.next(), args.next()) else {
        return Err("usage: async_copy DIRECTORY FILE [RANGE...]".into());
    };
    let engine = Engine::builder(directory).open()?;
    let images = engine.images(&Caller::project("example")).asyncio();

    let new = NewImage::named(&*path)
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare);
    let image = images.create(new).await?;

    let file = File::open(&path).await?;
    let options = UploadOptions {
        expected_len_bytes: Some(file.metadata().await?.len()),
        ..UploadOptions::default()
    };
    let image = images.upload_from(image.id(), file, options).await?;
    eprintln!(
        "{} is {:?}, {:?} bytes",
        image.id(),
        image.status(),
        image.size()
    );

    let reader = images.open(image.id()).await?.ok_or("it holds no data")?;
    for range in args {
        let range: ByteRange = range.parse()?;
        let mut slices = pin!(reader.stream(range)?);
        while let Some(slice) = poll_fn(|cx| slices.as_mut().poll_next(cx)).await {
            stdout().write_all(&slice?).await?;
        }
    }
    stdout().flush().await?;
    Ok(())
}
