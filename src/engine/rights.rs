//! Rights that a host asks for by themselves, for flows of its own.

use super::Images;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{Location, Status};
use crate::index::{Get, Kv};
use crate::policy::Action;

impl Images {
    /// Tests whether the caller may do something with an image, and does nothing.
    ///
    /// # Errors
    /// Those of [`Judge::check`](crate::policy::Judge::check), and `NotFound`.
    pub fn check(&self, id: &ImageId, action: Action) -> Result<()> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(action)?;
        let read = |get: &dyn Get| self.allowed(get, &judge, id, action);
        self.readable()?.kv.read(read).map(drop)
    }

    /// Tests as [`Images::check`], and that the image is of a status, which is told before a missing
    /// right.
    ///
    /// # Errors
    /// As [`Images::check`]; `InvalidState` before `Forbidden`.
    pub fn check_in(&self, id: &ImageId, action: Action, status: Status) -> Result<()> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(action)?;
        self.readable()?.kv.read(|get| {
            let (image, membership) = self.find(get, id)?;
            judge.check_after(action, &image, membership, || match image.status() {
                is if is == status => Ok(()),
                is => {
                    let message = format!("image {id} is {is}, not {status}");
                    Err(Error::new(ErrorCode::InvalidState, message))
                }
            })
        })
    }

    /// Tests whether the caller may do something that is about no image, and does nothing.
    ///
    /// # Errors
    /// Those of [`Judge::check_global`](crate::policy::Judge::check_global).
    pub fn check_global(&self, action: Action) -> Result<()> {
        let policy = self.policy();
        self.judge(&*policy).check_global(action)
    }

    /// Tests whether the caller may do something with what a cache holds of an image, which it may
    /// hold longer than there is the image, and does nothing.
    ///
    /// # Errors
    /// Those of [`Judge::check_cached`](crate::policy::Judge::check_cached).
    pub fn check_cached(&self, id: &ImageId, action: Action) -> Result<()> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        let read = |get: &dyn Get| self.judge_cached(get, &judge, id, action);
        self.readable()?.kv.read(read)
    }

    /// Returns the places of the data of an image, for another service of the cloud (rule
    /// `fetch_image_location`).
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`.
    pub fn locations(&self, id: &ImageId) -> Result<Vec<Location>> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        let action = Action::LocationsGet;
        judge.check_identity(action)?;
        let read = |get: &dyn Get| self.allowed(get, &judge, id, action);
        let (image, _) = self.readable()?.kv.read(read)?;
        Ok(image.locations().to_vec())
    }
}
