//! Engines whose images are in a bucket, and bytes for them.

use std::path::Path;
use std::sync::Arc;

use smalti::store::remote::{ObjectOptions, ObjectPacks};
use smalti::{
    Caller, ContainerFormat, DiskFormat, Engine, Image, ImageId, NamedStore, NewImage, Result,
    Settings,
};

/// Bytes that no two numbers have in common, and that nothing can make shorter.
pub(crate) fn bytes(of: u64, len: usize) -> Vec<u8> {
    let mut state = of.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

pub(crate) fn caller() -> Caller {
    Caller::project("a")
}

pub(crate) fn options() -> ObjectOptions {
    ObjectOptions {
        prefix: "images".into(),
        part_len_bytes: 5 << 20,
        cache_len_bytes: 64 << 20,
        ..ObjectOptions::default()
    }
}

/// Opens an engine below a directory whose data goes to a store of objects.
pub(crate) fn open(dir: &Path, packs: ObjectPacks, settings: Settings) -> Result<Engine> {
    Engine::builder(dir.join("engine"))
        .settings(Settings {
            reserve_len_bytes: 0,
            ..settings
        })
        .store(NamedStore::custom("far", "s3", Arc::new(packs)))
        .default_store("far")
        .open()
}

/// Uploads bytes as a new image.
pub(crate) fn upload(engine: &Engine, data: &[u8]) -> Result<Image> {
    let images = engine.images(&caller());
    let new = NewImage::named("x")
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare);
    let image = images.create(new)?;
    let mut upload = images.upload(image.id())?;
    upload.read_from(&mut &*data)?;
    upload.finish()
}

/// Reads a whole image.
pub(crate) fn read(engine: &Engine, id: &ImageId) -> Result<Vec<u8>> {
    let reader = engine.images(&caller()).open(id)?.expect("it holds data");
    let mut found = vec![0; usize::try_from(reader.len_bytes()).expect("it fits")];
    reader.read_at(&mut found, 0)?;
    Ok(found)
}
