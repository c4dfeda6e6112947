//! A group: writes that go into one record of the log, one sync and one commit of redb.
//!
//! Its closures run one after another on one snapshot and one overlay, so each sees what those before
//! it changed. Nothing of it is in redb or the log before it ends. Whoever ran in it learns its fate.

use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, OnceLock};

use super::overlay::{GROUP_FULL_BYTES, Overlay, Visit};
use super::renew::Snapshot;
use super::view::{checked, is_empty};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Get, Order, Put, Table};

/// How many closures run in one group at most, so that the first does not wait long.
const MEMBERS_MAX: u32 = 512;

/// What a closure came to, its panic included.
pub(super) type Ran<R> = std::thread::Result<Result<R>>;

/// The writes that end together.
pub(super) struct Group {
    pub(super) snapshot: Snapshot,
    pub(super) overlay: Overlay,
    /// `Now` once a closure wanted that.
    pub(super) durability: Durability,
    pub(super) ending: Ending,
    members: u32,
}

impl Group {
    /// Begins a group on a snapshot of all that was written before.
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            overlay: Overlay::new(),
            durability: Durability::Later,
            ending: Ending::default(),
            members: 0,
        }
    }

    /// Returns the view of the next closure.
    pub(super) fn view(&mut self) -> GroupView<'_> {
        GroupView {
            snapshot: &self.snapshot,
            overlay: &mut self.overlay,
            failed: None,
        }
    }

    /// Takes what a closure changed in, or back if it failed, and returns what it came to.
    pub(super) fn settle<R>(
        &mut self,
        ran: Ran<R>,
        failed: Option<ErrorCode>,
        durability: Durability,
    ) -> Ran<R> {
        self.members += 1;
        let ran = match (ran, failed) {
            (Ok(Ok(_)), Some(code)) => {
                let message = "a change of this transaction had failed";
                Ok(Err(Error::new(code, message)))
            }
            (ran, _) => ran,
        };
        if let Ok(Ok(_)) = &ran {
            self.overlay.keep();
            if durability == Durability::Now {
                self.durability = Durability::Now;
            }
        } else {
            self.overlay.take_back();
        }
        ran
    }

    /// Tells whether it takes no more closures.
    pub(super) fn is_full(&self) -> bool {
        self.members >= MEMBERS_MAX || self.overlay.len_bytes() >= GROUP_FULL_BYTES
    }
}

/// What becomes of a group, once that is known.
#[derive(Debug, Default)]
pub(super) struct Fate(OnceLock<Result<(), (ErrorCode, String)>>);

impl Fate {
    /// Waits until the group has ended.
    ///
    /// # Errors
    ///
    /// Why nothing of it remains, or why that is unknown.
    pub(super) fn wait(&self) -> Result<()> {
        let told = self.0.wait().as_ref();
        told.copied()
            .map_err(|(code, message)| Error::new(*code, message.as_str()))
    }
}

/// The duty to tell a group's fate; let go of, it tells that it failed, so that nobody waits for ever.
#[derive(Debug, Default)]
pub(super) struct Ending(Arc<Fate>);

impl Ending {
    /// Returns where the fate is told.
    pub(super) fn fate(&self) -> Arc<Fate> {
        Arc::clone(&self.0)
    }

    /// Tells all who wait.
    pub(super) fn tell(self, outcome: &Result<()>) {
        let told = outcome.as_ref().copied();
        let told = told.map_err(|error| (error.code(), error.message().to_owned()));
        let _ = self.0.0.set(told);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.0.get().is_none() {
            let message = "a group of writes was given up".to_owned();
            let _ = self.0.0.set(Err((ErrorCode::Internal, message)));
        }
    }
}

/// What a closure sees and changes: its group's changes in front of the snapshot.
pub(super) struct GroupView<'g> {
    snapshot: &'g Snapshot,
    overlay: &'g mut Overlay,
    /// Why the closure cannot join, whatever it returns.
    failed: Option<ErrorCode>,
}

impl GroupView<'_> {
    /// Returns why the closure cannot join its group.
    pub(super) fn failed(&self) -> Option<ErrorCode> {
        self.failed
    }

    fn set(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let set = self.overlay.set(table, key, value);
        set.inspect_err(|error| self.failed = Some(error.code()))
    }
}

impl Get for GroupView<'_> {
    fn get(&self, table: Table, key: &[u8], f: &mut dyn FnMut(&[u8])) -> Result<bool> {
        match self.overlay.find(table, key) {
            Some(Some(value)) => {
                f(value);
                Ok(true)
            }
            Some(None) => Ok(false),
            None => self.snapshot.view.get(table, key, f),
        }
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        f: &mut Visit<'_>,
    ) -> Result<()> {
        let view = &self.snapshot.view;
        if !self.overlay.touches(table) {
            return view.scan(table, from, to, order, f);
        }
        if is_empty((from, to)) {
            return Ok(());
        }
        let mut own = self.overlay.own(table, (from, to), order);
        let mut flow = ControlFlow::Continue(());
        view.scan_stored(table, (from, to), order, &mut |key, stored| {
            flow = own.before(key, f);
            if flow.is_continue() {
                flow = match own.take(key) {
                    Some(Some(value)) => f(key, value),
                    // Whatever lies below, damage as well, is of no matter.
                    Some(None) => ControlFlow::Continue(()),
                    None => f(key, checked(table, key, stored)?),
                };
            }
            Ok(flow)
        })?;
        if flow.is_continue() {
            let _ = own.rest(f);
        }
        Ok(())
    }
}

impl Put for GroupView<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.set(table, key, Some(value))
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<()> {
        self.set(table, key, None)
    }
}
