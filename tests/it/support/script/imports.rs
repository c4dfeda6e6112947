//! Calls of an engine with two stores: uploads to one of them, staged data, imports, and copies.

use std::sync::Arc;

use smalti::import::{Import, Request, Requester};
use smalti::task::TaskStatus;
use smalti::{Caller, Error, ErrorCode, Image, ImageId, Images, Result};

use super::{Call, Copies, Fact, Part, Run, Way, content};
use crate::support::caller;
use crate::support::elsewhere::url_of;
use crate::support::stage::{FAST, SLOW};

/// A call of a script that names stores. It finds its image by itself, as others do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreCall {
    /// Data for the oldest queued image, into a store.
    Upload(&'static str, Vec<Part>),
    /// The same, but staged.
    Stage(&'static str, Vec<Part>),
    /// The same, and given up at its end.
    Unstage(&'static str, Vec<Part>),
    /// Of the oldest staged image into stores, all of which must succeed or not, with another call
    /// between its acceptance and its run.
    Import(Vec<&'static str>, Need, Option<Box<Call>>),
    /// Of bytes by seed and length from the web, for the oldest queued image.
    Fetch(Vec<&'static str>, Need, (u64, usize)),
    /// Of the oldest staged image, accepted and given up.
    GiveUp,
    /// Of an active image into the store that has no copy of it, with another call between.
    Copy(usize, Option<Box<Call>>),
    /// Of a copy of an image that has two.
    Lose(usize),
}

/// How many stores an import needs to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    All,
    Any,
}

/// Who may copy.
pub(crate) fn admin() -> Caller {
    caller().with_role("admin")
}

/// Returns the stores that have a copy of an image.
pub(crate) fn stores_of(image: &Image) -> Vec<&'static str> {
    let names = image.locations().iter().filter_map(|it| it.store());
    names
        .map(|name| if name == FAST { FAST } else { SLOW })
        .collect()
}

/// Returns the store that this one is not.
pub(super) fn other(store: &str) -> &'static str {
    if store == FAST { SLOW } else { FAST }
}

fn asked(request: Request, stores: &[&'static str], need: Need) -> Request {
    let request = request.stores(stores.iter().copied());
    request.all_stores_must_succeed(need == Need::All)
}

/// Returns what an image may be while data goes into stores in their order: queued if it is broken
/// off, or active with as many of them as it needs.
fn under_way(stores: &[&'static str], need: Need, data: &Arc<Vec<u8>>) -> Vec<Fact> {
    let needed = match need {
        Need::All => stores.len(),
        Need::Any => 1,
    };
    let copies = Copies {
        sure: stores[..needed].to_vec(),
        coming: stores[needed..].to_vec(),
    };
    let last = stores[stores.len() - 1];
    vec![Fact::Broken(last), Fact::Copied(copies, Arc::clone(data))]
}

fn internal(what: &str) -> Error {
    Error::new(ErrorCode::Internal, what)
}

impl Run {
    pub(super) fn call_of_stores(&mut self, call: &StoreCall) {
        match call {
            StoreCall::Upload(store, parts) => {
                self.upload(Way::Data(Some(store)), parts, None, true);
            }
            StoreCall::Stage(store, parts) => {
                self.upload(Way::Stage(Some(store)), parts, None, true)
            }
            StoreCall::Unstage(store, parts) => {
                self.upload(Way::Stage(Some(store)), parts, None, false);
            }
            StoreCall::Import(stores, need, inner) => {
                self.import_staged(stores, *need, inner.as_deref());
            }
            StoreCall::Fetch(stores, need, bytes) => self.fetch(stores, *need, *bytes),
            StoreCall::GiveUp => self.give_up(),
            StoreCall::Copy(number, inner) => self.copy(*number, inner.as_deref()),
            StoreCall::Lose(number) => self.lose(*number),
        }
    }

    fn as_admin(&self) -> Option<Images> {
        self.engine.as_ref().map(|engine| engine.images(&admin()))
    }

    /// Returns the oldest staged image and its bytes; stages some where there is none.
    fn staged(&mut self) -> Option<(ImageId, Arc<Vec<u8>>)> {
        if self.find_staged().is_none() {
            let parts = [Part::Bytes(6, 90_000)];
            self.upload(Way::Stage(Some(FAST)), &parts, None, true);
        }
        self.find_staged()
    }

    fn find_staged(&self) -> Option<(ImageId, Arc<Vec<u8>>)> {
        let mut order = self.order.iter();
        order.find_map(|id| match &self.now[id.as_bytes()][..] {
            [Fact::Staged(_, data)] => Some((*id, Arc::clone(data))),
            _ => None,
        })
    }

    fn import_staged(&mut self, stores: &[&'static str], need: Need, inner: Option<&Call>) {
        let Some((id, data)) = self.staged() else {
            return;
        };
        let request = asked(Request::glance_direct(), stores, need);
        let under_way = under_way(stores, need, &data);
        if self.import(&id, &request, (under_way, inner), data) {
            self.tally.imports += 1;
            self.tally.copies += stores.len() - 1;
        }
    }

    fn fetch(&mut self, stores: &[&'static str], need: Need, (seed, len): (u64, usize)) {
        let Some(id) = self.queued() else { return };
        let data = Arc::new(content(&[Part::Bytes(seed, len)]));
        let request = asked(Request::web_download(url_of(seed, len)), stores, need);
        let under_way = under_way(stores, need, &data);
        if self.import(&id, &request, (under_way, None), data) {
            self.tally.fetched += 1;
            self.tally.copies += stores.len() - 1;
        }
    }

    /// Runs an import whose image may be some things meanwhile; tells whether it did what it should.
    fn import(
        &mut self,
        id: &ImageId,
        request: &Request,
        (under_way, inner): (Vec<Fact>, Option<&Call>),
        data: Arc<Vec<u8>>,
    ) -> bool {
        let import = match self.accepted(id, request) {
            Ok(import) => import,
            Err(error) => {
                let facts = self.now.entry(*id.as_bytes());
                facts.or_default().extend(under_way);
                self.errors.push(error);
                return false;
            }
        };
        self.now.insert(*id.as_bytes(), under_way);
        self.ack();
        if let Some(call) = inner {
            self.call(call);
        }
        let task = match import.run() {
            Ok(task) => task,
            Err(error) => {
                self.errors.push(error);
                return false;
            }
        };
        let is_gone = self.is_gone(id);
        match (task.status, is_gone) {
            (TaskStatus::Success, false) => {
                self.is_now(id, |image| Fact::Active(Some(image), data))
            }
            (TaskStatus::Failure, true) => self.ack(),
            _ => self.errors.push(internal(&task.message)),
        }
        self.ended.push((self.acks.len(), task.id, task.status));
        !is_gone
    }

    fn accepted(&self, id: &ImageId, request: &Request) -> Result<Import> {
        let images = self.as_admin().ok_or_else(|| internal("no engine"))?;
        let import = images.import(id, request, &Requester::default())?;
        import.ok_or_else(|| internal("there is nothing to do"))
    }

    /// Sets what an image is to what it is shown as.
    fn is_now(&mut self, id: &ImageId, fact: impl FnOnce(Image) -> Fact) {
        let Some(images) = self.images() else { return };
        match images.show(id) {
            Ok(image) => self.done(id, fact(image)),
            Err(error) => self.errors.push(error),
        }
    }

    fn give_up(&mut self) {
        let Some((id, _)) = self.staged() else { return };
        let request = Request::glance_direct().stores([FAST, SLOW]);
        match self.accepted(&id, &request) {
            Ok(import) => {
                let task = import.task_id();
                self.now.insert(*id.as_bytes(), vec![Fact::Broken(SLOW)]);
                self.ack();
                drop(import);
                self.tally.given_up += 1;
                self.is_now(&id, |image| Fact::Queued(Some(image)));
                self.ended
                    .push((self.acks.len(), task, TaskStatus::Failure));
            }
            Err(error) => self.failed(&id, Some(Fact::Broken(SLOW)), error),
        }
    }

    /// Returns the active images with so many copies.
    fn with_copies(&self, count: usize) -> Vec<(ImageId, Image, Arc<Vec<u8>>)> {
        let order = self.order.iter();
        let active = order.filter_map(|id| match &self.now[id.as_bytes()][..] {
            [Fact::Active(Some(image), data)] => Some((*id, image.clone(), Arc::clone(data))),
            _ => None,
        });
        active
            .filter(|(_, image, _)| image.locations().len() == count)
            .collect()
    }

    fn copy(&mut self, number: usize, inner: Option<&Call>) {
        let mut there = self.with_copies(1);
        if there.is_empty() {
            return;
        }
        let (id, image, data) = there.swap_remove(number % there.len());
        let sure = stores_of(&image);
        let target = other(sure[0]);
        let request = Request::copy_image().stores([target]);
        let copied = Copies {
            sure,
            coming: vec![target],
        };
        let under_way = vec![Fact::Copied(copied, Arc::clone(&data))];
        if self.import(&id, &request, (under_way, inner), data) {
            self.tally.imports += 1;
            self.tally.copies += 1;
        }
    }

    fn lose(&mut self, number: usize) {
        let mut there = self.with_copies(2);
        let (Some(images), false) = (self.as_admin(), there.is_empty()) else {
            return;
        };
        let (id, image, data) = there.swap_remove(number % there.len());
        let lost = stores_of(&image)[number / 2 % 2];
        match images.delete_from_store(&id, lost) {
            Ok(()) => {
                self.tally.lost_copies += 1;
                self.is_now(&id, |image| Fact::Active(Some(image), data));
            }
            Err(error) => self.failed(&id, Some(Fact::Active(None, data)), error),
        }
    }
}

/// Returns the bytes that an image may have, by what is known of it and by its length.
pub(crate) fn bytes_of(facts: &[Fact], image: &Image) -> Option<Arc<Vec<u8>>> {
    facts.iter().find_map(|fact| match fact {
        Fact::Staged(_, data) | Fact::Active(_, data) | Fact::Copied(_, data)
            if image.size() == Some(data.len() as u64) =>
        {
            Some(Arc::clone(data))
        }
        _ => None,
    })
}

/// Returns bytes for an image that is queued.
pub(crate) fn small() -> Vec<u8> {
    content(&[Part::Bytes(7, 40_000)])
}
