//! Data of a source that goes on where a connection breaks.
//!
//! It owns the counting: bytes, retries, time. It refuses data that is shorter or longer than was
//! declared, and to join bytes of a source that cannot say that it is still the same.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode, Result};

use super::{Fetch, FetchLimits, Fetched, Opening, UriFilter, failed};

/// Longest pause before a retry.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The data of a source, from its first byte to its last.
///
/// A body that breaks is opened again at the byte that is missing, with the filter and all
/// redirects anew, if the source has a validator and gives the rest under the same one; within
/// [`FetchLimits`], of which retries count over the whole body. Nothing is handed out twice, and
/// nothing past the declared length.
///
/// The end is told only where it is the end: data that is shorter or longer than the source has
/// declared is an error, as is every read after one that failed. Errors of [`Read`] carry an
/// [`Error`], see [`io::Error::get_ref`].
pub struct ResumingBody {
    source: Source,
    retries_left: u32,
    pause: Duration,
    len_bytes: Option<u64>,
    validator: Option<String>,
    at: u64,
    state: State,
}

enum State {
    /// Being read.
    Open(Box<dyn Read + Send>),
    /// The last byte was read and the end seen.
    Ended,
    /// A read failed for good.
    Failed,
}

/// What is opened, and within which bounds.
struct Source {
    fetch: Arc<dyn Fetch>,
    filter: UriFilter,
    uri: String,
    limits: FetchLimits,
    begun: Instant,
}

impl ResumingBody {
    /// Opens a source; asks again, as often as `limits` say, if it is not available.
    ///
    /// # Errors
    /// `UriNotAllowed` if the filter refuses the uri or a redirect, `ImageTooLarge` if the source
    /// declares more than may come, `SourceUnavailable` or `SourceFailed` if it gives nothing.
    pub fn open(
        fetch: Arc<dyn Fetch>,
        filter: UriFilter,
        uri: &str,
        limits: FetchLimits,
    ) -> Result<Self> {
        let source = Source {
            fetch,
            filter,
            uri: uri.to_owned(),
            limits,
            begun: Instant::now(),
        };
        let mut body = Self {
            source,
            retries_left: limits.retries,
            pause: limits.retry_pause,
            len_bytes: None,
            validator: None,
            at: 0,
            state: State::Failed,
        };
        body.begin()?;
        Ok(body)
    }

    /// Returns the length that the source has declared, in bytes, or nothing if it did not.
    pub fn len_bytes(&self) -> Option<u64> {
        self.len_bytes
    }

    /// Returns how many bytes were read so far.
    pub fn read_bytes(&self) -> u64 {
        self.at
    }

    /// Opens the source at its first byte.
    fn begin(&mut self) -> Result<()> {
        let fetched = loop {
            match self.source.open(0, None) {
                Ok(fetched) => break fetched,
                Err(error) => self.wait_after(error)?,
            }
        };
        if fetched.starts_at != 0 {
            return Err(gap(0, fetched.starts_at));
        }
        self.check_len(fetched.len_bytes.unwrap_or(0))?;
        self.len_bytes = fetched.len_bytes;
        self.validator = fetched.validator;
        self.state = State::Open(fetched.body);
        Ok(())
    }

    /// Opens the source again after `error`, at the next byte; at the first byte whatever is there.
    fn resume(&mut self, mut error: Error) -> Result<()> {
        let validator = self.validator.clone();
        if self.at > 0 && validator.is_none() {
            return Err(error);
        }
        let fetched = loop {
            self.wait_after(error)?;
            match self.source.open(self.at, validator.as_deref()) {
                Ok(fetched) => break fetched,
                Err(next) => error = next,
            }
        };
        self.check_same(&fetched)?;
        self.len_bytes = self.len_bytes.or(fetched.len_bytes);
        self.validator = validator.or(fetched.validator);
        self.check_len(self.len_bytes.unwrap_or(0))?;
        self.state = State::Open(fetched.body);
        Ok(())
    }

    /// Tells whether what was opened again is the data that was read before, at the right byte.
    fn check_same(&self, fetched: &Fetched) -> Result<()> {
        let is_other = match (&self.validator, &fetched.validator) {
            (Some(known), Some(found)) => known != found,
            _ => false,
        };
        if is_other || fetched.len_bytes.is_some_and(|len| self.is_other_len(len)) {
            return Err(failed("the source has changed while it was read"));
        }
        match fetched.starts_at == self.at {
            true => Ok(()),
            false => Err(gap(self.at, fetched.starts_at)),
        }
    }

    fn is_other_len(&self, len: u64) -> bool {
        self.len_bytes.map_or(len < self.at, |known| known != len)
    }

    /// Waits until the source may be asked again, or returns `error` if it may not.
    fn wait_after(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() || self.retries_left == 0 {
            return Err(error);
        }
        self.retries_left -= 1;
        let left = self.source.time_left()?;
        thread::sleep(self.pause.min(left));
        self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
        self.source.time_left().map(drop)
    }

    fn check_len(&self, len: u64) -> Result<()> {
        let most = self.source.limits.len_max_bytes;
        match len > most {
            true => {
                let message = format!("the source has {len} bytes, limit {most}");
                Err(Error::new(ErrorCode::ImageTooLarge, message))
            }
            false => Ok(()),
        }
    }

    /// Reads once from an open body.
    fn read_open(&mut self, buf: &mut [u8]) -> Result<Step> {
        self.source.time_left()?;
        let State::Open(body) = &mut self.state else {
            return Err(failed("the source has failed before"));
        };
        match body.read(buf) {
            Ok(0) => self.end(),
            Ok(count) => self.take(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Step::Again),
            // All that was declared is there; how the connection ends does not matter.
            Err(_) if self.len_bytes == Some(self.at) => self.end(),
            Err(error) => self.resume(self.broken(error)).map(|()| Step::Again),
        }
    }

    /// Counts bytes that came, unless they are too many.
    fn take(&mut self, count: usize) -> Result<Step> {
        let at = self.at.saturating_add(count as u64);
        if let Some(len) = self.len_bytes.filter(|len| at > *len) {
            let message = format!("the source goes on for {at} bytes or more, declared {len}");
            return Err(Error::new(ErrorCode::SizeMismatch, message));
        }
        self.check_len(at)?;
        self.at = at;
        Ok(Step::Bytes(count))
    }

    /// Tells the end of the data from the end of a connection.
    fn end(&mut self) -> Result<Step> {
        let Some(len) = self.len_bytes.filter(|len| self.at < *len) else {
            self.state = State::Ended;
            return Ok(Step::Bytes(0));
        };
        let short = self.short(len);
        let message = short.message().to_owned();
        match self.resume(short) {
            Ok(()) => Ok(Step::Again),
            Err(error) if error.code() != ErrorCode::SourceUnavailable => Err(error),
            Err(error) => Err(Error::new(ErrorCode::SizeMismatch, message).with_source(error)),
        }
    }

    fn short(&self, len: u64) -> Error {
        let message = format!("the source ends after {} bytes of {len}", self.at);
        Error::new(ErrorCode::SourceUnavailable, message)
    }

    /// Makes the error for a read that failed. What is no error of this crate is a connection.
    fn broken(&self, error: io::Error) -> Error {
        let told = error.get_ref().and_then(|inner| inner.downcast_ref());
        let told = told.filter(|told: &&Error| !told.is_retryable());
        if let Some(told) = told {
            return Error::new(told.code(), told.message()).with_source(error);
        }
        let of = self.len_bytes.map(|len| format!(" of {len}"));
        let of = of.unwrap_or_default();
        let message = format!("the source breaks after {} bytes{of}: {error}", self.at);
        Error::new(ErrorCode::SourceUnavailable, message).with_source(error)
    }
}

/// What one look at the body has given.
enum Step {
    Bytes(usize),
    Again,
}

impl Source {
    fn open(&self, offset: u64, validator: Option<&str>) -> Result<Fetched> {
        let opening = Opening::new(&self.uri, &self.filter, self.time_left()?);
        self.fetch.open(&match validator {
            Some(validator) => opening.resume(offset, validator),
            None => opening,
        })
    }

    fn time_left(&self) -> Result<Duration> {
        let total = self.limits.total;
        let left = total.checked_sub(self.begun.elapsed());
        let left = left.filter(|left| !left.is_zero());
        left.ok_or_else(|| failed(format!("the download takes longer than {total:?}")))
    }
}

impl Read for ResumingBody {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || matches!(self.state, State::Ended) {
            return Ok(0);
        }
        loop {
            match self.read_open(buf) {
                Ok(Step::Bytes(count)) => return Ok(count),
                Ok(Step::Again) => {}
                Err(error) => {
                    self.state = State::Failed;
                    return Err(error.into());
                }
            }
        }
    }
}

impl fmt::Debug for ResumingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ResumingBody");
        shown.field("len_bytes", &self.len_bytes);
        shown.field("read_bytes", &self.at);
        shown.finish_non_exhaustive()
    }
}

fn gap(wanted: u64, given: u64) -> Error {
    failed(format!(
        "the source begins at byte {given}, not at {wanted}"
    ))
}
