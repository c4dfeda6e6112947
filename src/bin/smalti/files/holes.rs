//! Holes of sparse files: stretches of zeros that need not be read.

use std::fs::File;
use std::ops::Range;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// Returns the first data at or behind an offset of a file of this length: nothing if only a hole
/// follows, and all the rest where the file system tells nothing of holes.
pub(super) fn next_data(file: &File, from: u64, len_bytes: u64) -> Option<Range<u64>> {
    if from >= len_bytes {
        return None;
    }
    let start = match seek(file, SeekFrom::Data(from)) {
        Ok(start) => start.min(len_bytes),
        // There is no data up to the end.
        Err(Errno::NXIO) => return None,
        Err(_) => return Some(from..len_bytes),
    };
    let end = seek(file, SeekFrom::Hole(start)).unwrap_or(len_bytes);
    let range = start.max(from)..end.clamp(start, len_bytes);
    (!range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;

    #[test]
    fn data_between_holes_is_found() {
        let mut file = tempfile::tempfile().expect("a file");
        file.set_len(10 << 20).expect("sparse");
        file.seek(SeekFrom::Start(4 << 20)).expect("within");
        file.write_all(&[7; 8192]).expect("written");
        let data = next_data(&file, 0, 10 << 20).expect("some data");
        assert!(
            data.start <= 4 << 20 && data.end >= (4 << 20) + 8192,
            "{data:?}"
        );
        assert_eq!(next_data(&file, 10 << 20, 10 << 20), None);
        if data.start > 0 {
            // This file system tells of holes.
            assert_eq!(next_data(&file, data.end, 10 << 20), None);
        }
    }
}
