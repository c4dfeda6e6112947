//! What becomes of imports that a crash or a close has broken off.

use crate::base::Base;
use crate::error::Result;
use crate::image::{Staged, Status};
use crate::index::{Durability, Kv, images, staged, tasks};

/// Ends the tasks that ran when the engine was last open, and takes their images back (DEV-D2).
/// Staged data that is complete stays where no import had begun.
pub(crate) fn recover(base: &Base) -> Result<()> {
    let now = base.now();
    for task in base.kv.read(|get| tasks::running(get))? {
        base.kv.write(Durability::Now, |put| {
            let Some(mut task) = tasks::find(put, &task)? else {
                return Ok(());
            };
            if task.is_over() {
                return Ok(());
            }
            task.fail("the engine was closed while the task ran", now)?;
            tasks::update(put, &task)?;
            let Some(id) = task.image_id else {
                return Ok(());
            };
            let Some(mut image) = images::find(put, &id)? else {
                return Ok(());
            };
            if image.lock() != Some(task.id.to_string().as_str()) {
                return Ok(());
            }
            image.recover(Staged::Complete, now)?;
            if image.status() != Status::Uploading {
                staged::remove(put, &id)?;
            }
            images::put(put, &image)
        })?;
    }
    Ok(())
}
