//! How a server ends: in order, at once when it is asked twice, and whoever reads its log.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Tool;
use super::server::{Served, signal};

/// Begins a request that has no end, and waits until the server reads it.
fn endless(served: &Served) -> TcpStream {
    let mut stream = TcpStream::connect(served.address()).expect("it listens");
    let head = "POST /v2/images HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 100\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("taken");
    let mut line = [0; 25];
    stream.read_exact(&mut line).expect("an answer");
    assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn a_second_signal_breaks_off_what_the_first_lets_end() {
    let tool = Tool::on_directory();
    let mut served = Served::start(&tool, &["--single-user"]);
    let stream = endless(&served);
    served.signal("TERM");
    // It has seen the signal when it takes no more connections.
    while TcpStream::connect(served.address()).is_ok() {}
    served.signal("TERM");
    assert_eq!(served.wait(), Some(130));
    drop(stream);
    tool.json(&["put", "/dev/null", "--name", "next"]);
}

#[test]
fn limits_of_the_configuration_are_those_of_the_server() {
    let tool = Tool::on_directory();
    tool.file(
        "smalti.toml",
        b"shutdown_grace = 0\nhead_max_bytes = 8192\n",
    );
    let mut served = Served::start(&tool, &["--single-user", "--config", "smalti.toml"]);
    let mut stream = TcpStream::connect(served.address()).expect("it listens");
    // Longer than that, and far shorter than a head may be by default.
    let head = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(16 << 10));
    stream.write_all(head.as_bytes()).expect("taken");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 431");
    let stream = endless(&served);
    let begun = Instant::now();
    served.signal("TERM");
    assert_eq!(served.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(15), "it waited");
    drop(stream);
}

#[test]
fn a_server_that_still_opens_ends_by_the_first_signal() {
    let tool = Tool::on_directory();
    let pipe = tool.path("policy.yaml");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let mut serve = tool.command(&["serve", "--single-user", "--listen", "127.0.0.1:0"]);
    serve.args(["--data", "images", "--set", "policy_file=policy.yaml"]);
    let mut child = serve.spawn().expect("it starts");
    // This returns when the server reads the file, which then has no end.
    let writer = OpenOptions::new().write(true).open(&pipe);
    signal(child.id(), "TERM");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(writer.expect("opened"));
}

#[test]
fn a_server_whose_log_nobody_reads_serves_and_ends() {
    let tool = Tool::on_directory();
    let (mut served, unread) = Served::start_unread(&tool, &["--single-user", "--log", "trace"]);
    let on = Tool::on_directory().at(served.url.as_str());
    for name in ["a", "b"] {
        on.json(&["put", "/dev/null", "--name", name]);
        on.json(&["get", name, &format!("{name}.copy")]);
    }
    served.signal("TERM");
    assert_eq!(served.wait(), Some(0));
    drop(unread);
}

#[test]
fn a_long_request_makes_a_short_line_of_the_log() {
    let tool = Tool::on_directory();
    let (served, mut log) = Served::start_logged(&tool, &["--single-user", "--log", "info"]);
    let long = "x".repeat(30_000);
    let mut stream = TcpStream::connect(served.address()).expect("it listens");
    let request =
        format!("M{long} /v2/{long} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    assert_eq!(served.end(), Some(0));
    let mut lines = String::new();
    log.read_to_string(&mut lines).expect("a log");
    let told = lines.lines().find(|line| line.contains("answered"));
    let told = told.expect("the request is logged");
    assert!(told.contains(&format!("/{}", "x".repeat(200))), "{told}");
    assert!(told.len() < 1000, "{} bytes", told.len());
}

#[test]
fn a_put_that_waits_for_input_is_interrupted() {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--single-user"]);
    for on in [
        Tool::on_directory(),
        Tool::on_directory().at(served.url.as_str()),
    ] {
        let mut put = on.command(&["put", "-", "--name", "half"]);
        let mut child = put.stdin(Stdio::piped()).spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("piped");
        // It has taken more than pipe and reader hold, so it watches for signals.
        stdin.write_all(&[7; 8 << 20]).expect("taken");
        signal(child.id(), "INT");
        let ended = child.wait().expect("it ends");
        assert_eq!(ended.code(), Some(130));
        drop(stdin);
        let list = on.json(&["ls", "--all"]);
        assert_eq!(list["images"].as_array().map(Vec::len), Some(0), "{list}");
    }
    assert_eq!(served.end(), Some(0));
}

#[test]
fn the_address_of_metrics_is_told_where_any_was_asked_for() {
    let tool = Tool::on_directory();
    let args = ["--single-user", "--metrics-listen", "127.0.0.1:0", "--json"];
    let served = Served::start(&tool, &args);
    let metrics = served.ready["metrics"].as_str().expect("a url");
    let address = metrics
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/metrics"))
        .expect("a url of metrics");
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET /metrics HTTP/1.1\r\n\r\n").expect("taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("smalti_images_with_data 0"), "{answer}");
    assert_eq!(served.end(), Some(0));
}
