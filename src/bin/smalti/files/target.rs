//! Where the data of a download goes: a file that appears whole or not at all, or a stream.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use smalti::Bytes;

use super::names::{self, Replace, exists};
use crate::fault::{Exit, Fault, Outcome};
use crate::files::{Digester, Sink};
use crate::interrupt;
use crate::progress::Bar;
use crate::shell::Shell;

/// Zeros are looked for, and written, in blocks of this length.
const BLOCK_BYTES: usize = 4096;
const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Takes data; progress, interruption and digest are looked after.
pub(crate) struct Target {
    out: Out,
    shell: Shell,
    bar: Bar,
    digester: Option<Digester>,
    len_bytes: u64,
}

enum Out {
    /// A new file beside its final name. Zeros are left out of it.
    File {
        file: File,
        temporary: PathBuf,
        path: PathBuf,
        replace: Replace,
    },
    /// Anything else that takes bytes in order.
    Stream(Box<dyn Write>),
    /// Nothing: bytes are counted alone.
    Nowhere,
}

impl Target {
    /// Opens a file, or standard output for `-`.
    ///
    /// # Errors
    /// If there is such a file already, unless it is to be replaced; if it cannot be made; if bytes
    /// would go to a terminal.
    pub(crate) fn open(path: &Path, replace: Replace, shell: Shell) -> Outcome<Self> {
        let fault = |error: io::Error| Fault::io(format_args!("open {}", path.display()), &error);
        if path == Path::new("-") {
            if io::stdout().is_terminal() {
                return Err(Fault::usage("a terminal shows no disk images")
                    .with_hint("name a file, or send standard output somewhere"));
            }
            return Ok(Self::new(Out::Stream(Box::new(io::stdout())), shell));
        }
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => {
                Err(Fault::usage(format!("{} is a directory", path.display())))
            }
            Ok(data) if !data.is_file() => {
                let file = OpenOptions::new().write(true).open(path).map_err(fault)?;
                Ok(Self::new(Out::Stream(Box::new(file)), shell))
            }
            Ok(_) if replace == Replace::Never => Err(exists(path)),
            _ => Self::beside(path, replace, shell),
        }
    }

    /// Makes a target that only counts.
    pub(crate) fn nowhere(shell: Shell) -> Self {
        Self::new(Out::Nowhere, shell)
    }

    fn beside(path: &Path, replace: Replace, shell: Shell) -> Outcome<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.smalti-{}", std::process::id()));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary);
        let file =
            file.map_err(|error| Fault::io(format_args!("make {}", temporary.display()), &error))?;
        let path = path.to_owned();
        Ok(Self::new(
            Out::File {
                file,
                temporary,
                path,
                replace,
            },
            shell,
        ))
    }

    fn new(out: Out, shell: Shell) -> Self {
        Self {
            out,
            shell,
            bar: Bar::hidden(),
            digester: None,
            len_bytes: 0,
        }
    }

    /// Computes a digest beside the way.
    pub(crate) fn with_digester(mut self, digester: Option<Digester>) -> Self {
        self.digester = digester;
        self
    }

    /// Returns how many bytes were taken.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Tests the digest of what was taken, if one was computed.
    ///
    /// # Errors
    /// If it is not the expected one.
    pub(crate) fn prove(&mut self, expected: &str) -> Outcome {
        let Some(digester) = self.digester.take() else {
            return Ok(());
        };
        let algorithm = digester.algorithm();
        let found = digester.finish().unwrap_or_default();
        if found == expected {
            return Ok(());
        }
        let message = format!("the data has the {algorithm} {found}, its record {expected}");
        Err(Fault::new(Exit::Damaged, "HashConflict", message)
            .with_hint("try again; if it stays so, run `smalti verify` where the data is"))
    }

    /// Ends it: what was taken is durable, and a file has its name.
    ///
    /// # Errors
    /// If that fails, or if a file that is not to be replaced has come meanwhile.
    pub(crate) fn finish(mut self) -> Outcome {
        let fault = |error: io::Error| Fault::io("end the file", &error);
        match &mut self.out {
            Out::File {
                file,
                temporary,
                path,
                replace,
            } => {
                file.set_len(self.len_bytes)
                    .and_then(|()| file.sync_all())
                    .map_err(fault)?;
                names::give(temporary, path, *replace)?;
            }
            Out::Stream(stream) => stream.flush().map_err(fault)?,
            Out::Nowhere => {}
        }
        self.out = Out::Nowhere;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.out {
            Out::File { file, .. } => put_sparse(file, bytes),
            Out::Stream(stream) => stream.write_all(bytes),
            Out::Nowhere => Ok(()),
        }
    }

    fn put_zeros(&mut self, len_bytes: u64) -> io::Result<()> {
        match &mut self.out {
            Out::File { file, .. } => leave_out(file, len_bytes),
            Out::Stream(stream) => {
                let mut left = len_bytes;
                while left > 0 {
                    let step = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_BYTES);
                    stream.write_all(&ZEROS[..step])?;
                    left -= step as u64;
                }
                Ok(())
            }
            Out::Nowhere => Ok(()),
        }
    }

    fn took(&mut self, count: u64, done: io::Result<()>) -> Outcome {
        done.map_err(|error| Fault::io("write the data", &error))?;
        self.len_bytes += count;
        self.bar.add(count);
        interrupt::check()
    }
}

impl Sink for Target {
    fn begin(&mut self, len_bytes: u64) -> Outcome {
        self.bar = self.shell.bar("download", Some(len_bytes));
        Ok(())
    }

    fn bytes(&mut self, bytes: Bytes) -> Outcome {
        let done = self.put(&bytes);
        let count = bytes.len() as u64;
        if let Some(digester) = &self.digester {
            digester.update(bytes);
        }
        self.took(count, done)
    }

    fn zeros(&mut self, len_bytes: u64) -> Outcome {
        let done = self.put_zeros(len_bytes);
        if let Some(digester) = &self.digester {
            digester.zeros(len_bytes);
        }
        self.took(len_bytes, done)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Out::File { temporary, .. } = &self.out {
            // It is half a file at most; if it stays, its name says whose it was.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Writes bytes, and leaves whole blocks of zeros out.
fn put_sparse(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let is_zero = |block: &[u8]| block == &ZEROS[..block.len()];
    let blocks: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES).collect();
    let mut at = 0;
    for run in blocks.chunk_by(|a, b| is_zero(a) == is_zero(b)) {
        let len: usize = run.iter().map(|block| block.len()).sum();
        match is_zero(run[0]) {
            true => leave_out(file, len as u64)?,
            false => file.write_all(&bytes[at..at + len])?,
        }
        at += len;
    }
    Ok(())
}

fn leave_out(file: &mut File, len_bytes: u64) -> io::Result<()> {
    let by = i64::try_from(len_bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
    file.seek(SeekFrom::Current(by)).map(drop)
}
