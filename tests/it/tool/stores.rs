//! Stores and imports through the tool: on a directory with a configuration, and on a server that has
//! the same.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::Tool;
use super::server::Served;
use crate::support::{Pattern, bytes};

/// Writes the configuration, and returns what names it.
fn configured(tool: &Tool) -> [&'static str; 2] {
    tool.file(
        "smalti.toml",
        b"allowed_hosts = [\"127.0.0.1\"]\nallowed_ports = []\n\
          [stores.fast]\ntype = \"file\"\ndescription = \"solid disks\"\n\
          [stores.slow]\ntype = \"file\"\npath = \"slow\"\nweight = -5\n",
    );
    ["--config", "smalti.toml"]
}

/// Runs a round on a directory.
fn on_a_directory(round: fn(&Tool, &[&str])) {
    let tool = Tool::on_directory();
    let config = configured(&tool);
    round(&tool, &config);
    let report = tool.json(&[&["verify"][..], &config].concat());
    assert_eq!(report["damage"], json!([]), "{report}");
}

/// Runs a round on a server of one user.
fn on_a_server(round: fn(&Tool, &[&str])) {
    let tool = Tool::on_directory();
    let config = configured(&tool);
    let args = [&["--single-user"][..], &config].concat();
    let served = Served::start(&tool, &args);
    let tool = tool.at(served.url.as_str());
    round(&tool, &[]);
    assert_eq!(served.end(), Some(0), "it ends cleanly");
}

#[test]
fn copies_go_into_stores_of_a_directory_and_out() {
    on_a_directory(copies);
}

#[test]
fn copies_go_into_stores_of_a_server_and_out() {
    on_a_server(copies);
}

#[test]
fn data_is_imported_into_a_directory() {
    on_a_directory(imports);
}

#[test]
fn data_is_imported_into_a_server() {
    on_a_server(imports);
}

fn copies(tool: &Tool, at: &[&str]) {
    let run = |args: &[&str]| tool.json(&[args, at].concat());
    let refused = |args: &[&str], code, message: &str| {
        tool.refused(&[args, at].concat(), code, message);
    };
    tool.file("disk", &bytes(Pattern::Mixed(1), 300_000));
    let put = run(&["put", "disk", "--store", "slow"]);
    assert_eq!(put["stores"], "slow", "{put}");
    let stores = run(&["stores"]);
    let fast = json!({ "id": "fast", "description": "solid disks", "default": "true" });
    assert_eq!(stores["stores"], json!([fast, { "id": "slow" }]));
    let details = run(&["stores", "--details"]);
    assert_eq!(details["stores"][1]["weight"], -5);
    let text = tool.text(&[&["stores"][..], at].concat());
    assert!(text.contains("fast   default  solid disks"), "{text}");
    refused(&["put", "disk", "--store", "none"], 2, "none");
    refused(&["rm", "disk", "--store", "slow"], 4, "");
    refused(&["import", "disk", "--copy", "--store", "slow"], 2, "slow");
    let copied = run(&["import", "disk", "--copy", "--all-stores"]);
    assert_eq!(copied["stores"], "slow,fast");
    let again = run(&["import", "disk", "--copy", "--all-stores"]);
    assert_eq!(again["stores"], "slow,fast", "there is nothing to do");
    let removed = run(&["rm", "disk", "--store", "slow"]);
    assert_eq!(removed["deleted"], json!([put["id"]]));
    assert_eq!(run(&["show", "disk"])["stores"], "fast");
    assert_eq!(run(&["get", "disk", "copy"])["verified"], "sha512");
    refused(&["rm", "disk", "--store", "none"], 2, "none");
    let listed = run(&["ls"]);
    assert_eq!(listed["images"][0]["stores"], "fast");
}

fn imports(tool: &Tool, at: &[&str]) {
    let data = bytes(Pattern::Mixed(2), 400_000);
    let run = |args: &[&str]| tool.json(&[args, at].concat());
    tool.file("disk.raw", &data);
    let staged = run(&[
        "import", "--file", "disk.raw", "--store", "slow", "--store", "fast",
    ]);
    assert_eq!(
        (&staged["status"], &staged["stores"]),
        (&json!("active"), &json!("slow,fast"))
    );
    assert_eq!(staged["name"], "disk.raw");
    let web = served(data.clone());
    let url = format!("http://{web}/images/web.img?x=1");
    let fetched = run(&["import", "--url", &url, "--name", "web"]);
    assert_eq!(
        (&fetched["status"], &fetched["size"]),
        (&json!("active"), &json!(data.len()))
    );
    assert_eq!(run(&["get", "web", "copy"])["verified"], "sha512");
    assert!(std::fs::read(tool.path("copy")).expect("there") == data);
    let gone = format!("http://{web}/none");
    let ran = [&["import", "--url", &gone, "--name", "gone"][..], at].concat();
    tool.refused(&ran, 1, "has failed");
    let private = ["import", "--url", "http://10.0.0.1/a", "--name", "private"];
    tool.refused(&[&private[..], at].concat(), 2, "");
    let names = run(&["ls", "--all"]);
    let names = names["images"].as_array().expect("a list").iter();
    let mut names: Vec<&Value> = names.map(|image| &image["name"]).collect();
    names.sort_by_key(|name| name.to_string());
    assert_eq!(names, ["disk.raw", "web"], "what failed is removed again");
    let twice = ["import", "web", "--url", &url];
    tool.refused(&[&twice[..], at].concat(), 5, "");
}

/// Serves data at every path but one, until the process ends; returns its address.
fn served(data: Vec<u8>) -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("read") > 0 {
                head.push(byte[0]);
            }
            let is_none = head.starts_with(b"GET /none ");
            let (status, body) = match is_none {
                true => ("404 Not Found", &b""[..]),
                false => ("200 OK", &data[..]),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // A client that has gone misses nothing.
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.write_all(body);
        }
    });
    address
}

#[test]
fn stores_are_named_where_there_are_some() {
    let tool = Tool::on_directory();
    tool.file("disk", b"x");
    tool.json(&["put", "disk"]);
    tool.refused(&["stores"], 3, "--config FILE");
    tool.refused(&["put", "disk", "--store", "fast"], 3, "--config FILE");
    tool.refused(&["rm", "disk", "--store", "fast"], 3, "--config FILE");
    let at = [
        "ls",
        "--at",
        "http://127.0.0.1:1",
        "--config",
        "smalti.toml",
    ];
    tool.refused(&at, 2, "--config is for directories");
    tool.refused(&["import", "--copy"], 2, "<IMAGE>");
}
