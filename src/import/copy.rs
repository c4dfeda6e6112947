//! Data that is there, read once more: its bytes in order, holes as holes.

use crate::error::Result;
use crate::ingest::{Judging, Upload};
use crate::read::{ExtentKind, Reader};

/// Takes the bytes of a source in order.
pub(crate) trait Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    fn skip(&mut self, len_bytes: u64) -> Result<()>;
}

impl Sink for Upload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.put(bytes)
    }

    fn skip(&mut self, len_bytes: u64) -> Result<()> {
        Upload::skip(self, len_bytes)
    }
}

impl Sink for Judging {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Judging::write(self, bytes);
        Ok(())
    }

    fn skip(&mut self, len_bytes: u64) -> Result<()> {
        Judging::skip(self, len_bytes);
        Ok(())
    }
}

/// Gives all bytes of a source to a sink. `note` hears how many are done, and may end it.
pub(crate) fn pump(
    reader: &Reader,
    sink: &mut dyn Sink,
    note: &dyn Fn(u64) -> Result<()>,
) -> Result<()> {
    for extent in reader.extents() {
        let extent = extent?;
        let range = extent.range.clone();
        if extent.kind == ExtentKind::Zero {
            sink.skip(range.end - range.start)?;
            note(range.end)?;
            continue;
        }
        let mut done = range.start;
        for slice in reader.slices(range)? {
            let slice = slice?;
            sink.write(&slice)?;
            done += slice.len() as u64;
            note(done)?;
        }
    }
    Ok(())
}
