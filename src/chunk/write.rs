//! The appending end of a pack: chunks in, segments out.

use std::io::IoSlice;

use super::segment::{
    EDGE_LEN_BYTES, Entry, Footer, Header, SEGMENT_MAX_ENTRIES, decode_header, encode_descriptor,
    encode_footer, encode_header,
};
use crate::error::{Error, Result};
use crate::id::{ChunkId, ChunkKind, PackId};
use crate::store::{PackSink, PackState, Store};

/// A segment is ended when its data has this length, in bytes: long enough that its descriptor
/// costs a thousandth, short enough that its entries stay small in memory.
const SEGMENT_LEN_BYTES: u64 = 16 << 20;

/// A chunk on its way into a pack.
#[derive(Debug)]
pub(crate) struct NewChunk<'a> {
    pub(crate) kind: ChunkKind,
    pub(crate) id: ChunkId,
    /// Its bytes, in order.
    pub(crate) parts: Vec<&'a [u8]>,
}

/// Appends chunks to one pack.
#[derive(Debug)]
pub(crate) struct PackWriter {
    store: u16,
    header: Header,
    sink: Box<dyn PackSink>,
    domain: u32,
    /// Where the running segment starts.
    start: u64,
    entries: Vec<Entry>,
    data_len: u64,
    /// Bytes of all chunks up to the running segment.
    chunk_bytes: u64,
    /// An append failed: part of it may be there.
    torn: bool,
    /// A sync failed: what it covered may be lost, whatever a later one says.
    lost: bool,
}

/// A place in a pack up to which everything is whole segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// Length of the pack up to here, in bytes.
    pub(crate) end: u64,
    /// Bytes of the chunks up to here.
    pub(crate) chunk_bytes: u64,
}

impl PackWriter {
    /// Makes a pack. `salt` is random and keys the sums of its segments.
    pub(crate) fn create(
        store: u16,
        place: &dyn Store,
        pack: PackId,
        salt: [u8; 32],
    ) -> Result<Self> {
        let header = Header { pack, salt };
        let mut sink = place.create(pack)?;
        sink.append(&[IoSlice::new(&encode_header(&header))])?;
        Ok(Self::on(store, header, sink, 0))
    }

    /// Opens an unsealed pack again behind the segments that the index knows.
    pub(crate) fn resume(store: u16, place: &dyn Store, pack: PackId, mark: Mark) -> Result<Self> {
        let head = place
            .open(pack, PackState::Open)?
            .read(0..EDGE_LEN_BYTES as u64)?;
        let header = decode_header(&head)?;
        if header.pack != pack {
            return Err(Error::corrupt(format!(
                "pack {pack} says that it is {}",
                header.pack
            )));
        }
        Ok(Self::on(
            store,
            header,
            place.resume(pack, mark.end)?,
            mark.chunk_bytes,
        ))
    }

    fn on(store: u16, header: Header, sink: Box<dyn PackSink>, chunk_bytes: u64) -> Self {
        let start = sink.len_bytes();
        Self {
            store,
            header,
            sink,
            domain: 0,
            start,
            entries: Vec::new(),
            data_len: 0,
            chunk_bytes,
            torn: false,
            lost: false,
        }
    }

    /// Returns the number of the store.
    pub(crate) fn store(&self) -> u16 {
        self.store
    }

    /// Returns the number of the pack.
    pub(crate) fn pack(&self) -> PackId {
        self.header.pack
    }

    /// Returns the place behind the last whole segment.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            end: self.start,
            chunk_bytes: self.chunk_bytes,
        }
    }

    /// Returns the length with the running segment, in bytes.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.start + self.data_len
    }

    /// Sets the domain of what comes next.
    pub(crate) fn set_domain(&mut self, domain: u32) -> Result<()> {
        if domain != self.domain {
            self.end_segment()?;
            self.domain = domain;
        }
        Ok(())
    }

    /// Appends chunks back to back and returns where the first one lies.
    pub(crate) fn append(&mut self, chunks: &[NewChunk<'_>]) -> Result<u64> {
        if self.entries.len() + chunks.len() > SEGMENT_MAX_ENTRIES
            || self.data_len >= SEGMENT_LEN_BYTES
        {
            self.end_segment()?;
        }
        let first = self.len_bytes();
        let parts = chunks.iter().flat_map(|chunk| chunk.parts.iter());
        let parts: Vec<IoSlice<'_>> = parts.map(|part| IoSlice::new(part)).collect();
        self.put(&parts)?;
        for chunk in chunks {
            let len: usize = chunk.parts.iter().map(|part| part.len()).sum();
            let len_bytes = u32::try_from(len).expect("a chunk has at most 256 KiB");
            self.entries.push(Entry {
                kind: chunk.kind,
                id: chunk.id,
                len_bytes,
            });
            self.data_len += u64::from(len_bytes);
        }
        Ok(first)
    }

    /// Writes the descriptor of the running segment; the next one starts on a block border.
    pub(crate) fn end_segment(&mut self) -> Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let bytes = encode_descriptor(&self.header, self.start, self.domain, &self.entries);
        self.put(&[IoSlice::new(&bytes)])?;
        self.start += self.data_len + bytes.len() as u64;
        self.chunk_bytes += self.data_len;
        self.data_len = 0;
        self.entries.clear();
        Ok(())
    }

    /// Ends the segment and makes everything durable.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.end_segment()?;
        let synced = self.sink.sync();
        self.lost |= synced.is_err();
        synced
    }

    /// Ends the segment, writes the footer and makes the pack durable and final. Returns its length.
    pub(crate) fn seal(&mut self) -> Result<u64> {
        self.end_segment()?;
        let footer = Footer {
            pack: self.header.pack,
            end: self.start,
        };
        self.put(&[IoSlice::new(&encode_footer(&footer))])?;
        let sealed = self.sink.seal();
        self.lost |= sealed.is_err();
        sealed?;
        Ok(self.sink.len_bytes())
    }

    /// Cuts off everything behind a mark, which nothing names, and goes on from there.
    pub(crate) fn cut_back(&mut self, mark: Mark) -> Result<()> {
        self.sink.cut_back(mark.end)?;
        (self.start, self.chunk_bytes) = (mark.end, mark.chunk_bytes);
        self.data_len = 0;
        self.entries.clear();
        self.torn = false;
        Ok(())
    }

    /// Tells whether the pack holds nothing behind a mark and may be appended to.
    pub(crate) fn ends_at(&self, mark: Mark) -> bool {
        self.len_bytes() == mark.end && !self.torn
    }

    /// Tells whether a sync failed, after which the pack is not written again until it is resumed.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    fn put(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        let put = self.sink.append(parts);
        self.torn |= put.is_err();
        put
    }
}
