//! The reference: what the specification says of images, in maps and plain loops.
//!
//! It is written from the documents of the API alone, and shares with the engine nothing but the
//! words (statuses, visibilities, codes). Speed does not count here, only that it can be read
//! beside the specification.

use std::collections::{BTreeMap, BTreeSet};

use smalti::image::MemberStatus;
use smalti::{ContainerFormat, DiskFormat, ErrorCode, ImageId, Status, Visibility};

use super::calls::{CONTENTS, Kind, New, POOL, Party, Role, SLOTS, Which, Who, content, pool};
use super::outcome::{Outcome, Shown};
use super::schema::{check_quotas, check_schema, check_tag};

/// A refusal: its code, and the status of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) ErrorCode, pub(super) u16);

/// An answer of the reference.
pub(super) type Answer<T> = Result<T, Refusal>;

impl From<Refusal> for Outcome {
    fn from(Refusal(code, status): Refusal) -> Self {
        Self::Refused(code, status)
    }
}

/// Makes a refusal, with the status that the table of the specification gives to its code.
pub(super) fn no(code: ErrorCode) -> Refusal {
    use ErrorCode::*;
    let status = match code {
        ReadOnlyCaller | Forbidden | ReadOnlyProperty | ReservedProperty | NotRemovable
        | FormatFrozen | ProtectedImage | LastLocation | LocationsHidden | ImageDeactivated
        | NotShared => 403,
        NotFound => 404,
        Duplicate | PropertyMissing | PropertyExists | InvalidState | RevisionMismatch => 409,
        GoneDuringUpload => 410,
        InvalidImageData => 415,
        TagLimitExceeded | PropertyLimitExceeded | MemberLimitExceeded | QuotaExceeded => 413,
        _ => 400,
    };
    Refusal(code, status)
}

/// Refuses unless something holds.
pub(super) fn expect(holds: bool, code: ErrorCode) -> Answer<()> {
    if holds { Ok(()) } else { Err(no(code)) }
}

/// A project that an image is shared with.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) status: MemberStatus,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// An image that is not deleted, or not yet for good.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) shown: Shown,
    pub(super) members: BTreeMap<String, Entry>,
    pub(super) content: Option<usize>,
}

/// The small limits under which sequences run, so that they are met.
pub(super) const TAGS_MAX: usize = 3;
pub(super) const PROPERTIES_MAX: usize = 3;
pub(super) const MEMBERS_MAX: usize = 2;
pub(super) const IMAGES_MAX: usize = 5;
pub(super) const PAGE: u64 = 4;
pub(super) const PAGE_MAX: u64 = 50;

/// All that there is.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) now: i64,
    pub(super) delayed_delete: bool,
    /// In microseconds.
    pub(super) scrub_wait: i64,
    pub(super) images: BTreeMap<[u8; 16], Record>,
    pub(super) gone: BTreeSet<[u8; 16]>,
    pub(super) made: Vec<[u8; 16]>,
    pub(super) uploads: [Option<[u8; 16]>; SLOTS],
}

/// Whose images are counted together, and who may write what.
impl Who {
    /// Tells whether the caller may change what a project owns.
    pub(super) fn writes_for(&self, owner: Option<&str>) -> bool {
        let own = owner.is_some() && self.project == owner && self.role >= Role::Member;
        self.is_admin() || own
    }

    pub(super) fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    pub(super) fn owns(&self, record: &Record) -> bool {
        self.project.is_some() && self.project == record.shown.owner.as_deref()
    }

    /// What is tested before all else.
    pub(super) fn expect_usable(&self) -> Answer<()> {
        expect(self.kind != Kind::Malformed, ErrorCode::SchemaViolation)
    }

    /// What is tested of every write before the image is looked up.
    pub(super) fn expect_writer(&self) -> Answer<()> {
        expect(self.kind != Kind::Anonymous, ErrorCode::ReadOnlyCaller)
    }
}

impl Record {
    /// Counts a change: `updated_at` grows, whatever the clock says (DEV-P9).
    pub(super) fn touch(&mut self, now: i64) {
        self.shown.revision += 1;
        self.shown.updated_at = now.max(self.shown.updated_at + 1);
    }

    fn enter(&mut self, status: Status, now: i64) {
        self.shown.status = status;
        self.touch(now);
    }

    /// Tells whether a project has the image from its owner.
    pub(super) fn is_shared_with(&self, project: Option<&str>) -> bool {
        let is_shared = self.shown.visibility == Visibility::Shared && self.shown.owner.is_some();
        is_shared && project.is_some_and(|project| self.members.contains_key(project))
    }
}

impl World {
    /// Returns the id that a call means.
    pub(super) fn id(&self, which: Which) -> ImageId {
        match which {
            Which::Pool(number) => pool(number),
            Which::Upper(number) => {
                let text = pool(number).to_string().to_uppercase();
                text.parse().expect("an id")
            }
            Which::Made(number) => nth(&mut self.made.iter(), number),
            Which::There(number) => nth(&mut self.images.keys(), number),
            Which::In(status, number) => {
                let found = self.images.iter();
                let found = found.filter(|(_, record)| record.shown.status == status);
                nth(&mut found.map(|(bytes, _)| bytes), number)
            }
        }
    }

    /// Returns the project that a call on members means.
    pub(super) fn project(&self, id: &ImageId, party: &Party) -> String {
        let number = match party {
            Party::Named(project) => return project.clone(),
            Party::Entry(number) => *number,
        };
        let record = self.images.get(id.as_bytes());
        let projects: Vec<_> = record
            .into_iter()
            .flat_map(|it| it.members.keys())
            .collect();
        let found = projects.get(number % projects.len().max(1));
        found.map_or_else(|| "b".to_owned(), |project| (*project).clone())
    }

    /// Returns how calls name an image by its id.
    pub(super) fn which(&self, id: &ImageId) -> Which {
        let made = self.made.iter().position(|bytes| bytes == id.as_bytes());
        let chosen = (0..POOL).find(|number| pool(*number) == *id);
        match (made, chosen) {
            (Some(number), _) => Which::Made(number),
            (_, number) => Which::Pool(number.expect("made or chosen")),
        }
    }

    /// Returns every id that calls may name.
    pub(super) fn ids(&self) -> Vec<ImageId> {
        let made = self.made.iter().map(|bytes| ImageId::from_bytes(*bytes));
        made.chain((0..POOL).map(pool)).collect()
    }

    /// Tells whether a caller may read a record.
    pub(super) fn sees(who: &Who, record: &Record) -> bool {
        if record.shown.status == Status::PendingDelete {
            return false;
        }
        let open = match record.shown.visibility {
            Visibility::Public | Visibility::Community => true,
            Visibility::Shared => who.owns(record) || record.is_shared_with(who.project),
            Visibility::Private => who.owns(record),
        };
        who.is_admin() || (who.role >= Role::Reader && open)
    }

    /// Returns what a caller gets of a record: without locations that it may not know.
    pub(super) fn answer(who: &Who, record: &Record) -> Shown {
        let mut shown = record.shown.clone();
        let is_open = who.owns(record) && shown.status != Status::Deactivated;
        if !who.is_admin() && !is_open {
            shown.locations.clear();
        }
        shown
    }

    pub(super) fn lookup(&mut self, who: &Who, id: &ImageId) -> Answer<&mut Record> {
        let found = self.images.get_mut(id.as_bytes());
        found
            .filter(|record| Self::sees(who, record))
            .ok_or(no(ErrorCode::NotFound))
    }

    /// Returns an image that the caller may change.
    fn owned(&mut self, who: &Who, id: &ImageId) -> Answer<&mut Record> {
        who.expect_usable()?;
        who.expect_writer()?;
        let record = self.lookup(who, id)?;
        let may = who.writes_for(record.shown.owner.as_deref());
        expect(may, ErrorCode::Forbidden)?;
        Ok(record)
    }

    pub(super) fn show(&mut self, who: &Who, id: &ImageId) -> Answer<Shown> {
        who.expect_usable()?;
        Ok(Self::answer(who, self.lookup(who, id)?))
    }

    /// Creates an image; `fresh` is the id that the engine made for one that chose none.
    pub(super) fn create(&mut self, who: &Who, new: &New, fresh: &ImageId) -> Answer<Shown> {
        check_schema(new)?;
        who.expect_usable()?;
        who.expect_writer()?;
        let owner = match new.owner.as_deref() {
            None => who.project,
            Some("") => None,
            named => named,
        };
        expect(who.writes_for(owner), ErrorCode::Forbidden)?;
        let is_public = new.visibility == Some(Visibility::Public);
        expect(!is_public || who.is_admin(), ErrorCode::Forbidden)?;
        let live = self.images.values().filter(|record| {
            let shown = &record.shown;
            shown.owner.as_deref() == owner && shown.status != Status::PendingDelete
        });
        expect(live.count() < IMAGES_MAX, ErrorCode::QuotaExceeded)?;
        check_quotas(new)?;
        let id = new.id.map_or(*fresh, |which| self.id(which));
        let bytes = *id.as_bytes();
        let is_taken = self.images.contains_key(&bytes) || self.gone.contains(&bytes);
        expect(!is_taken, ErrorCode::Duplicate)?;
        if new.id.is_none() {
            self.made.push(bytes);
        }
        let record = Record {
            shown: first(new, id.to_string(), owner, self.now),
            members: BTreeMap::new(),
            content: None,
        };
        let answer = Self::answer(who, &record);
        self.images.insert(bytes, record);
        Ok(answer)
    }

    pub(super) fn delete(&mut self, who: &Who, id: &ImageId) -> Answer<()> {
        let (delayed, now) = (self.delayed_delete, self.now);
        let record = self.owned(who, id)?;
        expect(!record.shown.protected, ErrorCode::ProtectedImage)?;
        let has_data = record.shown.status == Status::Active && !record.shown.locations.is_empty();
        if delayed && has_data {
            record.enter(Status::PendingDelete, now);
        } else {
            self.forget(*id.as_bytes());
        }
        Ok(())
    }

    fn forget(&mut self, bytes: [u8; 16]) {
        self.images.remove(&bytes);
        self.gone.insert(bytes);
    }

    pub(super) fn restore(&mut self, id: &ImageId) -> Answer<Shown> {
        let now = self.now;
        let record = self.images.get_mut(id.as_bytes());
        let record = record.ok_or(no(ErrorCode::NotFound))?;
        let waits = record.shown.status == Status::PendingDelete;
        expect(waits, ErrorCode::InvalidState)?;
        record.enter(Status::Active, now);
        Ok(record.shown.clone())
    }

    pub(super) fn scrub(&mut self) -> u64 {
        let until = self.now - self.scrub_wait;
        let waits = |record: &Record| {
            record.shown.status == Status::PendingDelete && record.shown.updated_at <= until
        };
        let ready = self.images.iter().filter(|(_, record)| waits(record));
        let ready: Vec<_> = ready.map(|(bytes, _)| *bytes).collect();
        ready.iter().for_each(|bytes| self.forget(*bytes));
        ready.len() as u64
    }

    /// Deactivates or reactivates.
    pub(super) fn switch(&mut self, who: &Who, id: &ImageId, to: Status) -> Answer<()> {
        let now = self.now;
        let record = self.owned(who, id)?;
        let is_done = record.shown.status == to;
        let from = match to {
            Status::Active => Status::Deactivated,
            _ => Status::Active,
        };
        if !is_done && record.shown.status != from {
            return Err(Refusal(ErrorCode::InvalidState, 403));
        }
        if !is_done {
            record.enter(to, now);
        }
        Ok(())
    }

    pub(super) fn add_tag(&mut self, who: &Who, id: &ImageId, tag: &str) -> Answer<()> {
        check_tag(tag)?;
        let now = self.now;
        let record = self.owned(who, id)?;
        let mut tags = record.shown.tags.clone();
        tags.insert(tag.to_owned());
        expect(tags.len() <= TAGS_MAX, ErrorCode::TagLimitExceeded)?;
        record.shown.tags = tags;
        record.touch(now);
        Ok(())
    }

    pub(super) fn remove_tag(&mut self, who: &Who, id: &ImageId, tag: &str) -> Answer<()> {
        let now = self.now;
        let record = self.owned(who, id)?;
        expect(record.shown.tags.remove(tag), ErrorCode::NotFound)?;
        record.touch(now);
        Ok(())
    }
}

/// Data comes in, and goes out.
impl World {
    pub(super) fn upload(&mut self, who: &Who, id: &ImageId, slot: usize) -> Answer<()> {
        let now = self.now;
        let record = self.owned(who, id)?;
        let is_queued = record.shown.status == Status::Queued;
        expect(is_queued, ErrorCode::InvalidState)?;
        let formats = record.shown.disk_format.is_some() && record.shown.container_format.is_some();
        expect(formats, ErrorCode::MissingFormat)?;
        record.enter(Status::Saving, now);
        self.uploads[slot] = Some(*id.as_bytes());
        Ok(())
    }

    pub(super) fn finish(&mut self, slot: usize, number: usize) -> Answer<Option<Shown>> {
        let Some(bytes) = self.uploads[slot].take() else {
            return Ok(None);
        };
        let record = self.images.get_mut(&bytes);
        let record = record.ok_or(no(ErrorCode::GoneDuringUpload))?;
        let number = number % CONTENTS.len();
        let (.., md5, sha256) = CONTENTS[number];
        let len_bytes = content(number).len() as u64;
        let Ok(virtual_size) = disk_len(&record.shown, len_bytes) else {
            record.enter(Status::Queued, self.now);
            return Err(no(ErrorCode::InvalidImageData));
        };
        let shown = &mut record.shown;
        shown.size = Some(len_bytes);
        shown.virtual_size = virtual_size;
        shown.checksum = Some(md5.to_owned());
        shown.os_hash_algo = Some("sha256".to_owned());
        shown.os_hash_value = Some(sha256.to_owned());
        shown.locations = vec![format!("smalti://local/{}", shown.id)];
        record.content = Some(number);
        record.enter(Status::Active, self.now);
        Ok(Some(record.shown.clone()))
    }

    pub(super) fn abort(&mut self, slot: usize) {
        let bytes = self.uploads[slot].take();
        if let Some(record) = bytes.and_then(|bytes| self.images.get_mut(&bytes)) {
            record.enter(Status::Queued, self.now);
        }
    }

    pub(super) fn open(&mut self, who: &Who, id: &ImageId) -> Answer<Option<Vec<u8>>> {
        who.expect_usable()?;
        let record = self.lookup(who, id)?;
        let is_open = record.shown.status != Status::Deactivated;
        expect(is_open || who.is_admin(), ErrorCode::ImageDeactivated)?;
        expect(who.role >= Role::Member, ErrorCode::Forbidden)?;
        Ok(record.content.map(content))
    }
}

/// Returns the length of the disk that is in data of no format; that of another is not taken.
fn disk_len(shown: &Shown, len_bytes: u64) -> Result<Option<u64>, ()> {
    use DiskFormat::{Aki, Ami, Ari, Ploop, Raw};
    match (shown.container_format, shown.disk_format) {
        (Some(ContainerFormat::Bare), Some(Raw)) => Ok(Some(len_bytes)),
        (Some(ContainerFormat::Bare), Some(Ami | Aki | Ari | Ploop)) => Ok(None),
        (Some(ContainerFormat::Bare), _) => Err(()),
        _ => Ok(None),
    }
}

/// Returns one of some ids, counted around; if there is none, one that never was.
fn nth(ids: &mut dyn Iterator<Item = &[u8; 16]>, number: usize) -> ImageId {
    let ids: Vec<_> = ids.copied().collect();
    let found = ids.get(number % ids.len().max(1));
    ImageId::from_bytes(found.copied().unwrap_or([0xee; 16]))
}

/// Returns the record of an image that was just made.
fn first(new: &New, id: String, owner: Option<&str>, now: i64) -> Shown {
    Shown {
        id,
        revision: 1,
        name: new.name.clone(),
        status: Status::Queued,
        visibility: new.visibility.unwrap_or(Visibility::Shared),
        protected: new.protected,
        hidden: new.hidden,
        owner: owner.map(str::to_owned),
        disk_format: new.disk_format,
        container_format: new.container_format,
        min_disk: new.min_disk,
        min_ram: new.min_ram,
        created_at: now,
        updated_at: now,
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        tags: new.tags.iter().cloned().collect(),
        properties: new.properties.iter().cloned().collect(),
        locations: Vec::new(),
    }
}
