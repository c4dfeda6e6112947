//! Opening an engine: lock, look, recover.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, RwLock};

use super::format::{self, Found};
use super::stores::Given;
use super::{Dedup, Engine, Inner, Settings};
use crate::base::{Base, Random, SystemRandom};
use crate::cache::Cache;
use crate::check::{self, RebuildReport};
use crate::chunk::Packs;
use crate::clock::{Clock, SystemClock};
use crate::disk::{Disk, DiskLock, LockMode, MemoryDisk, RealDisk};
use crate::error::{Error, ErrorCode, Result};
use crate::fetch::{Fetch, FetchLimits, UriFilter};
use crate::gc::Collector;
use crate::image::{Limits, LocationSource};
use crate::import::{self, ImportHook, Importer, RegionSource, Sources};
use crate::index::rows::PackFate;
use crate::index::{Kv, KvAccess, KvOptions, RedbKv, places};
use crate::ingest::{Gang, Ingest, OpenPacks, PackBounds, Pool, Signatures, resume, take_back};
use crate::policy::{DefaultPolicy, Policy};
use crate::quota::{LimitSource, Quota};
use crate::signature::SignatureVerifier;
use crate::store::{LocalStore, NamedStore, Store};

const LOCK: &str = "LOCK";
const PACKS_DIR: &str = "packs";
const INDEX: &str = "index.redb";
const OLD_INDEX: &str = "index.redb.old";

/// How far the opening of an engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// The log is read: bytes done, and bytes in all.
    Log {
        /// Bytes read so far.
        done_bytes: u64,
        /// Bytes to read.
        total_bytes: u64,
    },
    /// Uploads that a crash broke off are taken back.
    Uploads {
        /// Uploads taken back so far.
        done: usize,
        /// Uploads to take back.
        total: usize,
    },
}

/// Puts an engine together: where, with which settings, on which time and chance.
#[must_use = "nothing is opened before `open`"]
pub struct Builder {
    disk: Arc<dyn Disk>,
    in_memory: bool,
    settings: Settings,
    policy: Arc<dyn Policy>,
    signatures: Signatures,
    stores: Given,
    sources: Sources,
    limits: Option<Arc<dyn LimitSource>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    access: KvAccess,
    pool: fn() -> Pool,
    progress: Box<dyn FnMut(Recovery) + Send>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("disk", &self.disk)
            .field("settings", &self.settings)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Builder {
    pub(super) fn on_path(path: &Path) -> Self {
        Self::on(Arc::new(RealDisk::new(path)))
    }

    pub(super) fn in_memory() -> Self {
        let mut builder = Self::on(Arc::new(MemoryDisk::new()));
        builder.in_memory = true;
        builder
    }

    fn on(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            in_memory: false,
            settings: Settings::default(),
            policy: Arc::new(DefaultPolicy),
            signatures: Signatures::default(),
            stores: Given::default(),
            sources: Sources::default(),
            limits: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            access: KvAccess::Create,
            pool: Pool::new,
            progress: Box::new(|_| {}),
        }
    }

    /// Opens on a disk of the host's own: a simulated one in tests.
    pub fn on_disk(disk: Arc<dyn Disk>) -> Self {
        Self::on(disk)
    }

    /// Sets the numbers.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets who may do what: a [`Rules`](crate::policy::Rules) of policy files, or rules in code of
    /// the host. The default is that of the API.
    pub fn policy(mut self, policy: impl Policy + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Sets what stands behind urls of locations, where these may be patched
    /// ([`Settings::show_multiple_locations`]). Without it no url is taken.
    pub fn locations(mut self, source: impl LocationSource + Send + Sync + 'static) -> Self {
        self.sources.locations = Arc::new(source);
        self
    }

    /// Sets who verifies signatures over the data of images that carry the four properties
    /// `img_signature`, `img_signature_hash_method`, `img_signature_key_type` and
    /// `img_signature_certificate_uuid`: such an image becomes active only if its data verifies.
    /// Without it they are properties as any other, and nothing is verified.
    pub fn signatures(mut self, verifier: impl SignatureVerifier) -> Self {
        self.signatures = Signatures(Some(Arc::new(verifier)));
        self
    }

    /// Adds a store, or names the one in the directory of the engine ([`NamedStore::own`]), which is
    /// always there. From the first on, callers may choose among stores (Glance:
    /// `enabled_backends`).
    pub fn store(mut self, store: NamedStore) -> Self {
        self.stores.stores.push(store);
        self
    }

    /// Sets the store that takes data for which none is named (Glance: `default_backend`); without
    /// it, that is the one in the directory of the engine.
    pub fn default_store(mut self, name: impl Into<String>) -> Self {
        self.stores.default = Some(name.into());
        self
    }

    /// Sets who fetches data from urls for imports by web-download, and which urls may be fetched.
    /// Without it there is no such import.
    pub fn web_download(mut self, fetch: impl Fetch, filter: UriFilter) -> Self {
        self.sources.web = Some((Arc::new(fetch), filter));
        self
    }

    /// Adds a hook that works on the staged data of imports before stores get it.
    pub fn import_hook(mut self, hook: impl ImportHook) -> Self {
        self.sources.hooks.push(Arc::new(hook));
        self
    }

    /// Sets the bounds of what is fetched from urls.
    pub fn fetch_limits(mut self, limits: FetchLimits) -> Self {
        self.sources.limits = limits;
        self
    }

    /// Sets who fetches images of other regions for imports by glance-download, and with what the
    /// names of properties begin that are taken over with them; those of the engine never are.
    /// Without it there is no such import.
    pub fn regions<T: Into<String>>(
        mut self,
        source: impl RegionSource,
        properties: impl IntoIterator<Item = T>,
    ) -> Self {
        self.sources.regions = Some(Arc::new(source));
        self.sources.region_properties = properties.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what projects may use (`use_limits`); [`Settings::user_storage_quota`] and the number of
    /// images in [`Settings::limits`] count no more then.
    pub fn project_limits(mut self, limits: impl LimitSource) -> Self {
        self.limits = Some(Arc::new(limits));
        self
    }

    /// Sets the source of time.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of chance.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Opens what is there, and refuses to make an engine where there is none.
    pub fn existing(mut self) -> Self {
        self.access = KvAccess::Write;
        self
    }

    /// Opens for reading only, beside other readers; writes nothing at all.
    pub fn read_only(mut self) -> Self {
        self.access = KvAccess::Read;
        self
    }

    /// Runs the lanes of uploads on the threads of their callers, so that what reaches the disk
    /// comes in one order, always the same.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn lanes_in_line(mut self) -> Self {
        self.pool = || Pool::with_threads(0, 0);
        self
    }

    /// Hears how far a recovery is.
    pub fn on_recovery(mut self, progress: impl FnMut(Recovery) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Opens the engine. After a crash this brings back exactly what was acknowledged, in a time
    /// that does not grow with the data.
    ///
    /// # Errors
    /// `Locked` if another engine has the directory, `UnknownFormat` or `NewerFormat` if it is not
    /// ours to open, `NeedsRecovery` for a read-only open of what was not closed cleanly,
    /// `NotFound` if it must exist and does not, `Corrupt` if the index is damaged,
    /// `InvalidSettings`, also for a store that belongs to another engine.
    pub fn open(mut self) -> Result<Engine> {
        self.settings.check()?;
        self.stores.complete()?;
        let lock = self.lock()?;
        match (format::look(&*self.disk)?, self.access) {
            (Found::Engine, _) => {}
            (Found::Nothing, KvAccess::Create) => {
                format::create(&self.disk, self.random.bytes())?;
            }
            (Found::Nothing, _) => {
                return Err(Error::new(
                    ErrorCode::NotFound,
                    "there is no engine in this directory",
                ));
            }
        }
        let base = Arc::new(self.base()?);
        base.keep_lock(lock);
        let Settings {
            user_storage_quota,
            limits: Limits { images_max, .. },
            ..
        } = self.settings;
        let quota = Quota::new(self.limits.clone(), user_storage_quota, images_max);
        let ingest = match self.access {
            KvAccess::Read => None,
            _ => Some(Arc::new(self.recover(&base, &quota)?)),
        };
        let importer = ingest.as_ref().map(|ingest| {
            let mut sources = self.sources.clone();
            sources
                .methods
                .clone_from(&self.settings.enabled_import_methods);
            sources.do_secure_hash = self.settings.do_secure_hash;
            let running = self.settings.max_running_imports;
            Arc::new(Importer::new(Arc::clone(ingest), sources, running))
        });
        let cache = ingest.as_ref().filter(|_| self.settings.image_cache);
        let cache = cache.map(|ingest| {
            let Settings {
                image_cache_max_size,
                image_cache_stall_time_s,
                ..
            } = self.settings;
            let ingest = Arc::clone(ingest);
            Arc::new(Cache::new(
                ingest,
                image_cache_max_size,
                image_cache_stall_time_s,
            ))
        });
        let Self {
            settings,
            policy,
            sources,
            ..
        } = self;
        let collector = Collector::default();
        Ok(Engine {
            inner: Arc::new(Inner {
                base,
                ingest,
                importer,
                cache,
                quota,
                collector,
                settings,
                policy: RwLock::new(policy),
                locations: sources.locations,
            }),
        })
    }

    /// Makes a lost or damaged index anew, and opens nothing: places come from the packs, which
    /// describe themselves, names from their last snapshot and the log behind it. The old index is
    /// kept beside the new one as `index.redb.old`. `progress` hears of packs done, and of all.
    /// Takes about 100 bytes of memory for each stored chunk.
    ///
    /// What the packs do not hold is lost and in the report; storing the same bytes again heals the
    /// images that need it. What the medium does not give now may come back: packs that may hold
    /// more than could be read are left as they are, and a later call finds it again.
    ///
    /// # Errors
    /// `Locked`; `NotFound` if there is no engine; `Corrupt` if no names can be restored: then the
    /// old index stays where it was.
    pub fn rebuild_index(self, mut progress: impl FnMut(u64, u64)) -> Result<RebuildReport> {
        self.settings.check()?;
        if self.access == KvAccess::Read {
            let message = "an index is made anew by an engine that may write";
            return Err(Error::new(ErrorCode::ReadOnlyEngine, message));
        }
        let _lock = self.lock()?;
        if format::look(&*self.disk)? == Found::Nothing {
            return Err(Error::new(
                ErrorCode::NotFound,
                "there is no engine in this directory",
            ));
        }
        match self.disk.rename(INDEX, OLD_INDEX) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io(format!("put {INDEX} aside"), error));
            }
            _ => {}
        }
        let store: Arc<dyn Store> =
            Arc::new(LocalStore::existing(Arc::clone(&self.disk), PACKS_DIR));
        let (options, now) = (self.kv_options(), self.clock.now());
        let named = self.stores.complete()?;
        let named = named
            .iter()
            .filter_map(|it| Some((it.name().to_owned(), it.packs()?)));
        let named: Vec<_> = named.collect();
        match check::rebuild(&self.disk, options, (&store, &named), now, &mut progress) {
            Ok((kv, report)) => kv.close().map(|()| report),
            Err(error) => {
                if let Err(error) = self.disk.rename(OLD_INDEX, INDEX) {
                    tracing::error!(%error, "the old index stays at {OLD_INDEX}");
                }
                Err(error)
            }
        }
    }

    fn lock(&self) -> Result<Box<dyn DiskLock>> {
        // Before the lock, whose file would be left among the files of others.
        format::look(&*self.disk)?;
        let mode = match self.access {
            KvAccess::Read => LockMode::Shared,
            _ => LockMode::Exclusive,
        };
        if self.access == KvAccess::Create {
            self.disk
                .create_dir("")
                .map_err(|e| Error::io("make the directory", e))?;
        }
        self.disk
            .lock(LOCK, mode)
            .map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => {
                    let message = "another engine has this directory open";
                    Error::new(ErrorCode::Locked, message).with_source(error)
                }
                io::ErrorKind::NotFound => {
                    let message = "there is no engine in this directory";
                    Error::new(ErrorCode::NotFound, message).with_source(error)
                }
                _ => Error::io("lock the directory", error),
            })
    }

    fn kv_options(&self) -> KvOptions {
        let reserve_bytes = if self.in_memory {
            0
        } else {
            self.settings.reserve_len_bytes
        };
        // A crash may have come between the format file and the index.
        let read_only = self.access == KvAccess::Read;
        let mut salt = [0; 8];
        salt.copy_from_slice(&self.random.bytes()[8..]);
        KvOptions {
            salt: u64::from_le_bytes(salt),
            cache_bytes: self.settings.index_cache_bytes,
            checkpoint_log_bytes: self.settings.checkpoint_log_bytes,
            reserve_bytes,
            access: if read_only {
                KvAccess::Read
            } else {
                KvAccess::Create
            },
        }
    }

    fn base(&mut self) -> Result<Base> {
        let options = self.kv_options();
        let progress = &mut self.progress;
        let kv = RedbKv::open(
            Arc::clone(&self.disk),
            options,
            &mut |done_bytes, total_bytes| {
                progress(Recovery::Log {
                    done_bytes,
                    total_bytes,
                });
            },
        )?;
        let store: Arc<dyn Store> =
            Arc::new(LocalStore::existing(Arc::clone(&self.disk), PACKS_DIR));
        let id = format::id(&*self.disk)?;
        let (packs, stores) = self.stores.open(&kv, store, id, self.access)?;
        let packs = Packs::new(packs, self.settings.max_open_packs);
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        Ok(Base::new(
            kv,
            (packs, stores),
            self.settings.page_cache_bytes,
            clock,
            random,
        ))
    }

    /// Takes back what a crash broke off, and takes up packs that may still grow.
    fn recover(&mut self, base: &Arc<Base>, quota: &Arc<Quota>) -> Result<Ingest> {
        let sessions = base.kv.read(|get| places::sessions(get))?;
        let total = sessions.len();
        for (done, (session, _)) in sessions.into_iter().enumerate() {
            (self.progress)(Recovery::Uploads { done, total });
            take_back(base, session)?;
        }
        import::recover(base)?;
        let open_packs = OpenPacks::default();
        for (store, pack) in base.kv.read(|get| places::active_packs(get))? {
            let row = base.kv.read(|get| places::known_pack(get, store, pack))?;
            if row.fate == PackFate::Open
                && let Some(writer) = resume(base, store, pack, &row)?
            {
                open_packs.give_back(writer);
            }
        }
        let Settings {
            seal_from_bytes,
            pack_len_bytes,
            ..
        } = self.settings;
        Ok(Ingest {
            base: Arc::clone(base),
            pool: (self.pool)(),
            gang: Arc::new(Gang::of_digests()),
            open_packs: Arc::new(open_packs),
            bounds: PackBounds {
                seal_from_bytes,
                max_bytes: pack_len_bytes,
            },
            legacy_md5: self.settings.legacy_md5,
            os_hash: self.settings.hashing_algorithm,
            image_size_cap: self.settings.image_size_cap,
            inspect: self.settings.inspect.clone(),
            dedup_across_owners: self.settings.dedup == Dedup::Engine,
            signatures: self.signatures.clone(),
            quota: Arc::clone(quota),
            running: Default::default(),
            leftover: Default::default(),
        })
    }
}
