//! The tool on a directory whose images are in a bucket.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::bytes;
use crate::weed::Weed;

fn smalti(dir: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_smalti");
    let mut command = Command::new(program);
    command.args(args).args(["--at", "images", "--json"]);
    command.args(["--config", "smalti.toml"]).current_dir(dir);
    command.output().expect("it runs")
}

#[test]
fn the_tool_stores_and_reads_images_in_a_bucket_that_a_table_names() {
    let Some(weed) = Weed::start() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let port = weed.port();
    let config = format!(
        "[stores.far]\ntype = \"s3\"\npath = \"near\"\nbucket = \"chunks\"\nprefix = \"p\"\n\
         endpoint = \"http://127.0.0.1:{port}\"\nallow_http = true\naccess_key = \"testkey\"\n\
         secret_key_file = \"secret\"\ncache_size = \"64MiB\"\ndefault = true\n"
    );
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).expect("written");
    };
    file("smalti.toml", config.as_bytes());
    file("secret", b"testsecret\n");
    let data = bytes(5, 9 << 20);
    file("disk", &data);
    let run = |args: &[&str]| {
        let ran = smalti(dir.path(), args);
        assert!(
            ran.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8(ran.stdout).expect("text")
    };
    run(&["put", "disk"]);
    assert!(weed.packs().iter().all(|pack| pack.starts_with("p/packs/")));
    assert!(!weed.packs().is_empty());
    assert!(run(&["stores", "--details"]).contains("\"s3\""));
    run(&["get", "disk", "copy"]);
    assert!(std::fs::read(dir.path().join("copy")).expect("there") == data);
    run(&["verify"]);
    run(&["rm", "disk"]);
    run(&["gc"]);
    assert_eq!(weed.packs(), Vec::<String>::new());
    file("secret", b"wrong");
    file("other", &bytes(6, 100_000));
    let refused = smalti(dir.path(), &["put", "other"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && !told.contains("wrong"),
        "{told}"
    );
}
