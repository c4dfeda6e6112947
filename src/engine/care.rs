//! Maintenance: what hangs off the engine itself, without a caller.

use super::{Engine, Stats};
use crate::check::{VerifyProgress, VerifyReport, check_all, check_image};
use crate::error::{Error, ErrorCode, Result};
use crate::gc::{Gc, GcOptions, GcPlan, GcReport};
use crate::id::ImageId;
use crate::index::{Kv, images};
use crate::ingest::Ingest;

impl Engine {
    /// Returns the figures of the engine. Reads one row for each pack.
    ///
    /// # Errors
    /// `Corrupt` if rows are damaged, `Closed`.
    pub fn stats(&self) -> Result<Stats> {
        self.inner.base.expect_open()?;
        Stats::of(&self.inner.base)
    }

    /// Returns what a collection would do now, and changes nothing.
    ///
    /// # Errors
    /// `InvalidSettings`, `Corrupt`, `Closed`.
    pub fn gc_plan(&self, options: &GcOptions) -> Result<GcPlan> {
        self.inner.base.expect_open()?;
        Gc::plan(&self.inner.base, options)
    }

    /// Begins a collection, which runs as far as its steps are called.
    ///
    /// # Errors
    /// `InvalidState` if one runs already, `InvalidSettings`, `ReadOnlyEngine`, `Closed`.
    pub fn gc(&self, options: GcOptions) -> Result<Gc> {
        let ingest = self.writable()?;
        // What they hold is garbage, too.
        ingest.take_back_leftovers();
        let (base, packs) = (ingest.base.clone(), ingest.open_packs.clone());
        Gc::begin(&self.inner.collector, base, packs, ingest.bounds, options)
    }

    /// Collects all that can be collected now, and returns what was done.
    ///
    /// # Errors
    /// As [`Engine::gc`] and [`Gc::step`].
    pub fn collect(&self) -> Result<GcReport> {
        self.gc(GcOptions::default())?.run()
    }

    /// Reads every byte of every pack, proves every chunk, and counts again what the index keeps
    /// counts of. Changes nothing; uploads and readers go on,
    /// collections are refused meanwhile.
    ///
    /// # Errors
    /// `InvalidState` if a collection runs; `Unavailable` if the disk fails. Damage is no error:
    /// it is in the report, with the images that it touches.
    pub fn verify(&self, mut progress: impl FnMut(VerifyProgress)) -> Result<VerifyReport> {
        self.inner.base.expect_open()?;
        let _turn = self.inner.collector.begin()?;
        check_all(&self.inner.base, &mut progress)
    }

    /// Reads everything that one image needs and proves it.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` if the disk fails. Damage is no error: it is in the report.
    pub fn verify_image(&self, id: &ImageId) -> Result<VerifyReport> {
        let base = &self.inner.base;
        base.expect_open()?;
        let mut lease = base.leases.none();
        let look = base.leases.look();
        let image = base.kv.read(|get| images::visible(get, id))?;
        let roots: Vec<_> = image.copies().map(images::root_key).collect();
        look.lease(&roots, &mut lease);
        drop(look);
        check_image(base, &image)
    }

    pub(super) fn writable(&self) -> Result<&Ingest> {
        self.inner.base.expect_open()?;
        self.inner.ingest.as_deref().ok_or_else(|| {
            Error::new(
                ErrorCode::ReadOnlyEngine,
                "the engine was opened for reading only",
            )
        })
    }
}
