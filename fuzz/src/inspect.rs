//! Images of disks: any bytes, or a sound image with changes, and how the stream is cut.

use arbitrary::Arbitrary;
use smalti::testing::disks::{self, DESCRIPTOR, set};

use crate::bytes::{Change, put_magic};

/// What passes by, and in which pieces.
#[derive(Arbitrary, Debug)]
pub struct Input {
    image: Image,
    changes: Vec<Change>,
    /// Signatures that are written over it.
    magic: Vec<u8>,
    /// Lengths of pieces, again and again; a piece of 0 is skipped as zeros if it is that.
    pub pieces: Vec<u16>,
}

/// Where an image begins from.
#[derive(Arbitrary, Debug)]
enum Image {
    Raw(Vec<u8>),
    Sound(u8),
    Text(Vec<Line>),
    Extent(Vec<Line>),
    /// Any metadata of vhdx: places of regions and items, and a table.
    Vhdx(u64, u32, u32, Vec<u8>),
}

/// A line of a descriptor.
#[derive(Arbitrary, Debug)]
enum Line {
    Known(u8),
    Any(Vec<u8>),
}

const LINES: &[&str] = &[
    "version=1",
    "createType=\"monolithicSparse\"",
    "createType=\"streamOptimized\"",
    "CREATETYPE=\"monolithicFlat\"",
    "createType='vmfs\"",
    "parentCID=ffffffff",
    "parentFileNameHint=\"x\"",
    "RW 8 SPARSE \"a.vmdk\"",
    "RW 8 FLAT \"/etc/passwd\" 0",
    "rdonly 8 zero",
    "ddb.a = \"b\"",
    "# x",
    "",
];

impl Input {
    /// Returns the bytes of the image.
    pub fn image(&self) -> Vec<u8> {
        let mut bytes = match &self.image {
            Image::Raw(bytes) => bytes.clone(),
            Image::Sound(kind) => sound(*kind),
            Image::Text(lines) => text(lines),
            Image::Extent(lines) => extent(&text(lines)),
            Image::Vhdx(at, size_at, parameters_at, table) => {
                vhdx(*at, *size_at, *parameters_at, table)
            }
        };
        let changes = self.changes.iter().take(16);
        changes.for_each(|change| change.apply(&mut bytes));
        for which in self.magic.iter().take(4) {
            put_magic(&mut bytes, *which);
        }
        bytes
    }
}

fn text(lines: &[Line]) -> Vec<u8> {
    let lines = lines.iter().map(|line| match line {
        Line::Known(which) => LINES[usize::from(*which) % LINES.len()].as_bytes(),
        Line::Any(bytes) => bytes,
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

fn extent(descriptor: &[u8]) -> Vec<u8> {
    let mut image = disks::vmdk(&" ".repeat(descriptor.len()));
    set(&mut image, 512, descriptor);
    image
}

fn sound(kind: u8) -> Vec<u8> {
    match kind % 10 {
        0 => disks::qcow2(3)[..1024].to_vec(),
        1 => disks::vhd()[..1024].to_vec(),
        2 => vhdx(256 << 10, 128, 136, &[]),
        3 => disks::vmdk(DESCRIPTOR),
        4 => disks::vmdk_stream(),
        5 => disks::vdi()[..1024].to_vec(),
        6 => disks::qed()[..1024].to_vec(),
        7 => disks::iso(),
        8 => disks::gpt(true)[..1024].to_vec(),
        _ => disks::luks(1)[..1024].to_vec(),
    }
}

/// Makes a vhdx whose metadata stands behind the table of regions, wherever it is said to be.
fn vhdx(at: u64, size_at: u32, parameters_at: u32, table: &[u8]) -> Vec<u8> {
    const META_AT: usize = 256 << 10;
    let long = disks::vhdx();
    let mut image = long[..META_AT].to_vec();
    set(&mut image, (192 << 10) + 32, &at.to_le_bytes());
    let meta = disks::VHDX_META_AT;
    image.extend_from_slice(&long[meta..meta + 128]);
    let items = meta + disks::VHDX_ITEMS_AT;
    image.extend_from_slice(&long[items..items + 16]);
    set(&mut image, META_AT + 32 + 16, &parameters_at.to_le_bytes());
    set(&mut image, META_AT + 64 + 16, &size_at.to_le_bytes());
    let table = &table[..table.len().min(144)];
    if !table.is_empty() {
        set(&mut image, META_AT, table);
    }
    image
}
