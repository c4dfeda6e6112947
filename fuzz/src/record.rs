//! Records: any bytes, or the bytes of a record of each kind with changes.

use arbitrary::Arbitrary;

use crate::bytes::{Change, put_bytes, put_number};

/// Names with texts.
type Pairs = Vec<(String, String)>;

/// What is taken as a record.
#[derive(Arbitrary, Debug)]
pub enum Input {
    /// Any bytes.
    Raw(Vec<u8>),
    /// A record.
    Record {
        /// What it is.
        record: Record,
        /// What is changed then.
        changes: Vec<Change>,
    },
}

/// The kinds of records, as their bytes are laid out.
#[derive(Arbitrary, Debug)]
pub enum Record {
    /// An image.
    Image(Box<Image>),
    /// What is left of a deleted one: when, and whose it was.
    Tombstone(i32, Option<String>),
    /// Anything that consists of numbers: kind and numbers.
    Numbers(u8, Vec<u64>),
    /// An upload: its image, and when it began.
    Session([u8; 16], i32),
    /// References: their key, and how many.
    Release([u8; 32], u64),
}

/// An image.
#[derive(Arbitrary, Debug)]
pub struct Image {
    id: [u8; 16],
    id_case: u32,
    revision: u64,
    name: Option<String>,
    words: [u8; 4],
    owner: Option<String>,
    formats: [Option<u8>; 2],
    mins: [u32; 2],
    stamps: [i32; 2],
    sizes: [Option<u64>; 2],
    checksum: Option<[u8; 16]>,
    algorithm: Option<String>,
    hash: Option<Vec<u8>>,
    tags: Vec<String>,
    properties: Pairs,
    locations: Vec<(String, Pairs)>,
    data: Option<(u16, u32, [u8; 32], u64, u64)>,
}

impl Input {
    /// Returns the bytes of the record.
    pub fn record(&self) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.clone(),
            Self::Record { record, changes } => {
                let mut bytes = Vec::new();
                record.put(&mut bytes);
                changes.iter().for_each(|change| change.apply(&mut bytes));
                bytes
            }
        }
    }
}

impl Record {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Image(image) => {
                out.extend([1, 1]);
                image.put(out);
            }
            Self::Tombstone(at, owner) => {
                out.extend([2, 1]);
                put_stamp(out, *at);
                put_text(out, owner.as_deref());
            }
            Self::Numbers(kind, numbers) => {
                out.extend([16 + kind % 4, 1]);
                numbers.iter().for_each(|number| put_number(out, *number));
            }
            Self::Session(image, at) => {
                out.extend([18, 1]);
                out.extend(image);
                put_stamp(out, *at);
            }
            Self::Release(key, count) => {
                out.extend([19, 1, 0, 0, 0, 0, 0, 0, 1]);
                out.extend(key);
                put_number(out, *count);
            }
        }
    }
}

impl Image {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.id);
        put_number(out, self.id_case.into());
        put_number(out, self.revision);
        put_text(out, self.name.as_deref());
        let [status, visibility, protected, hidden] = self.words;
        out.extend([
            1 + status % 9,
            1 + visibility % 4,
            protected & 1,
            hidden & 1,
        ]);
        put_text(out, self.owner.as_deref());
        for (format, count) in self.formats.iter().zip([11, 8]) {
            put_some(out, *format, |out, format| out.push(1 + format % count));
        }
        self.mins
            .iter()
            .for_each(|min| put_number(out, (*min).into()));
        self.stamps.iter().for_each(|stamp| put_stamp(out, *stamp));
        for size in self.sizes {
            put_some(out, size, put_number);
        }
        put_some(out, self.checksum, |out, sum| put_bytes(out, &sum));
        put_text(out, self.algorithm.as_deref());
        put_some(out, self.hash.as_deref(), put_bytes);
        let mut tags = self.tags.clone();
        tags.sort();
        put_number(out, tags.len() as u64);
        tags.iter().for_each(|tag| put_bytes(out, tag.as_bytes()));
        put_pairs(out, &self.properties);
        put_number(out, self.locations.len() as u64);
        for (url, metadata) in &self.locations {
            put_bytes(out, url.as_bytes());
            put_pairs(out, metadata);
        }
        put_some(out, self.data, |out, (store, domain, root, len, zero)| {
            put_number(out, store.into());
            put_number(out, domain.into());
            out.extend(root);
            put_number(out, len);
            put_number(out, zero);
        });
    }
}

fn put_some<T>(out: &mut Vec<u8>, value: Option<T>, put: impl Fn(&mut Vec<u8>, T)) {
    out.push(value.is_some().into());
    if let Some(value) = value {
        put(out, value);
    }
}

fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    put_some(out, text.map(str::as_bytes), put_bytes);
}

/// Appends a signed number, folded as records store it.
fn put_stamp(out: &mut Vec<u8>, stamp: i32) {
    let stamp = i64::from(stamp) << 16;
    put_number(out, ((stamp << 1) ^ (stamp >> 63)) as u64);
}

fn put_pairs(out: &mut Vec<u8>, pairs: &Pairs) {
    let mut pairs = pairs.clone();
    pairs.sort();
    put_number(out, pairs.len() as u64);
    for (name, text) in pairs {
        put_bytes(out, name.as_bytes());
        put_bytes(out, text.as_bytes());
    }
}
