//! House rules that the compiler does not keep: who may name whom, and what stands in every file.
//!
//! The tables are the rules. A new edge between rooms, or a new door, is a line here that is seen
//! in review.

use std::fs;
use std::path::Path;

use crate::source::{Token, tokens};

/// Rooms that are open to all others; each of them names only those before it.
const WORDS: &[&str] = &["error", "sum", "clock", "limits", "id"];

/// The other rooms, bottom-up, and which of these each may name.
const ROOMS: &[(&str, &[&str])] = &[
    ("range", &[]),
    ("fetch", &[]),
    ("manifest", &[]),
    ("json", &[]),
    ("patch", &["json"]),
    ("image", &["json", "patch"]),
    ("inspect", &["image"]),
    ("query", &["image"]),
    ("policy", &["json", "image"]),
    ("task", &[]),
    ("wire", &["json", "image", "query", "task"]),
    ("lease", &[]),
    ("disk", &[]),
    ("hash", &[]),
    ("signature", &["image", "disk", "hash"]),
    ("store", &["disk"]),
    ("chunk", &["disk", "hash", "store"]),
    (
        "index",
        &["disk", "manifest", "image", "query", "policy", "task"],
    ),
    (
        "base",
        &[
            "lease", "disk", "manifest", "image", "store", "chunk", "index",
        ],
    ),
    ("quota", &["index"]),
    (
        "ingest",
        &[
            "quota",
            "base",
            "lease",
            "manifest",
            "image",
            "inspect",
            "policy",
            "hash",
            "signature",
            "store",
            "chunk",
            "index",
        ],
    ),
    (
        "read",
        &[
            "base", "lease", "manifest", "range", "image", "chunk", "index",
        ],
    ),
    (
        "gc",
        &[
            "base", "lease", "manifest", "store", "chunk", "index", "ingest",
        ],
    ),
    (
        "check",
        &[
            "base", "disk", "lease", "manifest", "image", "store", "chunk", "index", "ingest", "gc",
        ],
    ),
    (
        "import",
        &[
            "fetch", "json", "image", "task", "hash", "index", "base", "quota", "ingest", "read",
        ],
    ),
    (
        "cache",
        &["image", "index", "base", "ingest", "read", "import"],
    ),
    (
        "engine",
        &[
            "cache",
            "fetch",
            "quota",
            "task",
            "import",
            "range",
            "patch",
            "image",
            "inspect",
            "query",
            "policy",
            "wire",
            "lease",
            "disk",
            "hash",
            "signature",
            "store",
            "chunk",
            "index",
            "base",
            "ingest",
            "read",
            "gc",
            "check",
        ],
    ),
    (
        "asyncio",
        &[
            "range", "image", "query", "base", "ingest", "read", "engine",
        ],
    ),
    (
        "http",
        &[
            "json", "patch", "image", "query", "policy", "task", "wire", "range", "import",
            "ingest", "quota", "cache", "engine", "asyncio",
        ],
    ),
    (
        "testing",
        &[
            "manifest", "image", "inspect", "wire", "disk", "hash", "store", "chunk", "index",
            "base", "ingest", "engine",
        ],
    ),
];

/// Where the tool is: a crate of its own, with rooms of its own.
const TOOL: &str = "bin/smalti/";

/// The rooms of the tool, bottom-up, and which of these each may name. Of the library it names what
/// is public.
const TOOL_ROOMS: &[(&str, &[&str])] = &[
    ("fault", &[]),
    ("size", &[]),
    ("table", &[]),
    ("progress", &[]),
    ("words", &[]),
    ("interrupt", &["fault"]),
    ("shell", &["fault", "progress"]),
    ("files", &["fault", "progress", "interrupt", "shell"]),
    ("config", &["fault", "size", "table", "shell"]),
    ("place", &["fault", "table", "interrupt", "files", "config"]),
    ("at", &["fault", "words", "config", "place"]),
    (
        "commands",
        &[
            "fault",
            "size",
            "table",
            "words",
            "interrupt",
            "shell",
            "files",
            "place",
            "at",
        ],
    ),
    (
        "bench",
        &[
            "fault",
            "size",
            "table",
            "interrupt",
            "shell",
            "files",
            "place",
            "at",
        ],
    ),
    (
        "serve",
        &[
            "fault",
            "size",
            "table",
            "words",
            "interrupt",
            "shell",
            "config",
        ],
    ),
    ("args", &["fault", "shell", "commands", "bench", "serve"]),
];

/// Crates, and the rooms or files that may name them; `*` stands for any rest of a path.
const CRATES: &[(&str, &[&str])] = &[
    ("bincode", &["index/codec*"]),
    ("blake2", &["hash"]),
    ("blake3", &["hash"]),
    ("clap", &["bin/smalti"]),
    ("clap_complete", &["bin/smalti/commands/completions"]),
    ("dsa", &["signature/certificate/dss"]),
    ("futures", &["asyncio"]),
    ("axum", &["http"]),
    (
        "futures_core",
        &[
            "asyncio",
            "http",
            "bin/smalti/place/url",
            "store/remote/cache/fetch",
            "store/remote/tests",
        ],
    ),
    ("http_body", &["http"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("metrics", &["http"]),
    ("futures_util", &["asyncio"]),
    ("indicatif", &["bin/smalti/progress"]),
    ("jiff", &["clock"]),
    ("md5", &["hash"]),
    ("memmap2", &["disk/map"]),
    ("metrics_exporter_prometheus", &["bin/smalti/serve/scrape"]),
    ("object_store", &["store/remote"]),
    ("p384", &["signature/certificate/curves"]),
    ("p521", &["signature/certificate/curves"]),
    ("redb", &["index"]),
    ("regex", &["policy"]),
    (
        "reqwest",
        &["bin/smalti/place/url", "fetch/web", "store/remote/connect"],
    ),
    ("rsa", &["signature/certificate/pss"]),
    (
        "rustls",
        &[
            "bin/smalti/place/url",
            "fetch/web/tls",
            "store/remote/connect",
        ],
    ),
    (
        "rustls_platform_verifier",
        &["fetch/web/tls", "store/remote/connect"],
    ),
    (
        "serde_json",
        &["http", "json", "store", "task", "wire", "bin/smalti"],
    ),
    ("sha1", &["hash"]),
    ("sha2", &["hash"]),
    ("sha3", &["hash"]),
    (
        "tokio",
        &[
            "asyncio",
            "fetch/web",
            "http",
            "bin/smalti/interrupt",
            "bin/smalti/place/url",
            "bin/smalti/serve",
            "store/remote",
        ],
    ),
    ("toml", &["bin/smalti/config/file"]),
    ("tracing_subscriber", &["bin/smalti/serve/log"]),
    ("x509_cert", &["signature/certificate"]),
];

/// Modules of `std`, and the rooms or files that may name them.
const STD: &[(&str, &[&str])] = &[
    ("env", &["bin/smalti/args", "bin/smalti/at"]),
    (
        "fs",
        &[
            "disk/map",
            "disk/real",
            "bin/smalti/config",
            "bin/smalti/files",
            "bin/smalti/serve",
        ],
    ),
];

/// Words, and the rooms or files in which they may stand.
const LONE_WORDS: &[(&str, &[&str])] = &[
    ("SystemTime", &["clock"]),
    ("unsafe", &["disk/map", "hash/wide"]),
];

/// Returns what is wrong with a file of `src/`, as `path:line: what`.
fn faults(path: &str, source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let file = File::new(path, &tokens);
    let found = (0..tokens.len()).flat_map(|at| {
        let found = [
            file.room_fault(at),
            file.super_fault(at),
            file.door_fault(at),
        ];
        let line = tokens[at].line;
        found.into_iter().flatten().map(move |what| (line, what))
    });
    let mut faults: Vec<String> = found
        .map(|(line, what)| format!("src/{path}:{line}: {what}"))
        .collect();
    if file.room.is_some_and(|room| file.allowed(room).is_none()) {
        faults.push(format!("src/{path}: its room is not in ROOMS"));
    }
    faults
}

/// Returns the rooms of the library that `room` may name, or nothing if there is no such room.
fn allowed(room: &str) -> Option<Vec<&'static str>> {
    if let Some(at) = WORDS.iter().position(|&word| word == room) {
        return Some(WORDS[..at].to_vec());
    }
    let (_, named) = ROOMS.iter().find(|(name, _)| *name == room)?;
    Some([WORDS, named].concat())
}

/// Returns the rooms of the tool that `room` may name, or nothing if there is no such room.
fn allowed_in_tool(room: &str) -> Option<Vec<&'static str>> {
    let (_, named) = TOOL_ROOMS.iter().find(|(name, _)| *name == room)?;
    Some(named.to_vec())
}

/// Tells whether `path`, a file under `src/`, is one of `doors`.
fn is_behind(doors: &[&str], path: &str) -> bool {
    let module = path.trim_end_matches(".rs");
    doors.iter().any(|door| match door.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => module == *door || path.starts_with(&format!("{door}/")),
    })
}

/// A file of `src/`, by its path there.
struct File<'a> {
    path: &'a str,
    /// Nothing for a front page.
    room: Option<&'a str>,
    is_tool: bool,
    /// How many `super` it takes from here to the root of the crate.
    depth: usize,
    tokens: &'a [Token],
}

impl<'a> File<'a> {
    fn new(path: &'a str, tokens: &'a [Token]) -> Self {
        let (is_tool, module) = match path.strip_prefix(TOOL) {
            Some(rest) => (true, rest),
            None => (false, path),
        };
        let module = module.trim_end_matches(".rs").trim_end_matches("/mod");
        let front = if is_tool { "main" } else { "lib" };
        let inner = tokens.windows(3).filter(|three| {
            let texts = [&three[0].text, &three[2].text];
            texts == ["mod", "{"]
        });
        Self {
            path,
            room: module.split('/').next().filter(|room| *room != front),
            is_tool,
            // A module inside the file may say `super` once more.
            depth: module.split('/').count() + inner.count(),
            tokens,
        }
    }

    fn allowed(&self, room: &str) -> Option<Vec<&'static str>> {
        match self.is_tool {
            true => allowed_in_tool(room),
            false => allowed(room),
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |at| self.text(at))
    }

    /// Tells whether a path begins at `at`.
    fn is_root(&self, at: usize) -> bool {
        self.before(at) != "::" || matches!(self.before(at - 1), "" | "use" | "(" | "{" | ",")
    }

    fn room_fault(&self, at: usize) -> Option<String> {
        if self.text(at) != "crate" || self.text(at + 1) != "::" {
            return None;
        }
        let room = self.room?;
        match self.text(at + 2) {
            "{" => Some("`crate::{` groups rooms, one `use` line for each".to_owned()),
            "*" => Some("`crate::*` names every room".to_owned()),
            other if other == room => None,
            other => match self.allowed(other) {
                None => Some(format!("`crate::{other}` is no room; name things at home")),
                Some(_) if self.allowed(room)?.contains(&other) => None,
                Some(_) => Some(format!("`{room}` may not name `{other}`")),
            },
        }
    }

    fn super_fault(&self, at: usize) -> Option<String> {
        let is_chain = self.before(at) == "::" && self.before(at - 1) == "super";
        let is_visibility = self.before(at) == "(" && self.text(at + 1) == ")";
        if self.text(at) != "super" || is_chain || is_visibility || self.room.is_none() {
            return None;
        }
        let supers = (at..).step_by(2).take_while(|&at| self.text(at) == "super");
        (supers.count() >= self.depth).then(|| "`super` leads out of the room".to_owned())
    }

    fn door_fault(&self, at: usize) -> Option<String> {
        let (word, next) = (self.text(at), self.text(at + 1));
        let closed = |table: &[(&str, &[&str])], word: &str| {
            let row = table.iter().find(|(name, _)| *name == word);
            row.is_some_and(|(_, doors)| !is_behind(doors, self.path))
        };
        let is_crate = next == "::" || matches!(self.before(at), "use" | "crate");
        if is_crate && self.is_root(at) && closed(CRATES, word) {
            return Some(format!("crate `{word}` is named outside its door"));
        }
        let is_inner = word == "testing" && self.before(at) == "::";
        if self.is_tool && is_inner && self.before(at - 1) == "smalti" {
            return Some("`smalti::testing` is no public API".to_owned());
        }
        if closed(LONE_WORDS, word) {
            return Some(format!("`{word}` stands outside its door"));
        }
        if word == "std" && self.is_root(at) {
            let modules = self.modules_of_std(at);
            let module = modules.into_iter().find(|module| closed(STD, module))?;
            return Some(format!("`std::{module}` is named outside its door"));
        }
        None
    }

    /// Returns the modules that `std::x` or `std::{x, y}` at `at` names.
    fn modules_of_std(&self, at: usize) -> Vec<&str> {
        if self.text(at + 2) != "{" {
            return vec![self.text(at + 2)];
        }
        let (mut modules, mut depth) = (Vec::new(), 0);
        for at in at + 2..self.tokens.len() {
            match self.text(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            match (depth, self.text(at)) {
                (0, _) => break,
                (1, "{" | ",") => modules.push(self.text(at + 1)),
                _ => {}
            }
        }
        modules
    }
}

/// Calls `visit` with each file under `dir` that ends in one of `endings`: path and content.
fn walk(dir: &Path, endings: &[&str], visit: &mut dyn FnMut(&Path, Vec<u8>)) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("a directory of the repository")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let is_built = ["target", "corpus", "artifacts", "coverage"].contains(&&*name);
            if !is_built && !name.starts_with('.') {
                walk(&path, endings, visit);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let content = fs::read(&path).expect("a readable file");
            visit(&path, content);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn rooms_and_named_crates_stay_behind_their_doors() {
    let (src, mut found, mut count) = (root().join("src"), Vec::new(), 0);
    walk(&src, &[".rs"], &mut |path, content| {
        let path = path.strip_prefix(&src).expect("under src");
        if path.ends_with("tests.rs") {
            return;
        }
        count += 1;
        let source = String::from_utf8_lossy(&content);
        found.extend(faults(&path.to_string_lossy(), &source));
    });
    assert!(count > 5, "only {count} files in {}", src.display());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_is() {
    let mut found = Vec::new();
    walk(root(), &[".rs"], &mut |path, content| {
        if !content.starts_with(b"//! ") {
            found.push(path.display().to_string());
        }
    });
    assert!(found.is_empty(), "no `//!` at the top: {found:?}");
}

#[test]
fn sources_are_ascii() {
    let mut found = Vec::new();
    walk(root(), &[".rs", ".toml"], &mut |path, content| {
        if let Some(at) = content.iter().position(|byte| !byte.is_ascii()) {
            let line = content[..at].split(|&byte| byte == b'\n').count();
            found.push(format!("{}:{line}", path.display()));
        }
    });
    assert!(found.is_empty(), "not ASCII: {found:?}");
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let mut sources = String::new();
    walk(root(), &[".rs"], &mut |_, content| {
        sources.push_str(&String::from_utf8_lossy(&content));
    });
    let mut missing = Vec::new();
    walk(&root().join("docs"), &[".md"], &mut |path, content| {
        let text = String::from_utf8_lossy(&content);
        // A word in backquotes with three underscores or more is the name of a test.
        let is_name = |word: &&str| {
            let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            word.matches('_').count() >= 3 && word.bytes().all(is_letter)
        };
        for name in text.split('`').filter(is_name) {
            if !sources.contains(&format!("fn {name}(")) {
                missing.push(format!("{}: {name}", path.display()));
            }
        }
    });
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn the_table_of_rooms_is_bottom_up_and_keeps_index_and_chunk_apart() {
    let mut lower = WORDS.to_vec();
    for (room, named) in ROOMS {
        for name in *named {
            assert!(
                lower.contains(name),
                "{room} names {name}, which is not lower"
            );
            assert!(
                !WORDS.contains(name),
                "{room} lists {name}, which is open to all"
            );
        }
        assert!(!lower.contains(room), "{room} stands there twice");
        lower.push(room);
    }
    let mut lower = Vec::new();
    for (room, named) in TOOL_ROOMS {
        assert!(named.iter().all(|name| lower.contains(name)), "{room}");
        assert!(!lower.contains(room), "{room} stands there twice");
        lower.push(room);
    }
    let named = |room| allowed(room).expect("a room");
    assert!(!named("index").contains(&"chunk") && !named("chunk").contains(&"index"));
}

#[track_caller]
fn check(path: &str, source: &str, expected: &[&str]) {
    assert_eq!(faults(path, source), expected, "{source}");
}

#[test]
fn the_checker_sees_rooms_that_may_not_be_named() {
    check(
        "read/mod.rs",
        "use crate::index::Get;\nuse crate::error::Result;",
        &[],
    );
    check(
        "index/kv.rs",
        "//! Unlike crate::chunk::Pack.\n\nfn f(_: crate::chunk::Pack) {}",
        &["src/index/kv.rs:3: `index` may not name `chunk`"],
    );
    check(
        "chunk/pack.rs",
        "use crate::index::Row;",
        &["src/chunk/pack.rs:1: `chunk` may not name `index`"],
    );
    check(
        "id.rs",
        "use crate::limits::KIB; use crate::id::PackId;",
        &[],
    );
    check(
        "limits.rs",
        "use crate::id::PackId;",
        &["src/limits.rs:1: `limits` may not name `id`"],
    );
    check(
        "gc/mod.rs",
        "use crate::{index::Row, chunk};\nuse crate::*;\nuse crate::Error;",
        &[
            "src/gc/mod.rs:1: `crate::{` groups rooms, one `use` line for each",
            "src/gc/mod.rs:2: `crate::*` names every room",
            "src/gc/mod.rs:3: `crate::Error` is no room; name things at home",
        ],
    );
    check(
        "attic/mod.rs",
        "",
        &["src/attic/mod.rs: its room is not in ROOMS"],
    );
    check("lib.rs", "pub use crate::engine::Engine;", &[]);
    let test = "#[cfg(test)]\nmod tests { use crate::chunk::Pack; }";
    check("index/kv.rs", test, &[]);
}

#[test]
fn the_checker_sees_what_the_tool_may_not_name() {
    check("bin/smalti/main.rs", "mod args; use clap::Parser;", &[]);
    check(
        "bin/smalti/place/url/mod.rs",
        "use crate::fault::Fault; use super::Known; use reqwest::Url; use smalti::Engine;",
        &[],
    );
    check(
        "bin/smalti/files/mod.rs",
        "use crate::place::Place;\nuse crate::engine::Engine;\nuse reqwest::Url;\nuse redb::Key;",
        &[
            "src/bin/smalti/files/mod.rs:1: `files` may not name `place`",
            "src/bin/smalti/files/mod.rs:2: `crate::engine` is no room; name things at home",
            "src/bin/smalti/files/mod.rs:3: crate `reqwest` is named outside its door",
            "src/bin/smalti/files/mod.rs:4: crate `redb` is named outside its door",
        ],
    );
    check(
        "bin/smalti/at.rs",
        "use smalti::testing::fill;\nuse super::words;\nuse std::fs;",
        &[
            "src/bin/smalti/at.rs:1: `smalti::testing` is no public API",
            "src/bin/smalti/at.rs:2: `super` leads out of the room",
            "src/bin/smalti/at.rs:3: `std::fs` is named outside its door",
        ],
    );
    check(
        "engine/mod.rs",
        "use clap::Parser;",
        &["src/engine/mod.rs:1: crate `clap` is named outside its door"],
    );
    check(
        "bin/smalti/attic.rs",
        "",
        &["src/bin/smalti/attic.rs: its room is not in ROOMS"],
    );
}

#[test]
fn the_checker_sees_super_that_leads_out_of_the_room() {
    let fault = "src/range.rs:1: `super` leads out of the room";
    check("range.rs", "use super::index::Row;", &[fault]);
    check("range.rs", "pub(super) fn f() {}", &[]);
    check("range.rs", "mod inner { use super::Row; }", &[]);
    check("index/kv/mod.rs", "use super::Row;", &[]);
    let fault = "src/index/kv.rs:1: `super` leads out of the room";
    check("index/kv.rs", "use super::super::chunk::Pack;", &[fault]);
    check("index/kv/log.rs", "use super::super::Row;", &[]);
}

#[test]
fn the_checker_sees_crates_and_words_outside_their_doors() {
    check("index/kv.rs", "use redb::Database;", &[]);
    check(
        "store/mod.rs",
        "use redb::Database;\nuse ::memmap2::Mmap;\nextern crate jiff;\nuse blake3;",
        &[
            "src/store/mod.rs:1: crate `redb` is named outside its door",
            "src/store/mod.rs:2: crate `memmap2` is named outside its door",
            "src/store/mod.rs:3: crate `jiff` is named outside its door",
            "src/store/mod.rs:4: crate `blake3` is named outside its door",
        ],
    );
    check(
        "image/mod.rs",
        "let md5 = sums.md5; let x = image::md5::F;",
        &[],
    );
    check("index/codec.rs", "use bincode::Encode;", &[]);
    check("index/codec/row.rs", "use bincode::Encode;", &[]);
    check(
        "index/record.rs",
        "use bincode::Encode;",
        &["src/index/record.rs:1: crate `bincode` is named outside its door"],
    );
    check("disk/map.rs", "use std::fs::File; unsafe {}", &[]);
    check(
        "disk/memory.rs",
        "#![expect(unsafe_code)]\nunsafe {}\nuse std::{io::{self, Read}, fs::File};",
        &[
            "src/disk/memory.rs:2: `unsafe` stands outside its door",
            "src/disk/memory.rs:3: `std::fs` is named outside its door",
        ],
    );
    check("clock.rs", "let now = std::time::SystemTime::now();", &[]);
    check(
        "engine/mod.rs",
        "let now = SystemTime::now();\nlet home = std::env::var(\"HOME\");",
        &[
            "src/engine/mod.rs:1: `SystemTime` stands outside its door",
            "src/engine/mod.rs:2: `std::env` is named outside its door",
        ],
    );
}
