//! Images made from sound ones: numbers at their places, cuts, splices, lines.

use smalti::testing::disks::{self, DESCRIPTOR, set};

use super::Numbers;

/// Where fields begin that are read, or ought not to be.
const PLACES: &[usize] = &[
    0, 4, 6, 8, 12, 16, 20, 24, 28, 36, 40, 44, 48, 56, 60, 63, 64, 72, 76, 79, 100, 104, 368, 424,
    446, 450, 454, 462, 466, 478, 494, 510, 511, 512,
];
/// Places of tables of vhdx and of descriptors of discs.
const FAR: &[usize] = &[
    32_768, 32_769, 32_848, 32_896, 196_608, 196_616, 196_624, 196_640, 196_656, 262_144, 262_154,
    262_176, 262_192, 262_196, 262_208, 262_224, 262_228, 262_272, 262_276, 262_280,
];
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    20,
    21,
    64,
    255,
    512,
    2047,
    2048,
    65_535,
    65_536,
    196_608,
    262_144,
    262_272,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    1 << 62,
    i64::MAX as u64,
    u64::MAX - 1,
    u64::MAX,
];
const MAGIC: &[(usize, &[u8])] = &[
    (0, b"QFI\xfb"),
    (0, b"conectix"),
    (0, b"vhdxfile"),
    (0, b"KDMV"),
    (0, b"QED\0"),
    (0, b"LUKS\xba\xbe"),
    (0, b"PK\x03\x04"),
    (64, b"\x7f\x10\xda\xbe"),
    (510, b"\x55\xaa"),
    (32_769, b"CD001"),
    (32_769, b"NSR02"),
    (196_608, b"regi"),
    (262_144, b"metadata"),
];
const LINES: &[&str] = &[
    "RW 8 FLAT \"/etc/passwd\" 0",
    "rdonly 8 sparse \"a.vmdk\"",
    "NOACCESS 8 ZERO",
    "createType=\"monolithicFlat\"",
    "CREATETYPE=\"streamOptimized\"",
    "createType=",
    "parentFileNameHint=\"x\"",
    "ddb.x = \"y\"",
    "a b = c",
    "#",
    "\0",
    "\r",
    "version=3",
];

/// The kinds of sound images, short ones.
pub(super) const KINDS: usize = 13;

/// Makes an image of a kind.
pub(super) fn sound(kind: usize) -> Vec<u8> {
    match kind % KINDS {
        0 => disks::qcow2(3)[..4096].to_vec(),
        1 => disks::qcow2(2)[..4096].to_vec(),
        2 => disks::vhd(),
        3 => vhdx(),
        4 => disks::vmdk(DESCRIPTOR),
        5 => disks::vmdk_stream(),
        6 => DESCRIPTOR.into(),
        7 => disks::vdi(),
        8 => disks::qed(),
        9 => disks::iso(),
        10 => disks::gpt(true)[..4096].to_vec(),
        11 => disks::luks(1)[..6000].to_vec(),
        _ => vec![0; 600],
    }
}

/// Makes a vhdx with its metadata right behind the table of regions.
fn vhdx() -> Vec<u8> {
    const META_AT: usize = 256 << 10;
    let long = disks::vhdx();
    let mut image = long[..META_AT].to_vec();
    set(&mut image, 196_640, &(META_AT as u64).to_le_bytes());
    let table = disks::VHDX_META_AT;
    image.extend_from_slice(&long[table..table + 128]);
    let items = table + disks::VHDX_ITEMS_AT;
    image.extend_from_slice(&long[items..items + 16]);
    for (entry, offset) in [(32, 128u32), (64, 136)] {
        set(&mut image, META_AT + entry + 16, &offset.to_le_bytes());
    }
    image
}

/// Makes an image from a seed.
pub(super) fn generate(numbers: &mut Numbers) -> Vec<u8> {
    // Long kinds are seldom, so that there is time for many of the others.
    let kind = match numbers.below(KINDS) {
        3 | 9 if numbers.below(4) > 0 => numbers.below(3),
        kind => kind,
    };
    let mut image = match (kind, numbers.below(2)) {
        (4, 0) => disks::vmdk(&descriptor(numbers)),
        (6, 0) => descriptor(numbers).into_bytes(),
        _ => sound(kind),
    };
    for _ in 0..numbers.below(5) {
        change(&mut image, numbers);
    }
    image
}

fn descriptor(numbers: &mut Numbers) -> String {
    let mut lines: Vec<&str> = DESCRIPTOR.lines().collect();
    for _ in 0..numbers.below(4) {
        let at = numbers.below(lines.len());
        match numbers.below(3) {
            0 => drop(lines.remove(at)),
            _ => lines.insert(at, numbers.pick::<&str>(LINES)),
        }
    }
    lines.join("\n")
}

fn change(image: &mut Vec<u8>, numbers: &mut Numbers) {
    match numbers.below(10) {
        0 if !image.is_empty() => image.truncate(numbers.below(image.len())),
        1 => {
            let len = image.len() + numbers.below(3000);
            image.resize(len, 0);
        }
        2 => {
            let (at, magic) = *numbers.pick(MAGIC);
            put(image, at, magic);
        }
        3 => {
            let other = sound(numbers.below(3));
            let end = numbers.below(other.len().min(image.len()) + 1);
            image[..end].copy_from_slice(&other[..end]);
        }
        4 => {
            let at = numbers.below(image.len() + 1);
            put(image, at, &numbers.next().to_le_bytes()[..1]);
        }
        _ => {
            let places = if image.len() > 32_768 { FAR } else { PLACES };
            let (at, number) = (*numbers.pick(places), *numbers.pick(NUMBERS));
            let count = *numbers.pick(&[1, 2, 4, 8]);
            match numbers.below(2) {
                0 => put(image, at, &number.to_le_bytes()[..count]),
                _ => put(image, at, &number.to_be_bytes()[8 - count..]),
            }
        }
    }
}

/// Sets bytes as far as there is an image.
fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    let room = image.get_mut(at..).unwrap_or_default();
    let count = room.len().min(bytes.len());
    room[..count].copy_from_slice(&bytes[..count]);
}
