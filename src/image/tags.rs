//! Single tags: added and removed one at a time.

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::image::rules;
use crate::image::{Image, Limits};

impl Image {
    /// Adds a tag that [`Limits::check_tag`] has taken. The image changes even if it has the tag
    /// (Glance: `glance/api/v2/image_tags.py`).
    ///
    /// # Errors
    /// `TagLimitExceeded`, also when nothing would be added to more than the limit allows.
    pub(crate) fn add_tag(&mut self, tag: &str, limits: &Limits, now: Timestamp) -> Result<()> {
        let tags = self.tags();
        let count = tags.len() + usize::from(!tags.contains(tag));
        limits.check_tag_count(count)?;
        let parts = &mut self.0;
        let is_new = parts.tags.insert(tag);
        let len = rules::check_text_len(&parts.tags, &parts.properties, &parts.locations);
        if is_new && len.is_err() {
            parts.tags.remove(tag);
        }
        len?;
        self.touch(now);
        Ok(())
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// `NotFound` when the image does not have it.
    pub(crate) fn remove_tag(&mut self, tag: &str, now: Timestamp) -> Result<()> {
        if !self.0.tags.remove(tag) {
            let message = format!("image has no tag {}", rules::shown(tag));
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        self.touch(now);
        Ok(())
    }
}
