//! A server of SeaweedFS that speaks S3, on ports of this machine, with a folder that goes with it.
//!
//! It is installed by pip into a virtual environment below the directory of the build.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use smalti::store::remote::S3Settings;
use tempfile::TempDir;

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const KEY: &str = "testkey";
const SECRET: &str = "testsecret";
const BUCKET: &str = "chunks";
/// What the server must be installed from: a version and the hash of its file.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// What pip says when it gets no answer from the index.
const UNREACHED: [&str; 3] = [
    "connection broken by",
    "Could not fetch URL",
    "ConnectionError",
];

/// A server that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Weed {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Weed {
    /// Starts a server with an empty bucket; nothing where it cannot be installed, which is told,
    /// and is a failure where `CI` is set.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let program = match MADE.get_or_init(install) {
            Ok(program) => program,
            Err(why) => {
                let is_ci = std::env::var_os("CI").is_some();
                assert!(
                    !is_ci,
                    "CI is set, and SeaweedFS cannot be installed: {why}"
                );
                let _ = writeln!(
                    io::stdout(),
                    "SKIPPED, SeaweedFS cannot be installed: {why}"
                );
                return None;
            }
        };
        let dir = tempfile::tempdir_in(SCRATCH).expect("a directory");
        let [port, master, volume, filer] = ports();
        let config = dir.path().join("s3.json");
        let identity = format!(
            r#"{{"identities":[{{"name":"t","credentials":[{{"accessKey":"{KEY}","secretKey":"{SECRET}"}}],"actions":["Admin","Read","Write","List"]}}]}}"#
        );
        fs::write(&config, identity).expect("a file that can be written");
        let log = File::create(dir.path().join("log")).expect("a file that can be made");
        let child = Command::new(program)
            .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
            .arg(format!("-dir={}", dir.path().display()))
            .args(["-master.telemetry=false", "-master.volumeSizeLimitMB=64"])
            .args(["-volume.max=200", "-filer", "-s3"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .arg(format!("-s3.config={}", config.display()))
            .arg(format!("-s3.port={port}"))
            .arg(format!("-master.port={master}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-filer.port={filer}"))
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server that was just installed");
        let weed = Self {
            child,
            port,
            _dir: dir,
        };
        weed.make_bucket();
        Some(weed)
    }

    /// Returns the port that speaks S3.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns how the bucket is reached, over a port that may be that of a proxy.
    pub(crate) fn settings(port: u16) -> S3Settings {
        S3Settings::new(BUCKET)
            .endpoint(format!("http://127.0.0.1:{port}"))
            .credentials(KEY, SECRET)
            .allow_http()
    }

    /// Returns what stands between two words in the answer to a request for the bucket, each time.
    pub(crate) fn listed(&self, query: &str, from: &str, to: &str) -> Vec<String> {
        let answer = self.curl(&["-X", "GET"], &format!("/{BUCKET}?{query}"));
        assert!(answer.status.success(), "{answer:?}");
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let parts = text.split(from).skip(1);
        parts
            .filter_map(|part| part.split_once(to).map(|(found, _)| found.to_owned()))
            .collect()
    }

    /// Returns the names of the packs that are there.
    pub(crate) fn packs(&self) -> Vec<String> {
        let mut names = self.listed("list-type=2&max-keys=1000", "<Key>", "</Key>");
        names.retain(|name| name.ends_with(".pack"));
        names
    }

    /// Returns the ids of uploads in parts that have begun and did not end.
    pub(crate) fn uploads(&self) -> Vec<String> {
        self.listed("uploads=", "<UploadId>", "</UploadId>")
    }

    /// Begins an upload in parts that nobody goes on with.
    pub(crate) fn begin_upload(&self, name: &str) {
        let begun = self.curl(&["-X", "POST"], &format!("/{BUCKET}/{name}?uploads="));
        assert!(begun.status.success(), "{begun:?}");
    }

    fn make_bucket(&self) {
        let begun = Instant::now();
        loop {
            let made = self.curl(&["-X", "PUT"], &format!("/{BUCKET}"));
            if made.status.success() {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{made:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn curl(&self, args: &[&str], path: &str) -> Output {
        Command::new("curl")
            .args(["-fsS", "--aws-sigv4", "aws:amz:us-east-1:s3"])
            .args(["-u", &format!("{KEY}:{SECRET}")])
            .args(args)
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .output()
            .expect("curl")
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns four ports that are free, and with each the one 10,000 above it, which the server takes
/// as well.
fn ports() -> [u16; 4] {
    let is_free = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_err();
    let mut found = Vec::new();
    while found.len() < 4 {
        let any = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = any.local_addr().expect("it is bound").port();
        // Below those that the system gives to anybody.
        let port = 12_000 + port % 9_000;
        if is_free(port) && is_free(port + 10_000) && !found.contains(&port) {
            found.push(port);
        }
    }
    [found[0], found[1], found[2], found[3]]
}

/// Makes the environment, unless it is there; returns the program.
fn install() -> Result<PathBuf, String> {
    let dir = Path::new(SCRATCH).join("seaweedfs-4.48");
    let (bin, stamp) = (dir.join("bin"), dir.join("complete"));
    let program = bin.join("weed");
    if stamp.exists() {
        return Ok(program);
    }
    let _ = fs::remove_dir_all(&dir);
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&dir)
        .output();
    let made = made.map_err(|error| format!("python3 does not start: {error}"))?;
    if !made.status.success() {
        return Err(format!("python3 -m venv failed: {}", text(&made)));
    }
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3/requirements.txt");
    let installed = Command::new(bin.join("python"))
        .args(["-m", "pip", "install", "--disable-pip-version-check"])
        .args([
            "--no-input",
            "--retries",
            "2",
            "--require-hashes",
            "--no-deps",
        ])
        .arg("--requirement")
        .arg(requirements)
        .output()
        .expect("the python that was just made");
    if !installed.status.success() {
        let said = text(&installed);
        let is_unreached = UNREACHED.iter().any(|words| said.contains(words));
        assert!(is_unreached, "pip install failed:\n{said}");
        return Err("pip reaches no index".to_owned());
    }
    fs::write(&stamp, REQUIREMENTS).expect("a file that can be written");
    Ok(program)
}

fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}
