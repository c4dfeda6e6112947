//! Open files of a simulated disk.

use std::io::{self, IoSlice};

use bytes::{Bytes, BytesMut};

use super::SimDisk;
use crate::disk::{Access, DiskFile, Map, SyncSite};

#[derive(Debug)]
pub(super) struct SimFile {
    disk: SimDisk,
    file: usize,
    access: Access,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, file: usize, access: Access) -> Self {
        Self { disk, file, access }
    }

    fn write(&self, bytes: Bytes, offset: u64) -> io::Result<()> {
        let offset = place(offset)?;
        let mut state = self.disk.state();
        let fault = state.faults.admit();
        if self.access != Access::Write {
            let file = state.label(self.file);
            return state.violation(format!("write through a handle for reading to {file}"));
        }
        let reach = fault.map_or(bytes.len(), |fault| fault.reach(bytes.len()));
        state.write(self.file, offset, bytes, reach)?;
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }
}

fn place(value: u64) -> io::Result<usize> {
    usize::try_from(value).map_err(io::Error::other)
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let len = |state: &mut super::State| Ok(state.medium.files[self.file].len() as u64);
        self.disk.call(len)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let offset = place(offset)?;
        let mut state = self.disk.state();
        let fault = state.faults.admit();
        let reach = fault.map_or(buf.len(), |fault| fault.reach(buf.len()));
        if !state.medium.files[self.file].read(offset, &mut buf[..reach]) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write(Bytes::copy_from_slice(buf), offset)
    }

    fn write_parts_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        for part in parts {
            bytes.extend_from_slice(part);
        }
        self.write(bytes.freeze(), offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = place(len)?;
        self.disk.call(|state| {
            if self.access != Access::Write {
                let file = state.label(self.file);
                return state.violation(format!("set_len through a handle for reading to {file}"));
            }
            state.set_len(self.file, len)
        })
    }

    fn sync(&self, site: SyncSite) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.faults.admit();
        state.sync(self.file, site, fault.as_ref())
    }

    fn map(&self, len: u64) -> io::Result<Map> {
        let len = place(len)?;
        self.disk
            .call(|state| state.map(self.file, len))
            .map(Map::of_bytes)
    }
}
