//! Where the data of an upload comes from: a file, standard input, or a pattern.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use smalti::{Algorithm, Bytes, ErrorCode};

use super::holes;
use super::pattern::Pattern;
use super::stream::Stream;
use crate::fault::{Fault, Outcome};
use crate::files::Digester;
use crate::interrupt;
use crate::progress::Bar;

/// How much is read at once for a server, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// Data that is read once, from its beginning; progress and interruption are looked after.
#[derive(Debug)]
pub(crate) struct Source {
    input: Input,
    /// Where it is known beforehand.
    len_bytes: Option<u64>,
    /// Bytes and holes that are done.
    position: u64,
    /// End of the stretch that is being read.
    stretch_end: u64,
    bar: Bar,
    digester: Option<Digester>,
    /// Why the last read failed, in words of the tool.
    failed: Option<Fault>,
}

#[derive(Debug)]
enum Input {
    /// A regular file, which may have holes.
    File(File),
    /// Anything that is read to its end.
    Stream(Stream),
    Pattern(Pattern),
}

/// What follows in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// Bytes to be read until `read` returns none.
    Data,
    /// So many zeros.
    Hole(u64),
}

impl Source {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be opened, or is a directory.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let fault = |error: io::Error| Fault::io(format_args!("open {}", path.display()), &error);
        if path == Path::new("-") {
            let stdin = File::open("/dev/stdin").map_err(fault)?;
            return Ok(Self::new(Input::Stream(Stream::begin(stdin)), None));
        }
        let file = File::open(path).map_err(fault)?;
        let data = file.metadata().map_err(fault)?;
        if data.is_dir() {
            return Err(Fault::usage(format!("{} is a directory", path.display())));
        }
        // Files of /proc say that they are empty, and are not.
        Ok(match data.is_file() && data.len() > 0 {
            true => Self::new(Input::File(file), Some(data.len())),
            false => Self::new(Input::Stream(Stream::begin(file)), None),
        })
    }

    /// Makes a source of bytes for measurements.
    pub(crate) fn pattern(seed: u64, len_bytes: u64) -> Self {
        let pattern = Pattern::new(seed, len_bytes);
        Self::new(Input::Pattern(pattern), Some(len_bytes))
    }

    fn new(input: Input, len_bytes: Option<u64>) -> Self {
        Self {
            input,
            len_bytes,
            position: 0,
            stretch_end: 0,
            bar: Bar::hidden(),
            digester: None,
            failed: None,
        }
    }

    /// Shows progress on a bar.
    pub(crate) fn with_bar(mut self, bar: Bar) -> Self {
        self.bar = bar;
        self
    }

    /// Computes a digest of the pieces from now on, beside their way.
    pub(crate) fn begin_digest(&mut self, algorithm: Algorithm) {
        self.digester = Some(Digester::new(algorithm));
    }

    /// Returns the digest of the pieces, in lower-case hex.
    pub(crate) fn end_digest(&mut self) -> Option<String> {
        self.digester.take().and_then(Digester::finish)
    }

    /// Returns the length, where it is known beforehand.
    pub(crate) fn len_bytes(&self) -> Option<u64> {
        self.len_bytes
    }

    /// Returns how many bytes were read so far, holes among them.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Returns what follows; nothing at the end. Holes are found in regular files alone.
    pub(crate) fn next_stretch(&mut self) -> Outcome<Option<Stretch>> {
        let Input::File(file) = &mut self.input else {
            let begun = std::mem::replace(&mut self.stretch_end, u64::MAX) > 0;
            return Ok((!begun).then_some(Stretch::Data));
        };
        let len = self.len_bytes.unwrap_or_default();
        if self.position >= len || self.stretch_end > self.position {
            // The end, or a file that has become shorter, which the upload refuses.
            return Ok(None);
        }
        let data = holes::next_data(file, self.position, len).unwrap_or(len..len);
        if data.start > self.position {
            let hole = data.start - self.position;
            (self.position, self.stretch_end) = (data.start, data.start);
            self.bar.add(hole);
            return Ok(Some(Stretch::Hole(hole)));
        }
        let sought = file.seek(SeekFrom::Start(data.start));
        sought.map_err(|error| Fault::io("seek in the file", &error))?;
        self.stretch_end = data.end;
        Ok(Some(Stretch::Data))
    }

    /// Returns the next piece, holes as zeros; nothing at the end. Not to be mixed with stretches.
    pub(crate) fn next_piece(&mut self) -> Outcome<Option<Bytes>> {
        self.stretch_end = u64::MAX;
        let mut piece = vec![0; PIECE_BYTES];
        let mut filled = 0;
        while filled < piece.len() {
            match self.read(&mut piece[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let fault = self.failed.take();
                    return Err(fault.unwrap_or_else(|| Fault::io("read the data", &error)));
                }
            }
        }
        piece.truncate(filled);
        let piece = Bytes::from(piece);
        if let Some(digester) = &self.digester {
            digester.update(piece.clone());
        }
        Ok((filled > 0).then_some(piece))
    }

    /// Returns why an upload failed: this source, where it knows better.
    pub(crate) fn why(&mut self, error: smalti::Error) -> Fault {
        let own = match error.code() {
            ErrorCode::SourceFailed => self.failed.take(),
            _ => None,
        };
        own.unwrap_or_else(|| error.into())
    }

    /// Tests that the user has not interrupted: an end that comes of that is no end of the data.
    fn expect_more(&mut self) -> io::Result<()> {
        interrupt::check().map_err(|fault| {
            self.failed = Some(fault);
            io::Error::other("interrupted")
        })
    }

    fn read_input(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.stretch_end.saturating_sub(self.position);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let buf = &mut buf[..count];
        match &mut self.input {
            Input::File(input) => input.read(buf),
            Input::Stream(input) => input.read(buf),
            Input::Pattern(pattern) => pattern.read(buf),
        }
    }
}

/// Reads the stretch that was returned last.
impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.expect_more()?;
        let read = self.read_input(buf);
        self.expect_more()?;
        let count = read?;
        self.position += count as u64;
        self.bar.add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Reads a source as an upload to a directory does.
    fn drain(source: &mut Source) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(stretch) = source.next_stretch().unwrap() {
            match stretch {
                Stretch::Data => drop(source.read_to_end(&mut all).unwrap()),
                Stretch::Hole(len) => all.resize(all.len() + usize::try_from(len).unwrap(), 0),
            }
        }
        all
    }

    #[test]
    fn a_sparse_file_is_read_as_it_is_both_ways() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(3 << 20).unwrap();
        file.seek(SeekFrom::Start(1 << 20)).unwrap();
        file.write_all(&[5; 100_000]).unwrap();
        let expected = std::fs::read(file.path()).unwrap();

        let mut source = Source::open(file.path()).unwrap();
        assert_eq!(source.len_bytes(), Some(3 << 20));
        assert!(drain(&mut source) == expected, "other bytes by stretches");
        assert_eq!(source.position(), 3 << 20);

        let (mut source, mut pieces) = (Source::open(file.path()).unwrap(), Vec::new());
        while let Some(piece) = source.next_piece().unwrap() {
            pieces.extend_from_slice(&piece);
        }
        assert!(pieces == expected, "other bytes by pieces");
    }

    #[test]
    fn empty_and_odd_lengths_end() {
        for len in [0, 1, 4097] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&vec![1; len]).unwrap();
            let mut source = Source::open(file.path()).unwrap();
            assert_eq!(drain(&mut source).len(), len);
        }
        assert_eq!(drain(&mut Source::pattern(1, 10_001)).len(), 10_001);
    }
}
