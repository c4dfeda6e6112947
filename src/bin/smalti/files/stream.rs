//! Streams that may be silent for long: a thread of their own reads, so that whoever waits for bytes
//! sees an interruption.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::interrupt;

/// How much is read at once, in bytes.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that are read ahead.
const AHEAD: usize = 2;
/// How often one who waits looks for an interruption.
const LOOK: Duration = Duration::from_millis(100);

/// A stream that is read ahead.
#[derive(Debug)]
pub(super) struct Stream {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    /// What of the piece is taken.
    at: usize,
}

impl Stream {
    /// Begins to read. The thread ends with the input, or when nobody takes what it has read; while
    /// it waits for input it holds up no end of the process.
    pub(super) fn begin(input: impl Read + Send + 'static) -> Self {
        let (send, pieces) = sync_channel(AHEAD);
        thread::spawn(move || read_all(input, &send));
        Self {
            pieces,
            piece: Vec::new(),
            at: 0,
        }
    }

    /// Waits for the next piece; an empty one is the end.
    fn next(&self) -> io::Result<Vec<u8>> {
        loop {
            match self.pieces.recv_timeout(LOOK) {
                Ok(piece) => return piece,
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
                Err(RecvTimeoutError::Timeout) => {
                    interrupt::check().map_err(|_| io::Error::other("interrupted"))?;
                }
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            (self.piece, self.at) = (self.next()?, 0);
        }
        let count = (&self.piece[self.at..]).read(buf)?;
        self.at += count;
        Ok(count)
    }
}

fn read_all(mut input: impl Read, send: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match input.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read,
        };
        let is_last = !matches!(read, Ok(count) if count > 0);
        let piece = read.map(|count| {
            piece.truncate(count);
            piece
        });
        if send.send(piece).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_comes_as_it_is_and_keeps_its_end() {
        let bytes: Vec<u8> = (0..251).cycle().take(PIECE_BYTES * 5 + 7).collect();
        let mut stream = Stream::begin(io::Cursor::new(bytes.clone()));
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert!(all == bytes, "other bytes");
        assert_eq!(stream.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn an_error_of_the_input_comes_behind_what_was_read() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("worn out"))
            }
        }
        let mut stream = Stream::begin((&b"abc"[..]).chain(Fails));
        let mut all = Vec::new();
        let error = stream.read_to_end(&mut all).unwrap_err();
        assert_eq!(
            (all.as_slice(), error.to_string()),
            (&b"abc"[..], "worn out".into())
        );
    }
}
