//! What an engine does with a hook: when it asks, what it gives, and what becomes of the image.

use std::io::Write;
use std::sync::{Arc, Mutex};

use smalti::image::{Expected, LocationSource};
use smalti::signature::{SignatureProperties, SignatureVerifier, Verification};
use smalti::{
    Caller, ContainerFormat, Engine, Error, ErrorCode, Image, Images, Patch, Result, Settings,
    Status, Timestamp,
};

use super::{NAMES, VALUES, signed_image};
use crate::support::{Pattern, bytes, caller, new_image, read_all};

/// What a hook does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Accept,
    Refuse,
    RefuseAtOnce,
    PanicAtOnce,
    PanicAtBytes,
    PanicAtEnd,
}

/// A hook that keeps what it is given, upload by upload.
#[derive(Debug, Clone)]
struct Hook {
    deed: Arc<Mutex<Deed>>,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Hook {
    fn new(deed: Deed) -> Self {
        Self {
            deed: Arc::new(Mutex::new(deed)),
            taken: Arc::default(),
        }
    }

    fn now_does(&self, deed: Deed) {
        *self.deed.lock().expect("lock") = deed;
    }

    fn taken(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.taken.lock().expect("lock"))
    }
}

pub(super) fn refused() -> Error {
    Error::new(ErrorCode::SignatureInvalid, "the hook refuses")
}

impl SignatureVerifier for Hook {
    fn begin(
        &self,
        signature: &SignatureProperties,
        _now: Timestamp,
    ) -> Result<Box<dyn Verification>> {
        assert_eq!(signature.certificate_id(), VALUES[3]);
        let deed = *self.deed.lock().expect("lock");
        match deed {
            Deed::RefuseAtOnce => Err(refused()),
            Deed::PanicAtOnce => panic!("at once"),
            _ => Ok(Box::new(Taking {
                deed,
                bytes: Vec::new(),
                taken: self.taken.clone(),
            })),
        }
    }
}

struct Taking {
    deed: Deed,
    bytes: Vec<u8>,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Verification for Taking {
    fn update(&mut self, bytes: &[u8]) {
        assert_ne!(self.deed, Deed::PanicAtBytes, "at bytes");
        self.bytes.extend_from_slice(bytes);
    }

    fn finish(self: Box<Self>) -> Result<()> {
        assert_ne!(self.deed, Deed::PanicAtEnd, "at the end");
        let Self { deed, bytes, taken } = *self;
        taken.lock().expect("lock").push(bytes);
        match deed {
            Deed::Refuse => Err(refused()),
            _ => Ok(()),
        }
    }
}

fn open(hook: &Hook) -> Engine {
    let builder = Engine::builder_in_memory().signatures(hook.clone());
    builder.open().expect("open")
}

pub(super) fn fill(images: &Images, image: &Image, data: &[u8]) -> Result<Image> {
    let mut upload = images.upload(image.id())?;
    upload.read_from(&mut &*data)?;
    upload.finish()
}

pub(super) fn create(images: &Images) -> Image {
    images.create(signed_image(VALUES)).expect("created")
}

/// Tests that an image is as if nobody had tried to fill it.
#[track_caller]
pub(super) fn check_queued(images: &Images, image: &Image) {
    let found = images.show(image.id()).expect("it is there");
    assert_eq!((found.status(), found.size()), (Status::Queued, None));
    assert_eq!((found.checksum(), found.os_hash_value()), (None, None));
    assert!(images.open(image.id()).expect("open").is_none());
}

#[test]
fn a_hook_is_given_every_byte_in_order_holes_too() {
    let hook = Hook::new(Deed::Accept);
    let engine = open(&hook);
    let images = engine.images(&caller());
    let data = bytes(Pattern::Mixed(5), 3_000_001);
    let image = fill(&images, &create(&images), &data).expect("finish");
    assert_eq!(image.status(), Status::Active);
    assert!(hook.taken() == [data] && read_all(&images, image.id()).len() == 3_000_001);

    let image = create(&images);
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(b"boot").expect("written");
    upload.skip(5_000_000).expect("skipped");
    upload.write_all(b"end").expect("written");
    upload.finish().expect("finish");
    let whole = [&b"boot"[..], &vec![0; 5_000_000], b"end"].concat();
    assert!(hook.taken() == [whole]);

    fill(&images, &create(&images), b"").expect("finish");
    assert_eq!(hook.taken(), [b""]);
}

#[test]
fn holes_reach_a_hook_where_no_digests_are_computed() {
    let hook = Hook::new(Deed::Accept);
    let settings = Settings {
        legacy_md5: false,
        hashing_algorithm: None,
        ..Settings::default()
    };
    let builder = Engine::builder_in_memory().settings(settings);
    let engine = builder.signatures(hook.clone()).open().expect("open");
    let images = engine.images(&caller());
    let image = create(&images);
    let mut upload = images.upload(image.id()).expect("begin");
    upload.skip(40_000_000).expect("skipped");
    upload.finish().expect("finish");
    let taken = hook.taken();
    assert!(taken.len() == 1 && taken[0].len() == 40_000_000 && taken[0].iter().all(|b| *b == 0));
}

#[test]
fn an_image_whose_data_does_not_verify_is_queued_and_takes_other_data() {
    let hook = Hook::new(Deed::Refuse);
    let engine = open(&hook);
    let images = engine.images(&caller());
    let before = engine.stats().expect("stats");
    let data = bytes(Pattern::Random(9), 2_000_000);
    for (deed, code) in [
        (Deed::Refuse, ErrorCode::SignatureInvalid),
        (Deed::RefuseAtOnce, ErrorCode::SignatureInvalid),
        (Deed::PanicAtOnce, ErrorCode::Internal),
        (Deed::PanicAtBytes, ErrorCode::Internal),
        (Deed::PanicAtEnd, ErrorCode::Internal),
    ] {
        hook.now_does(deed);
        let image = create(&images);
        let error = fill(&images, &image, &data).expect_err("refused");
        assert_eq!(error.code(), code, "{deed:?}: {error}");
        check_queued(&images, &image);
        hook.now_does(Deed::Accept);
        let image = fill(&images, &image, b"other").expect("finish");
        assert!(read_all(&images, image.id()) == b"other");
        images.delete(image.id()).expect("deleted");
    }
    engine.collect().expect("collected");
    assert_eq!(engine.stats().expect("stats").pack_bytes, before.pack_bytes);
}

#[test]
fn without_a_hook_or_without_all_properties_nothing_is_verified() {
    let hook = Hook::new(Deed::RefuseAtOnce);
    let (with, without) = (open(&hook), Engine::in_memory().expect("open"));
    for values in [VALUES, ["?", "MD5", "none", ""]] {
        let images = without.images(&caller());
        let image = images.create(signed_image(values)).expect("created");
        let image = fill(&images, &image, b"data").expect("finish");
        assert_eq!(image.property(NAMES[0]), Some(values[0]));
    }
    let images = with.images(&caller());
    for absent in 0..4 {
        let new = (0..4).filter(|&at| at != absent);
        let new = new.fold(new_image(), |new, at| new.property(NAMES[at], VALUES[at]));
        let image = images.create(new).expect("created");
        fill(&images, &image, b"data").expect("finish");
    }
}

#[test]
fn malformed_properties_refuse_an_upload_before_it_changes_anything() {
    let engine = open(&Hook::new(Deed::Accept));
    let images = engine.images(&caller());
    for at in 0..4 {
        let mut values = VALUES;
        values[at] = "";
        let image = images.create(signed_image(values)).expect("created");
        let error = images.upload(image.id()).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{error}");
        assert_eq!(images.show(image.id()).expect("shown"), image);
    }
}

#[test]
fn properties_that_change_while_data_comes_in_fail_the_upload() {
    let hook = Hook::new(Deed::Accept);
    let engine = open(&hook);
    let images = engine.images(&caller());
    let unsigned = || {
        let new = new_image().property(NAMES[0], VALUES[0]);
        let image = images.create(new.property(NAMES[1], VALUES[1]));
        image.expect("created")
    };
    let other = |at: usize, value: &str| Patch::new().set_property(NAMES[at], value);
    let added = other(2, VALUES[2]).set_property(NAMES[3], VALUES[3]);
    let removed = Patch::new().remove_property(NAMES[3]);
    for (image, patch) in [
        (create(&images), other(0, "b3RoZXI=")),
        (create(&images), other(1, "SHA-512")),
        (create(&images), other(3, "other-id")),
        (create(&images), other(1, "MD5")),
        (create(&images), removed),
        (unsigned(), added),
    ] {
        let mut upload = images.upload(image.id()).expect("begin");
        upload.write_all(b"data").expect("written");
        images.update(image.id(), &patch).expect("patched");
        let error = upload.finish().expect_err("refused");
        assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{error}");
        check_queued(&images, &image);
    }
    // What says the same is the same, and other properties are nobody's business.
    let image = create(&images);
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(b"data").expect("written");
    let patch = other(0, "c2ln\nbmVk").set_property("os", "none");
    images.update(image.id(), &patch).expect("patched");
    upload.finish().expect("finish");
}

#[derive(Debug)]
struct Anything;

impl LocationSource for Anything {
    fn size_bytes(&self, _url: &str) -> Result<u64> {
        Ok(10)
    }

    fn verify(&self, _url: &str, _expected: &Expected<'_>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_location_makes_no_image_active_that_has_a_signature() {
    let settings = Settings {
        show_multiple_locations: true,
        ..Settings::default()
    };
    let builder = Engine::builder_in_memory().settings(settings);
    let builder = builder.signatures(Hook::new(Deed::Accept));
    let engine = builder.locations(Anything).open().expect("open");
    let images = engine.images(&Caller::admin());
    let patch = Patch::new().add_location("http://place/image");
    let image = create(&images);
    let error = images.update(image.id(), &patch).expect_err("refused");
    assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{error}");
    assert_eq!(images.show(image.id()).expect("shown"), image);
    let image = images.create(new_image()).expect("created");
    let image = images.update(image.id(), &patch).expect("patched");
    assert_eq!(image.status(), Status::Active);
}

#[test]
fn many_uploads_at_once_are_verified_each_by_its_own_bytes() {
    let hook = Hook::new(Deed::Accept);
    let engine = open(&hook);
    let data: Vec<_> = (0..16)
        .map(|seed| bytes(Pattern::Random(seed), 2_500_000))
        .collect();
    std::thread::scope(|scope| {
        for data in &data {
            let images = engine.images(&caller());
            scope.spawn(move || {
                let new = signed_image(VALUES).container_format(ContainerFormat::Ova);
                let image = images.create(new).expect("created");
                fill(&images, &image, data).expect("finish");
            });
        }
    });
    let mut taken = hook.taken();
    let mut data = data;
    taken.sort();
    data.sort();
    assert!(taken == data);
}
