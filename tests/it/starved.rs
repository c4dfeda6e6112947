//! A process without file handles: calls fail, nothing that was acknowledged is lost, and all is well
//! as soon as there are handles again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use smalti::disk::{Access, Disk, DiskFile, DiskLock, LockMode, MemoryDisk, SyncSite};
use smalti::engine::Builder;
use smalti::{Engine, ErrorCode, ImageId, NewImage, Result, Settings};

use crate::support::{Pattern, bytes, caller, new_image, read_all};

/// A disk that opens nothing while it is starved.
#[derive(Debug)]
struct Starved {
    disk: MemoryDisk,
    is_starved: Arc<AtomicBool>,
}

impl Starved {
    fn admit(&self) -> io::Result<()> {
        match self.is_starved.load(Ordering::SeqCst) {
            true => Err(io::Error::from_raw_os_error(24)),
            false => Ok(()),
        }
    }
}

impl Disk for Starved {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.admit()?;
        self.disk.create(path)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.admit()?;
        self.disk.open(path, access)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.admit()?;
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &str, site: SyncSite) -> io::Result<()> {
        self.admit()?;
        self.disk.sync_dir(dir, site)
    }

    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        self.admit()?;
        self.disk.lock(path, mode)
    }
}

fn create(engine: &Engine) -> Result<ImageId> {
    let new = NewImage::named("n").property("long", "v".repeat(40_000));
    Ok(*engine.images(&caller()).create(new)?.id())
}

fn upload(engine: &Engine, data: &[u8]) -> Result<ImageId> {
    let images = engine.images(&caller());
    let id = *images.create(new_image())?.id();
    let mut upload = images.upload(&id)?;
    upload.read_from(&mut &data[..])?;
    upload.finish()?;
    Ok(id)
}

#[test]
fn an_engine_without_file_handles_refuses_and_goes_on_when_there_are_some() {
    let is_starved = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Starved {
        disk: MemoryDisk::new(),
        is_starved: Arc::clone(&is_starved),
    });
    let settings = Settings {
        checkpoint_log_bytes: 64 << 10,
        ..Settings::default()
    };
    let open = || {
        Builder::on_disk(disk.clone())
            .settings(settings.clone())
            .open()
    };
    let engine = open().expect("open");
    let (mut made, mut filled, mut refused) = (Vec::new(), Vec::new(), 0);
    let data = |number: u64| bytes(Pattern::Random(number), 100_000);
    for number in 0..40 {
        is_starved.store((10..25).contains(&number), Ordering::SeqCst);
        for _ in 0..20 {
            match create(&engine) {
                Ok(id) => made.push(id),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error}");
                    refused += 1;
                }
            }
        }
        match upload(&engine, &data(number)) {
            Ok(id) => filled.push((id, number)),
            Err(error) => assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error}"),
        }
    }
    is_starved.store(false, Ordering::SeqCst);
    assert!(refused > 0, "it was never starved");
    assert!(
        made.len() > 400 && filled.len() >= 20,
        "{} {}",
        made.len(),
        filled.len()
    );
    let check = |engine: &Engine| {
        let images = engine.images(&caller());
        for id in &made {
            images.show(id).expect("it was acknowledged");
        }
        for (id, number) in &filled {
            assert!(read_all(&images, id) == data(*number), "image {id}");
        }
        assert!(engine.verify(|_| {}).expect("verified").damage.is_empty());
    };
    check(&engine);
    create(&engine).expect("all is well");
    engine
        .close(std::time::Duration::from_secs(10))
        .expect("closed");
    check(&open().expect("open"));
}
