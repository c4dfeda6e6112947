//! The fetcher against servers on loopback.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use crate::error::ErrorCode;
use crate::fetch::{FetchLimits, Resolve, ResumingBody, UriRules};

use super::server_tests::{Heads, Reply, Server};
use super::*;

const TAG: &str = "ETag: \"a\"";

fn fetcher() -> WebFetcher {
    WebFetcher::builder().build().unwrap()
}

/// A filter that lets hosts and one port through.
fn filter_of(hosts: &[&str], port: u16) -> UriFilter {
    UriFilter::new(UriRules {
        allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        allowed_ports: vec![port],
        ..UriRules::default()
    })
}

/// A server with its script, and a uri and a filter that lead to it.
fn serve(replies: Vec<Reply>) -> (String, UriFilter, Heads) {
    serve_with(|_| replies)
}

/// As [`serve`], with a script that knows the origin of the server.
fn serve_with(replies: impl FnOnce(&str) -> Vec<Reply>) -> (String, UriFilter, Heads) {
    let server = Server::bind("127.0.0.1:0");
    let address = server.address();
    let origin = format!("http://{address}");
    let filter = filter_of(&["127.0.0.1"], address.port());
    let uri = format!("{origin}/dir/a.img?x=1#top");
    (uri, filter, server.serve(replies(&origin)))
}

fn ask(uri: &str, filter: &UriFilter) -> Result<Fetched> {
    fetcher().open(&Opening::new(uri, filter, Duration::from_secs(60)))
}

fn no_pause(retries: u32) -> FetchLimits {
    FetchLimits {
        retries,
        retry_pause: Duration::ZERO,
        ..FetchLimits::default()
    }
}

/// Reads all that a server gives, with an error where it ends in one.
fn download(replies: Vec<Reply>, retries: u32) -> (Vec<u8>, Option<Error>, Vec<String>) {
    download_by(fetcher(), replies, no_pause(retries))
}

fn download_by(
    fetcher: WebFetcher,
    replies: Vec<Reply>,
    limits: FetchLimits,
) -> (Vec<u8>, Option<Error>, Vec<String>) {
    let (uri, filter, heads) = serve(replies);
    let mut data = Vec::new();
    let error = match ResumingBody::open(Arc::new(fetcher), filter, &uri, limits) {
        Err(error) => Some(error),
        Ok(mut body) => io::Read::read_to_end(&mut body, &mut data)
            .err()
            .map(|error| {
                let inner = error.into_inner().expect("an error of this crate");
                *inner.downcast().expect("an error of this crate")
            }),
    };
    (data, error, heads.all())
}

#[test]
fn a_request_names_the_host_and_nothing_that_could_be_a_secret() {
    let (uri, filter, heads) = serve(vec![Reply::data(&[TAG], 4, "boot")]);
    let mut fetched = ask(&uri, &filter).unwrap();
    assert_eq!((fetched.len_bytes, fetched.starts_at), (Some(4), 0));
    assert_eq!(fetched.validator.as_deref(), Some("\"a\""));
    let mut data = String::new();
    fetched.body.read_to_string(&mut data).unwrap();
    assert_eq!(data, "boot");
    let head = heads.all().concat().to_lowercase();
    let host = uri.split('/').nth(2).unwrap();
    assert!(
        head.starts_with("get /dir/a.img?x=1 http/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains(&format!("\r\nhost: {host}\r\n")), "{head}");
    assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
    for name in ["cookie", "authorization", "referer", "range", "top"] {
        assert!(!head.contains(name), "{head}");
    }
}

/// Gives one address first, another one ever after.
#[derive(Debug, Clone, Default)]
struct Turning(Arc<Mutex<u32>>);

impl Resolve for Turning {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut turn = self.0.lock().unwrap();
        *turn += 1;
        Ok(vec![IpAddr::from([
            127,
            0,
            0,
            if *turn == 1 { 1 } else { 2 },
        ])])
    }
}

#[test]
fn dns_that_changes_its_answer_after_the_check_does_not_matter() {
    let first = Server::bind("127.0.0.1:0");
    let port = first.address().port();
    let second = Server::bind(&format!("127.0.0.2:{port}"));
    let first = first.serve(vec![Reply::data(&[], 5, "first")]);
    let second = second.serve(vec![Reply::data(&[], 6, "second")]);
    let names = Turning::default();
    let filter = filter_of(&["turning.example"], port).resolver(names.clone());
    let mut fetched = ask(&format!("http://turning.example:{port}/"), &filter).unwrap();
    let mut data = String::new();
    fetched.body.read_to_string(&mut data).unwrap();
    assert_eq!(data, "first");
    assert_eq!(*names.0.lock().unwrap(), 1, "looked up once");
    let heads = first.all().concat();
    assert!(
        heads.contains(&format!("host: turning.example:{port}\r\n")),
        "{heads}"
    );
    assert!(second.all().is_empty());
}

#[test]
fn redirects_are_followed_where_the_filter_lets_them() {
    for location in ["b.img", "/b.img", "?y", "./c/../d", "#frag"] {
        let replies = vec![Reply::redirect(location), Reply::data(&[], 4, "boot")];
        let (data, error, heads) = download(replies, 0);
        assert_eq!(
            (&*data, error.is_none()),
            (&b"boot"[..], true),
            "{location} {error:?}"
        );
        assert_eq!(heads.len(), 2);
    }
    let (uri, filter, heads) = serve_with(|origin| {
        let there = origin.trim_start_matches("http:").to_owned();
        let replies = [&format!("{origin}/b"), &format!("{there}/c")].map(|to| Reply::redirect(to));
        [&replies[..], &[Reply::data(&[], 4, "boot")]].concat()
    });
    ask(&uri, &filter).unwrap();
    let heads = heads.all();
    assert!(
        heads[1].starts_with("GET /b ") && heads[2].starts_with("GET /c "),
        "{heads:?}"
    );
}

#[test]
fn redirects_to_what_is_refused_are_refused() {
    let other = Server::bind("127.0.0.2:0");
    let beside = other.address();
    let beside_host = format!("http://{beside}/");
    let port = format!("http://127.0.0.1:{}/", beside.port());
    let seen = other.serve(vec![Reply::data(&[], 4, "leak")]);
    for location in [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "gopher://127.0.0.1/_a",
        "http://127.0.0.2/",
        "//127.0.0.2/",
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/latest/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://user:secret@127.0.0.1/",
        "//user:secret@127.0.0.1/",
        "http:127.0.0.1",
        "http:///a",
        "http://127.0.0.1:22/",
        "\\\\127.0.0.2\\a",
        "javascript:alert(1)",
        &beside_host,
        &port,
    ] {
        let (data, error, heads) = download(vec![Reply::redirect(location)], 3);
        let error = error.unwrap_or_else(|| panic!("{location} is followed"));
        assert_eq!(
            error.code(),
            ErrorCode::UriNotAllowed,
            "{location}: {error}"
        );
        assert!(
            error.message().starts_with("in a redirect: "),
            "{location}: {error}"
        );
        assert!(!error.message().contains("secret"), "{error}");
        assert_eq!((data.len(), heads.len()), (0, 1), "{location}");
    }
    assert!(seen.all().is_empty());
}

#[test]
fn redirects_from_https_to_http_are_refused() {
    let filter = UriFilter::new(UriRules::default());
    let from = filter.check("https://1.1.1.1/a").unwrap();
    let error = next_hop(&from, "http://1.1.1.1/a", &filter).unwrap_err();
    assert_eq!(error.message(), "a redirect leads from https to http");
    assert_eq!(next_hop(&from, "/b", &filter).unwrap().scheme(), "https");
    let plain = filter.check("http://1.1.1.1/a").unwrap();
    assert_eq!(
        next_hop(&plain, "https://1.1.1.1/a", &filter)
            .unwrap()
            .port(),
        443
    );
}

#[test]
fn redirects_that_do_not_end_or_lead_nowhere_fail() {
    let (_, error, heads) = download(vec![Reply::redirect("a.img"); 9], 3);
    let error = error.unwrap();
    assert_eq!(error.code(), ErrorCode::SourceFailed);
    assert_eq!(error.message(), "the source redirects more than 5 times");
    assert_eq!(heads.len(), 6);
    let nowhere = Reply::new("301 Moved Permanently", &["Content-Length: 0"], "");
    let (_, error, _) = download(vec![nowhere], 0);
    assert_eq!(error.unwrap().message(), "a redirect leads nowhere");
}

#[test]
fn statuses_without_data_are_errors_that_say_whether_to_ask_again() {
    for (status, code) in [
        ("201 Created", ErrorCode::SourceFailed),
        ("204 No Content", ErrorCode::SourceFailed),
        ("206 Partial Content", ErrorCode::SourceFailed),
        ("300 Multiple Choices", ErrorCode::SourceFailed),
        ("304 Not Modified", ErrorCode::SourceFailed),
        ("401 Unauthorized", ErrorCode::SourceFailed),
        ("404 Not Found", ErrorCode::SourceFailed),
        ("416 Range Not Satisfiable", ErrorCode::SourceFailed),
        ("429 Too Many Requests", ErrorCode::SourceUnavailable),
        ("501 Not Implemented", ErrorCode::SourceFailed),
        ("503 Service Unavailable", ErrorCode::SourceUnavailable),
    ] {
        let reply = Reply::new(status, &["Content-Length: 0"], "");
        let (data, error, _) = download(vec![reply], 0);
        let error = error.unwrap();
        assert_eq!((error.code(), data.len()), (code, 0), "{status}: {error}");
        assert!(error.message().ends_with(&status[..3]), "{error}");
    }
    let busy = Reply::new("503 Service Unavailable", &["Content-Length: 0"], "");
    let (data, error, heads) = download(vec![busy, Reply::data(&[], 4, "boot")], 1);
    assert_eq!(
        (&*data, error.is_none(), heads.len()),
        (&b"boot"[..], true, 2)
    );
}

#[test]
fn answers_that_are_no_http_or_too_large_are_errors() {
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(4 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: a\r\n".repeat(10_000));
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nboot!";
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for reply in [&*huge, &many, "SSH-2.0-OpenSSH_9.2\r\n", "", two, both] {
        let (data, error, _) = download(vec![Reply::raw(reply)], 0);
        let shown = &reply[..reply.len().min(40)];
        let error = error.unwrap_or_else(|| panic!("{shown:?} is taken"));
        let is_known = [ErrorCode::SourceUnavailable, ErrorCode::SourceFailed];
        assert!(is_known.contains(&error.code()), "{shown:?}: {error:?}");
        assert!(data.is_empty(), "{shown:?}");
        assert!(!error.message().contains("a.img"), "{error}");
    }
}

#[test]
fn a_body_shorter_than_declared_fails_and_what_is_behind_a_body_is_no_data() {
    let (data, error, _) = download(vec![Reply::data(&[], 10, "01234")], 3);
    let error = error.unwrap();
    assert_eq!(data, b"01234");
    let message = error.message();
    assert!(
        message.starts_with("the source breaks after 5 bytes of 10: "),
        "{message}"
    );
    let (data, error, _) = download(vec![Reply::data(&[], 5, "0123456789")], 3);
    assert_eq!((&*data, error.is_none()), (&b"01234"[..], true));
    let cut = Reply::new("200 OK", &["Transfer-Encoding: chunked"], "5\r\n01234\r\n");
    let (data, error, _) = download(vec![cut], 0);
    assert!(error.is_some() && data == b"01234");
}

#[test]
fn a_body_that_is_cut_goes_on_under_the_same_tag() {
    let rest = ["Content-Range: bytes 5-9/10", "Content-Length: 5", TAG];
    let replies = vec![
        Reply::data(&[TAG], 10, "01234"),
        Reply::redirect("/elsewhere"),
        Reply::new("206 Partial Content", &rest, "56789"),
    ];
    let (data, error, heads) = download(replies, 1);
    assert_eq!(
        (&*data, error.is_none()),
        (&b"0123456789"[..], true),
        "{error:?}"
    );
    for head in &heads[1..] {
        assert!(head.contains("\r\nrange: bytes=5-\r\n"), "{head}");
        assert!(head.contains("\r\nif-range: \"a\"\r\n"), "{head}");
    }
    assert!(heads[2].starts_with("GET /elsewhere "));
}

#[test]
fn a_body_that_is_cut_is_not_joined_with_other_data() {
    let changed = "the source has changed while it was read";
    let cases: &[(&str, &[&str], &str)] = &[
        ("200 OK", &["Content-Length: 10", "ETag: \"b\""], changed),
        (
            "206 Partial Content",
            &["Content-Range: bytes 5-10/11", TAG],
            changed,
        ),
        (
            "200 OK",
            &["Content-Length: 10", TAG],
            "the source begins at byte 0, not at 5",
        ),
        (
            "206 Partial Content",
            &["Content-Range: bytes 4-9/10", TAG],
            "the source begins at byte 4, not at 5",
        ),
        (
            "206 Partial Content",
            &["Content-Range: bytes 5-7/10", TAG],
            "the source gives another range than asked",
        ),
    ];
    for (status, headers, message) in cases {
        let replies = vec![
            Reply::data(&[TAG], 10, "01234"),
            Reply::new(status, headers, "0123456789"),
        ];
        let (data, error, _) = download(replies, 3);
        assert_eq!(data, b"01234");
        assert_eq!(error.unwrap().message(), *message);
    }
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let hasty = || WebFetcher::builder().idle_timeout(Duration::from_millis(50));
    let silent = vec![Reply::data(&[], 10, "01234").holding()];
    let (data, error, _) = download_by(hasty().build().unwrap(), silent, no_pause(0));
    let message = "the source breaks after 5 bytes of 10: the source is silent for 50ms";
    assert_eq!((&*data, error.unwrap().message()), (&b"01234"[..], message));

    let connect = Duration::from_millis(50);
    let mute = hasty().connect_timeout(connect).build().unwrap();
    let (_, error, _) = download_by(mute, vec![Reply::raw("").holding()], no_pause(0));
    let error = error.unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnavailable);
    assert_eq!(error.message(), "the source is silent for 100ms");
}

#[test]
fn a_download_ends_when_its_time_is_over() {
    let limits = FetchLimits {
        total: Duration::from_secs(1),
        ..no_pause(3)
    };
    let replies = vec![Reply::data(&[TAG], 10, "01234").holding()];
    let (data, error, heads) = download_by(fetcher(), replies, limits);
    let error = error.unwrap();
    assert_eq!((&*data, heads.len()), (&b"01234"[..], 1));
    assert_eq!(error.code(), ErrorCode::SourceFailed, "{error}");
    assert!(error.message().contains("longer"), "{error}");
}

#[test]
fn what_is_compressed_stays_compressed() {
    let (data, error, _) = download(vec![Reply::data(&["Content-Encoding: gzip"], 4, "gzip")], 0);
    assert_eq!((&*data, error.is_none()), (&b"gzip"[..], true));
}

#[test]
fn large_bodies_come_whole_in_pieces_of_any_length() {
    let text = "abcdefghijklmnopqrstuvw".repeat(10_000);
    let (data, error, _) = download(vec![Reply::data(&[], text.len(), &text)], 0);
    assert!(error.is_none() && data == text.as_bytes());
}

#[test]
fn https_needs_tls_and_a_certificate_of_a_root() {
    let (uri, filter, _) = serve(vec![Reply::data(&[], 4, "boot")]);
    let uri = uri.replacen("http:", "https:", 1);
    let hasty = WebFetcher::builder().connect_timeout(Duration::from_millis(50));
    let opening = Opening::new(&uri, &filter, Duration::from_secs(60));
    let error = hasty.build().unwrap().open(&opening).unwrap_err();
    let is_known = [ErrorCode::SourceUnavailable, ErrorCode::SourceFailed];
    assert!(is_known.contains(&error.code()), "{error:?}");
    let no_root = WebFetcher::builder()
        .root_certificate(*b"no certificate")
        .build();
    assert_eq!(no_root.unwrap_err().code(), ErrorCode::InvalidSettings);
}

#[test]
fn calls_may_block_and_end_on_the_thread_of_a_runtime() {
    let (uri, filter, _) = serve(vec![Reply::data(&[], 4, "boot"); 2]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let len = runtime.block_on(async {
        let mut fetched = ask(&uri, &filter).unwrap();
        drop(ask(&uri, &filter).unwrap());
        io::copy(&mut fetched.body, &mut io::sink()).unwrap()
    });
    assert_eq!(len, 4);
}
