//! The tool on a server: the same round trips as on a directory, through `smalti serve`.

use std::process::{Command, Stdio};

use super::server::Served;
use super::{Tool, arg, round};
use crate::support::{Pattern, bytes};

/// Runs a round trip on a server of one user.
fn on_a_server(round: fn(&Tool)) {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--single-user"]);
    let tool = tool.at(served.url.as_str());
    round(&tool);
    assert_eq!(served.end(), Some(0), "it ends cleanly");
    let tool = {
        let dir = tool.path("images");
        let dir = arg(&dir).to_owned();
        tool.at(dir)
    };
    let report = tool.json(&["verify"]);
    assert_eq!(
        report["damage"].as_array().map(Vec::len),
        Some(0),
        "{report}"
    );
}

macro_rules! on_a_server {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            on_a_server(round::$name);
        }
    )*};
}

on_a_server! {
    what_is_put_comes_back
    streams_go_in_and_out
    ranges_are_cut_out
    an_empty_file_is_an_image
    lists_are_filtered_sorted_and_paged
    records_are_changed
    images_are_deactivated_and_reactivated
    names_that_several_have_are_refused_with_their_ids
    a_queued_image_is_filled
    errors_are_documents_with_json
    an_administrator_finds_what_the_community_and_nobody_lists
}

#[test]
fn a_proxy_says_who_callers_are() {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--behind-proxy"]);
    let tool = tool.at(served.url.as_str());
    tool.file("disk", b"shared");
    tool.refused(&["ls"], 4, "--project and --role");
    let run = |args: &[&str], who: &str| tool.json(&[args, &["--project", who]].concat());
    let id = run(&["put", "disk"], "a")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(run(&["show", "disk"], "a")["owner"], "a");
    tool.refused(&["show", &id, "--project", "b"], 3, &id);
    run(&["share", "disk", "b"], "a");
    assert_eq!(run(&["share", &id, "--accept"], "b")["status"], "accepted");
    assert_eq!(
        run(&["share", "disk"], "a")["members"][0]["status"],
        "accepted"
    );
    run(&["unshare", "disk", "b"], "a");
    tool.refused(
        &["set", &id, "k=v", "--project", "a", "--role", "reader"],
        4,
        "request req-",
    );
    assert_eq!(served.end(), Some(0));
}

#[test]
fn the_directory_of_a_server_is_locked_and_the_error_says_what_to_do() {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--single-user"]);
    for args in [&["ls"][..], &["gc"]] {
        tool.refused(args, 7, "use --at http://");
    }
    let second = [
        "serve",
        "--single-user",
        "--listen",
        "127.0.0.1:0",
        "--data",
        "images",
    ];
    tool.refused(&second, 7, "another engine has this directory open");
    let address = served.url.trim_start_matches("http://").to_owned();
    let same = [
        "serve",
        "--single-user",
        "--listen",
        &address,
        "--data",
        "other",
    ];
    tool.refused(&same, 7, "name another address");
    assert!(!tool.path("other").exists());
    assert_eq!(served.end(), Some(0));
    // Nothing is left to be recovered, so a reader may open it.
    assert_eq!(tool.json(&["stats"])["image_count"], 0);
}

#[test]
fn the_configuration_reaches_the_engine_and_the_front_end() {
    let tool = Tool::on_directory();
    tool.file(
        "smalti.toml",
        b"hashing_algorithm = \"sha256\"\nimage_tag_quota = 1\nlimit_param_default = 2\n\
          policy_file = \"policy.yaml\"\n[stores.local]\ntype = \"file\"\n",
    );
    tool.file("policy.yaml", b"deactivate: \"!\"\n");
    let config = [
        "--single-user",
        "--config",
        "smalti.toml",
        "--set",
        "image_size_cap=1KiB",
    ];
    let served = Served::start(&tool, &config);
    let tool = tool.at(served.url.as_str());
    tool.file("a", b"x");
    tool.file("large", &[1; 2000]);
    assert_eq!(tool.json(&["put", "a"])["os_hash_algo"], "sha256");
    assert_eq!(tool.json(&["get", "a", "copy"])["verified"], "sha256");
    tool.refused(&["put", "large"], 6, "2000");
    assert_eq!(
        tool.json(&["ls", "--all"])["images"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    tool.refused(&["set", "a", "--tag", "b", "--tag", "c"], 6, "limit 1");
    tool.refused(&["deactivate", "a"], 4, "");
    for name in ["b", "c"] {
        tool.json(&["put", "a", "--name", name]);
    }
    assert_eq!(
        tool.json(&["ls"])["images"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(served.end(), Some(0));
}

#[test]
fn an_upload_that_is_broken_off_leaves_no_image() {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--single-user"]);
    let tool = tool.at(served.url.as_str());
    let mut put = tool.command(&["put", "-", "--name", "half", "--protected"]);
    let mut child = put
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    let piece = bytes(Pattern::Random(4), 8 << 20);
    std::io::Write::write_all(&mut stdin, &piece).expect("taken");
    // It has taken more than it holds, so the upload runs.
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &id]).status();
    assert!(sent.expect("kill runs").success());
    // The one that waits for input looks when some comes.
    let _ = std::io::Write::write_all(&mut stdin, &piece);
    drop(stdin);
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130));
    let list = tool.json(&["ls", "--all"]);
    assert_eq!(list["images"].as_array().map(Vec::len), Some(0), "{list}");
    assert_eq!(served.end(), Some(0));
}

#[test]
fn errors_say_what_to_do() {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--single-user"]);
    tool.file("a", b"12345");
    let tool = tool.at(served.url.as_str());
    tool.json(&["put", "a"]);
    let behind = ["get", "a", "part", "--range", "5-"];
    tool.refused(&behind, 2, "   do: `smalti show IMAGE`");
    let elsewhere = format!("{}/v3x", served.url);
    let refused = "300 Multiple Choices: the Images API v2 is not at this url (status 300";
    tool.refused(&["ls", "--at", &elsewhere], 2, refused);
    tool.refused(
        &["ls", "--at", &elsewhere],
        2,
        "   do: --at is http://HOST:PORT",
    );
    assert_eq!(served.end(), Some(0));
    let dir = tool.path("images");
    let tool = tool.at(arg(&dir));
    tool.refused(&behind, 2, "   do: `smalti show IMAGE`");
    assert_eq!(tool.files(), ["a"], "no half file");
}

#[test]
fn a_bench_of_a_server_measures_and_leaves_no_image() {
    let tool = Tool::on_directory();
    let served = Served::start(&tool, &["--single-user"]);
    let tool = tool.at(served.url.as_str());
    let args = [
        "bench",
        "--size",
        "1MiB",
        "--seconds",
        "1",
        "--connections",
        "2",
    ];
    let measured = tool.json(&args);
    for result in measured["results"].as_array().expect("results") {
        assert!(result["calls"].as_u64() > Some(0), "{result}");
    }
    assert_eq!(
        tool.json(&["ls"])["images"].as_array().map(Vec::len),
        Some(0)
    );
    assert_eq!(served.end(), Some(0));
}

#[test]
fn metrics_are_answered_on_their_own_address() {
    use std::io::{Read, Write};
    let tool = Tool::on_directory();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("bound").to_string();
    drop(free);
    let served = Served::start(&tool, &["--single-user", "--metrics-listen", &address]);
    let tool = tool.at(served.url.as_str());
    tool.json(&["ls"]);
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").expect("taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let answer = ask("/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("# TYPE"), "{answer}");
    let counted =
        "smalti_http_requests_total{method=\"GET\",route=\"/v2/images\",status=\"200\"} 1";
    assert!(answer.contains(counted), "{answer}");
    assert!(answer.contains("smalti_images_with_data 0"), "{answer}");
    assert!(answer.contains("smalti_healthy 1"), "{answer}");
    let help = "# HELP smalti_images_with_data Images that hold data";
    assert!(answer.contains(help), "{answer}");
    assert!(ask("/").starts_with("HTTP/1.1 404"));
    assert_eq!(served.end(), Some(0));
}
