//! Hooks of the host on staged data: what decompresses, converts or adds properties before stores
//! get it (the plugins of G).

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::importer::Importer;
use super::job::Job;
use super::request::Request;
use crate::error::{Error, ErrorCode, Result};
use crate::image::{ContainerFormat, DiskFormat, Image};
use crate::ingest::{Goal, Upload, UploadOptions};
use crate::read::Reader;

/// Works on the data of each import that does not copy an image, once it is staged, in the order in
/// which the engine was given its hooks.
///
/// A panic is a failure of the import, as is an error. What it writes is bounded by
/// `image_size_cap`, so that nothing that unpacks itself fills the disk; what it says of the image is
/// taken over when it has returned.
pub trait ImportHook: Send + Sync + 'static {
    /// Looks at what is staged, and may put other data in its place.
    ///
    /// # Errors
    /// Any: the import fails with its message, before any store was tried.
    fn run(&self, staged: &mut StagedData<'_>) -> Result<()>;
}

/// What is staged for an image: a reader of its data, and a writer of other data in its place.
pub struct StagedData<'a> {
    importer: &'a Importer,
    job: &'a Job,
    store: String,
    reader: Reader,
    output: Option<Upload>,
    formats: (Option<DiskFormat>, Option<ContainerFormat>),
    properties: BTreeMap<String, String>,
}

impl fmt::Debug for StagedData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedData")
            .field("image", self.reader.image())
            .finish_non_exhaustive()
    }
}

impl StagedData<'_> {
    /// Returns the image as it was when the hook began.
    pub fn image(&self) -> &Image {
        self.reader.image()
    }

    /// Returns the length of the staged data, in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.reader.len_bytes()
    }

    /// Tells whether there is no byte of data.
    pub fn is_empty(&self) -> bool {
        self.len_bytes() == 0
    }

    /// Returns another reader of the staged data, for who reads while it writes.
    pub fn reader(&self) -> Reader {
        self.reader.another()
    }

    /// Sets the disk format that the image gets.
    pub fn set_disk_format(&mut self, format: DiskFormat) {
        self.formats.0 = Some(format);
    }

    /// Sets the container format that the image gets.
    pub fn set_container_format(&mut self, format: ContainerFormat) {
        self.formats.1 = Some(format);
    }

    /// Sets a custom property that the image gets; those of the engine (`os_glance`) are passed
    /// over.
    pub fn set_property(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        if !name.starts_with("os_glance") {
            self.properties.insert(name, value.into());
        }
    }

    fn output(&mut self) -> Result<&mut Upload> {
        let output = match self.output.take() {
            Some(output) => output,
            None => self
                .importer
                .begin_stage(self.job, Some(self.store.clone()), None)?,
        };
        Ok(self.output.insert(output))
    }

    /// Puts what was written, if anything was, in the place of what was staged.
    fn finish(self) -> Result<()> {
        if let Some(output) = self.output {
            output.finish()?;
        }
        let properties = self.properties.iter();
        let properties: Vec<(&str, &str)> = properties
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if self.formats == (None, None) && properties.is_empty() {
            return Ok(());
        }
        self.importer.adopt(self.job, self.formats, &properties)
    }
}

/// Reads the staged data from its beginning.
impl Read for StagedData<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl Seek for StagedData<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

/// Writes the data that takes the place of what is staged; the first byte begins it.
impl Write for StagedData<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let output = self.output().map_err(io::Error::from)?;
        output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Importer {
    /// Begins to stage data of an import that runs.
    pub(super) fn begin_stage(
        &self,
        job: &Job,
        store: Option<String>,
        len_bytes: Option<u64>,
    ) -> Result<Upload> {
        let options = UploadOptions {
            expected_len_bytes: len_bytes,
            store,
            ..UploadOptions::default()
        };
        let goal = Goal::Fetched { task: job.task };
        let flow = self
            .ingest
            .begin(job.image, options, goal, &|_, _| Ok(()))?;
        Ok(Upload::new(flow))
    }

    /// Has the hooks work on what is staged.
    pub(super) fn run_hooks(&self, job: &Job, request: &Request) -> Result<()> {
        if request.is_copy() {
            return Ok(());
        }
        for hook in &self.sources.hooks {
            let source = self.source(job, request)?;
            let number = source.staged.map(|staged| staged.data.store);
            let store = number.and_then(|number| self.base().stores.of_number(number));
            let store = store.ok_or_else(|| {
                let message = "what is staged is in no store of the engine";
                Error::new(ErrorCode::Internal, message)
            })?;
            let mut staged = StagedData {
                importer: self,
                job,
                store: store.name.clone(),
                reader: source.reader,
                output: None,
                formats: (None, None),
                properties: BTreeMap::new(),
            };
            hook.run(&mut staged)?;
            staged.finish()?;
        }
        Ok(())
    }
}
