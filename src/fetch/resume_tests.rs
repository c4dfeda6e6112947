//! Bodies that break, against sources that are scripts.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::error::ErrorCode;

use super::*;

/// One opening of a script: what it must be asked, and what it gives.
struct Scene {
    offset: u64,
    validator: Option<&'static str>,
    gives: Result<Fetched>,
}

/// A source that gives one scene after the other.
#[derive(Debug, Default)]
struct Script(Mutex<VecDeque<Scene>>);

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.offset)
    }
}

impl Fetch for Script {
    fn open(&self, opening: &Opening<'_>) -> Result<Fetched> {
        opening.filter.check(opening.uri)?;
        let scene = self.0.lock().unwrap().pop_front().expect("a scene");
        assert_eq!(
            (opening.offset, opening.validator),
            (scene.offset, scene.validator)
        );
        scene.gives
    }
}

/// Gives bytes, and then an end or an error.
struct Cut(&'static [u8], Option<Error>);

impl Read for Cut {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match (self.0.is_empty(), self.1.take()) {
            (true, Some(error)) => Err(error.into()),
            (_, error) => {
                self.1 = error;
                self.0.read(buf)
            }
        }
    }
}

const TAG: &str = "\"a\"";

fn ends(data: &'static [u8]) -> Fetched {
    Fetched::new(Box::new(Cut(data, None)))
        .len_bytes(10)
        .validator(TAG)
}

fn breaks(data: &'static [u8]) -> Fetched {
    let error = Error::new(ErrorCode::SourceUnavailable, "reset");
    Fetched::new(Box::new(Cut(data, Some(error))))
        .len_bytes(10)
        .validator(TAG)
}

fn unavailable<T>() -> Result<T> {
    Err(Error::new(ErrorCode::SourceUnavailable, "away"))
}

fn first(gives: Result<Fetched>) -> Scene {
    Scene {
        offset: 0,
        validator: None,
        gives,
    }
}

fn then(offset: u64, gives: Result<Fetched>) -> Scene {
    let gives = gives.map(|fetched| match fetched.starts_at {
        0 => fetched.starts_at(offset),
        _ => fetched,
    });
    Scene {
        offset,
        validator: Some(TAG),
        gives,
    }
}

fn limits() -> FetchLimits {
    FetchLimits {
        retry_pause: Duration::ZERO,
        ..FetchLimits::default()
    }
}

fn open(scenes: impl IntoIterator<Item = Scene>, limits: FetchLimits) -> Result<ResumingBody> {
    let script = Script(Mutex::new(scenes.into_iter().collect()));
    let filter = UriFilter::new(UriRules::default());
    ResumingBody::open(Arc::new(script), filter, "http://1.1.1.1/a", limits)
}

/// Reads all, and returns the data with the error that came after it.
fn read(scenes: impl IntoIterator<Item = Scene>) -> (Vec<u8>, Option<Error>) {
    read_within(scenes, limits())
}

fn read_within(
    scenes: impl IntoIterator<Item = Scene>,
    limits: FetchLimits,
) -> (Vec<u8>, Option<Error>) {
    let mut data = Vec::new();
    let mut body = match open(scenes, limits) {
        Ok(body) => body,
        Err(error) => return (data, Some(error)),
    };
    let error = body.read_to_end(&mut data).err().map(|error| {
        body.read(&mut [0]).expect_err("a failed body stays failed");
        let inner = error.into_inner().expect("an error of this crate");
        *inner.downcast().expect("an error of this crate")
    });
    assert_eq!(body.read_bytes(), data.len() as u64);
    (data, error)
}

#[track_caller]
fn check_fails(scenes: Vec<Scene>, data: &[u8], code: ErrorCode, message: &str) {
    let (found, error) = read(scenes);
    let error = error.expect("it fails");
    assert_eq!(found, data, "{error:?}");
    assert_eq!((error.code(), error.message()), (code, message));
}

#[test]
fn a_body_that_breaks_goes_on_where_it_broke() {
    let scenes = vec![
        first(Ok(breaks(b"01234"))),
        then(5, unavailable()),
        then(5, Ok(ends(b"567"))),
        then(8, Ok(ends(b"89"))),
    ];
    assert!(matches!(read(scenes), (data, None) if data == b"0123456789"));
}

#[test]
fn a_body_of_unknown_length_ends_where_it_ends_and_goes_on_where_it_breaks() {
    let unknown = |mut fetched: Fetched| {
        fetched.len_bytes = None;
        fetched
    };
    assert!(matches!(read([first(Ok(unknown(ends(b"012"))))]), (data, None) if data == b"012"));
    let scenes = vec![
        first(Ok(unknown(breaks(b"01234")))),
        then(5, Ok(ends(b"56789"))),
    ];
    assert!(matches!(read(scenes), (data, None) if data == b"0123456789"));
}

#[test]
fn retries_count_over_the_whole_body() {
    let scenes = vec![
        first(unavailable()),
        first(Ok(breaks(b"0"))),
        then(1, Ok(breaks(b"1"))),
        then(2, Ok(breaks(b"2"))),
    ];
    let message = "the source breaks after 3 bytes of 10: reset";
    check_fails(scenes, b"012", ErrorCode::SourceUnavailable, message);
    let none = FetchLimits {
        retries: 0,
        ..limits()
    };
    let (data, error) = read_within([first(unavailable())], none);
    assert_eq!((data.len(), error.unwrap().message()), (0, "away"));
}

#[test]
fn a_body_that_breaks_before_its_first_byte_begins_again() {
    let mut without = breaks(b"");
    without.validator = None;
    let scenes = vec![first(Ok(without)), first(Ok(ends(b"0123456789")))];
    assert!(matches!(read(scenes), (data, None) if data == b"0123456789"));
}

#[test]
fn a_source_without_validator_is_not_resumed() {
    let mut without = breaks(b"01234");
    without.validator = None;
    let message = "the source breaks after 5 bytes of 10: reset";
    check_fails(
        vec![first(Ok(without))],
        b"01234",
        ErrorCode::SourceUnavailable,
        message,
    );
}

#[test]
fn data_that_is_shorter_than_declared_is_told_with_both_lengths() {
    let mut without = ends(b"01234");
    without.validator = None;
    let message = "the source ends after 5 bytes of 10";
    check_fails(
        vec![first(Ok(without))],
        b"01234",
        ErrorCode::SizeMismatch,
        message,
    );
    let mut scenes = vec![first(Ok(ends(b"01234")))];
    scenes.extend((0..3).map(|_| then(5, Ok(ends(b"")))));
    check_fails(scenes, b"01234", ErrorCode::SizeMismatch, message);
}

#[test]
fn data_that_is_longer_than_declared_is_told_with_both_lengths() {
    let message = "the source goes on for 11 bytes or more, declared 10";
    let scenes = vec![first(Ok(ends(b"0123456789!")))];
    let (data, error) = read(scenes);
    let error = error.unwrap();
    assert_eq!(
        (error.code(), error.message()),
        (ErrorCode::SizeMismatch, message)
    );
    assert!(data.len() <= 10);
    let mut body = open([first(Ok(ends(b"0123456789!")))], limits()).unwrap();
    let mut whole = [0; 10];
    body.read_exact(&mut whole).unwrap();
    assert_eq!(body.read(&mut [0; 4]).unwrap_err().to_string(), message);
}

#[test]
fn a_source_that_has_changed_is_never_joined() {
    let message = "the source has changed while it was read";
    let changed = [
        ends(b"56789").validator("\"b\""),
        ends(b"56789").len_bytes(11),
        ends(b"56789").validator("\"b\"").starts_at(5),
    ];
    for fetched in changed {
        let scenes = vec![first(Ok(breaks(b"01234"))), then(5, Ok(fetched))];
        check_fails(scenes, b"01234", ErrorCode::SourceFailed, message);
    }
}

#[test]
fn a_source_that_gives_no_ranges_is_not_joined() {
    let scenes = vec![
        first(Ok(breaks(b"01234"))),
        Scene {
            offset: 5,
            validator: Some(TAG),
            gives: Ok(ends(b"0123456789")),
        },
    ];
    let message = "the source begins at byte 0, not at 5";
    check_fails(scenes, b"01234", ErrorCode::SourceFailed, message);
    let late = vec![first(Ok(ends(b"123456789").starts_at(1)))];
    let message = "the source begins at byte 1, not at 0";
    check_fails(late, b"", ErrorCode::SourceFailed, message);
}

#[test]
fn errors_that_stay_are_not_asked_for_again() {
    let scenes = vec![first(Err(failed("the source answers with status 404")))];
    let message = "the source answers with status 404";
    check_fails(scenes, b"", ErrorCode::SourceFailed, message);
    let told = Error::new(ErrorCode::SourceFailed, "no more");
    let body = Fetched::new(Box::new(Cut(b"01", Some(told)))).validator(TAG);
    check_fails(
        vec![first(Ok(body))],
        b"01",
        ErrorCode::SourceFailed,
        "no more",
    );
}

#[test]
fn how_a_connection_ends_after_all_data_does_not_matter() {
    let scenes = vec![first(Ok(breaks(b"0123456789")))];
    assert!(matches!(read(scenes), (data, None) if data == b"0123456789"));
}

#[test]
fn more_data_than_may_come_is_refused_when_it_is_declared_or_comes() {
    let few = FetchLimits {
        len_max_bytes: 9,
        ..limits()
    };
    let (data, error) = read_within([first(Ok(ends(b"0123456789")))], few);
    let error = error.unwrap();
    assert_eq!((error.code(), data.len()), (ErrorCode::ImageTooLarge, 0));
    assert_eq!(error.message(), "the source has 10 bytes, limit 9");
    let mut unknown = ends(b"0123456789");
    unknown.len_bytes = None;
    let (data, error) = read_within([first(Ok(unknown))], few);
    assert_eq!(error.unwrap().code(), ErrorCode::ImageTooLarge);
    assert!(data.len() <= 9);
}

#[test]
fn a_download_that_takes_too_long_ends() {
    let short = FetchLimits {
        total: Duration::ZERO,
        ..limits()
    };
    let (_, error) = read_within([first(Ok(ends(b"0123456789")))], short);
    let error = error.unwrap();
    assert_eq!(error.code(), ErrorCode::SourceFailed);
    assert_eq!(error.message(), "the download takes longer than 0ns");
}

#[test]
fn each_opening_passes_the_filter_anew() {
    #[derive(Debug, Default)]
    struct Turning(Mutex<u32>);
    impl Resolve for Turning {
        fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            let mut turn = self.0.lock().unwrap();
            *turn += 1;
            let address = if *turn == 1 { "1.1.1.1" } else { "127.0.0.1" };
            Ok(vec![address.parse().unwrap()])
        }
    }
    let script = Script(Mutex::new(VecDeque::from([first(Ok(breaks(b"0")))])));
    let filter = UriFilter::new(UriRules::default()).resolver(Turning::default());
    let uri = "http://turning.example/";
    let mut body = ResumingBody::open(Arc::new(script), filter, uri, limits()).unwrap();
    let error = body.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "host turning.example has no address to fetch from"
    );
}
