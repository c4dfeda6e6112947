//! How fast images go to a bucket and come from it, beside the bare client on the same service.
//!
//! `cargo test --release --features s3,testing --test s3 -- --ignored --nocapture figures`

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smalti::store::remote::object_store::aws::{AmazonS3, AmazonS3Builder};
use smalti::store::remote::object_store::{ObjectStoreExt, WriteMultipart};
use smalti::store::remote::{ObjectOptions, ObjectPacks};
use smalti::{ContainerFormat, DiskFormat, Engine, ImageId, NewImage, Settings};
use tokio::runtime::Runtime;

use crate::support::{bytes, caller, open};
use crate::weed::Weed;

const GIB: u64 = 1 << 30;
const PART: usize = 8 << 20;
const RANGE: usize = 64 << 10;
const RANGES: usize = 1000;
/// Requests at a time, of both.
const REQUESTS: usize = 8;

/// Bytes of which no two blocks are the same, made at almost no cost.
struct Source {
    piece: Vec<u8>,
    at: usize,
    made: u64,
    len: u64,
}

impl Source {
    fn new(len: u64) -> Self {
        Self {
            piece: bytes(1, 1 << 20),
            at: 1 << 20,
            made: 0,
            len,
        }
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.piece.len() {
            if self.made == self.len {
                return Ok(0);
            }
            for (block, bytes) in self.piece.chunks_mut(4096).enumerate() {
                let number = self.made + block as u64;
                bytes[..8]
                    .copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
            }
            self.made += self.piece.len() as u64;
            self.at = 0;
        }
        let len = buf.len().min(self.piece.len() - self.at);
        buf[..len].copy_from_slice(&self.piece[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

fn len() -> u64 {
    let gib = std::env::var("SMALTI_S3_GIB").ok();
    gib.and_then(|gib| gib.parse::<u64>().ok()).unwrap_or(4) * GIB
}

fn mib_a_second(len: u64, begun: Instant) -> f64 {
    len as f64 / (1 << 20) as f64 / begun.elapsed().as_secs_f64()
}

fn bare(port: u16) -> AmazonS3 {
    let built = AmazonS3Builder::new()
        .with_bucket_name("chunks")
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_access_key_id("testkey")
        .with_secret_access_key("testsecret")
        .with_allow_http(true)
        .build();
    built.expect("a client")
}

async fn bare_up(client: &AmazonS3, len: u64) -> f64 {
    let (begun, mut source) = (Instant::now(), Source::new(len));
    let upload = client.put_multipart(&"bare".into()).await.expect("begin");
    let mut write = WriteMultipart::new_with_chunk_size(upload, PART);
    let mut part = vec![0; PART];
    while source.made < len || source.at < source.piece.len() {
        source.read_exact(&mut part).expect("whole parts");
        write.wait_for_capacity(REQUESTS).await.expect("sent");
        write.put(part.clone().into());
    }
    write.finish().await.expect("complete");
    mib_a_second(len, begun)
}

async fn bare_down(client: Arc<AmazonS3>, len: u64) -> f64 {
    let begun = Instant::now();
    let turns = Arc::new(tokio::sync::Semaphore::new(REQUESTS));
    let ranges = (0..len).step_by(PART).map(|start| {
        let (client, turns) = (Arc::clone(&client), Arc::clone(&turns));
        tokio::spawn(async move {
            let _turn = turns.acquire().await;
            let range = start..start + PART as u64;
            client
                .get_range(&"bare".into(), range)
                .await
                .expect("read")
                .len() as u64
        })
    });
    let mut came = 0;
    for range in ranges.collect::<Vec<_>>() {
        came += range.await.expect("ends");
    }
    assert_eq!(came, len);
    mib_a_second(len, begun)
}

fn engine(dir: &Path, near: &str, port: u16, settings: &Settings) -> Engine {
    let options = ObjectOptions {
        prefix: "images".into(),
        requests_max: REQUESTS,
        cache_len_bytes: 2 * GIB,
        ..ObjectOptions::default()
    };
    let packs = ObjectPacks::s3(&Weed::settings(port), dir.join(near), options);
    open(dir, packs.expect("a client"), settings.clone()).expect("open")
}

fn up(engine: &Engine, len: u64) -> (ImageId, f64) {
    let images = engine.images(&caller());
    let new = NewImage::named("x")
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare);
    let image = images.create(new).expect("create");
    let begun = Instant::now();
    let mut upload = images.upload(image.id()).expect("begin");
    upload.read_from(&mut Source::new(len)).expect("write");
    upload.finish().expect("finish");
    (*image.id(), mib_a_second(len, begun))
}

fn down(engine: &Engine, id: &ImageId, len: u64) -> f64 {
    let reader = engine
        .images(&caller())
        .open(id)
        .expect("open")
        .expect("data");
    let (begun, mut came) = (Instant::now(), 0);
    for slice in reader.slices(0..len).expect("a range") {
        came += slice.expect("read").len() as u64;
    }
    assert_eq!(came, len);
    mib_a_second(len, begun)
}

/// Reads random ranges of the first 1 GiB; returns milliseconds a range.
fn random(engine: &Engine, id: &ImageId) -> f64 {
    let reader = engine
        .images(&caller())
        .open(id)
        .expect("open")
        .expect("data");
    let (mut state, mut buf) = (7u64, vec![0; RANGE]);
    let begun = Instant::now();
    for _ in 0..RANGES {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let offset = (state >> 20) % (GIB - RANGE as u64);
        assert_eq!(reader.read_at(&mut buf, offset).expect("read"), RANGE);
    }
    begun.elapsed().as_secs_f64() * 1000.0 / RANGES as f64
}

async fn bare_random(client: &AmazonS3) -> f64 {
    let mut state = 7u64;
    let begun = Instant::now();
    for _ in 0..RANGES {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let offset = (state >> 20) % (GIB - RANGE as u64);
        let range = offset..offset + RANGE as u64;
        let got = client.get_range(&"bare".into(), range).await.expect("read");
        assert_eq!(got.len(), RANGE);
    }
    begun.elapsed().as_secs_f64() * 1000.0 / RANGES as f64
}

#[test]
#[ignore = "takes minutes and 10 GiB, and prints figures that depend on the machine"]
fn figures() {
    let Some(weed) = Weed::start() else { return };
    let (runtime, len) = (Runtime::new().expect("starts"), len());
    let client = Arc::new(bare(weed.port()));
    let bare_up = runtime.block_on(bare_up(&client, len));
    let bare_down = runtime.block_on(bare_down(Arc::clone(&client), len));
    let bare_random = runtime.block_on(bare_random(&client));
    runtime
        .block_on(client.delete(&"bare".into()))
        .expect("delete");
    println!("bare: up {bare_up:.0} MiB/s, down {bare_down:.0} MiB/s, range {bare_random:.2} ms");
    let identity_only = Settings {
        legacy_md5: false,
        hashing_algorithm: None,
        ..Settings::default()
    };
    for (what, settings) in [
        ("MD5 + SHA-512", Settings::default()),
        ("identity", identity_only),
    ] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let first = engine(dir.path(), "near", weed.port(), &settings);
        let (id, up) = up(&first, len);
        println!("{what}: up {up:.0} MiB/s, {:.2} of bare", up / bare_up);
        first.close(Duration::from_secs(60)).expect("close");
        drop(first);
        let engine = engine(dir.path(), "cold", weed.port(), &settings);
        let cold = random(&engine, &id);
        let hot = random(&engine, &id);
        println!("{what}: range cold {cold:.2} ms, hot {hot:.3} ms");
        let down = down(&engine, &id, len);
        println!(
            "{what}: down {down:.0} MiB/s, {:.2} of bare",
            down / bare_down
        );
        engine.images(&caller()).delete(&id).expect("delete");
        engine.collect().expect("collect");
        assert_eq!(weed.packs(), Vec::<String>::new());
    }
}
