//! The reserve: a file that is given up when the disk is full, so that deletes and collection can
//! still commit.

use std::io;
use std::sync::Arc;

use crate::disk::{Access, Disk};
use crate::error::{Error, Result};

const RESERVE: &str = "reserve";
const STEP: usize = 1 << 20;

/// The reserve file of one engine.
#[derive(Debug)]
pub(super) struct Reserve {
    disk: Arc<dyn Disk>,
    len_bytes: u64,
}

impl Reserve {
    /// Takes a disk and the length that the reserve shall have; 0 is none.
    pub(super) fn new(disk: Arc<dyn Disk>, len_bytes: u64) -> Self {
        Self { disk, len_bytes }
    }

    /// Writes the reserve if it is missing, and leaves nothing of it when the disk is full.
    pub(super) fn restore(&self) -> Result<()> {
        if self.len_bytes == 0 || self.disk.open(RESERVE, Access::Read).is_ok() {
            return Ok(());
        }
        self.fill().map_err(|cause| {
            let _ = self.disk.remove(RESERVE);
            Error::io("write reserve", cause)
        })
    }

    fn fill(&self) -> io::Result<()> {
        let file = self.disk.create(RESERVE)?;
        // Not zeros: a file system that packs zeros would set nothing aside.
        let bytes: Vec<u8> = (0..=250u8).cycle().take(STEP).collect();
        let mut offset = 0;
        while offset < self.len_bytes {
            let len = (self.len_bytes - offset).min(STEP as u64);
            file.write_at(&bytes[..usize::try_from(len).unwrap_or(STEP)], offset)?;
            offset += len;
        }
        Ok(())
    }

    /// Gives the reserve up, and tells whether there was one.
    pub(super) fn release(&self) -> bool {
        let released = self.disk.remove(RESERVE).is_ok();
        if released {
            tracing::warn!("disk is full: the reserve was given up");
        }
        released
    }
}
