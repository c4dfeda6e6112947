//! Small images of disks of every format that is recognised, as far as an inspection reads them:
//! where tests, benches and fuzz targets begin, and change something.

use crate::inspect::{Check, Failure, Finding, Format, Inspection};

/// Length of a disk that the images here describe, in bytes.
pub const DISK_LEN_BYTES: u64 = 10 << 20;
/// A descriptor of VMDK that is safe.
pub const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=8a1b3c4d\nparentCID=ffffffff\n\
    createType=\"monolithicSparse\"\n\n# Extent description\nRW 20480 SPARSE \"disk.vmdk\"\n\n\
    # The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\n";

/// Where the metadata of [`vhdx`] begins, in bytes.
pub const VHDX_META_AT: usize = 1 << 20;
/// Where the items of its metadata are, from there, in bytes.
pub const VHDX_ITEMS_AT: usize = 64 << 10;
const VHDX_TABLE_AT: usize = 192 << 10;

/// Makes an inspection as if formats had been found, of which each fails `check` where there is
/// one: also of those that no bytes have at once.
pub fn inspection(len_bytes: u64, formats: &[Format], check: Option<Check>) -> Inspection {
    let found = formats.iter().filter(|&&it| it != Format::Raw);
    let found = found.map(|&format| {
        let finding = Finding::new(format).sized(Some(DISK_LEN_BYTES));
        match check {
            Some(check) => finding.fails(check, Some(Failure::new(check, "made").to_string())),
            None => finding,
        }
    });
    Inspection::new(len_bytes, found.collect(), None)
}

/// Sets bytes of an image.
pub fn set(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Makes a header of qcow2 of a version, in front of 64 KiB.
pub fn qcow2(version: u32) -> Vec<u8> {
    let mut image = vec![0; 64 << 10];
    set(&mut image, 0, b"QFI\xfb");
    set(&mut image, 4, &version.to_be_bytes());
    set(&mut image, 20, &16u32.to_be_bytes());
    set(&mut image, 24, &DISK_LEN_BYTES.to_be_bytes());
    set(&mut image, 100, &104u32.to_be_bytes());
    image
}

/// Makes a dynamic vhd.
pub fn vhd() -> Vec<u8> {
    let mut image = vec![0; 4096];
    set(&mut image, 0, b"conectix");
    set(&mut image, 40, &DISK_LEN_BYTES.to_be_bytes());
    set(&mut image, 60, &3u32.to_be_bytes());
    image
}

/// Makes a vhdx, with the length of the disk and the parameters of the file in its metadata.
pub fn vhdx() -> Vec<u8> {
    let metadata = guid(0x8b7c_a206, 0x4790, 0x4b9a, 0xb8fe_575f_050f_886e);
    let size = guid(0x2fa5_4224, 0xcd1b, 0x4876, 0xb211_5dbe_d83b_f4b8);
    let parameters = guid(0xcaa1_6737, 0xfa36, 0x4d43, 0xb3b6_33f0_aa44_e76b);
    let mut image = vec![0; 2 << 20];
    set(&mut image, 0, b"vhdxfile");
    set(&mut image, VHDX_TABLE_AT, b"regi");
    set(&mut image, VHDX_TABLE_AT + 8, &1u32.to_le_bytes());
    set(&mut image, VHDX_TABLE_AT + 16, &metadata);
    set(
        &mut image,
        VHDX_TABLE_AT + 32,
        &(VHDX_META_AT as u64).to_le_bytes(),
    );
    set(&mut image, VHDX_META_AT, b"metadata");
    set(&mut image, VHDX_META_AT + 10, &2u16.to_le_bytes());
    for (at, (item, offset)) in [(parameters, 0u32), (size, 8)].into_iter().enumerate() {
        let entry = VHDX_META_AT + 32 + at * 32;
        set(&mut image, entry, &item);
        set(&mut image, entry + 16, &((64 << 10) + offset).to_le_bytes());
        set(&mut image, entry + 20, &8u32.to_le_bytes());
    }
    let items = VHDX_META_AT + VHDX_ITEMS_AT;
    set(&mut image, items, &(32u32 << 20).to_le_bytes());
    set(&mut image, items + 8, &DISK_LEN_BYTES.to_le_bytes());
    image
}

fn guid(one: u32, two: u16, three: u16, rest: u64) -> [u8; 16] {
    let mut guid = [0; 16];
    set(&mut guid, 0, &one.to_le_bytes());
    set(&mut guid, 4, &two.to_le_bytes());
    set(&mut guid, 6, &three.to_le_bytes());
    set(&mut guid, 8, &rest.to_be_bytes());
    guid
}

/// Makes a sparse extent of VMDK with a descriptor, padded to 20 sectors or what it needs.
pub fn vmdk(descriptor: &str) -> Vec<u8> {
    let sectors = (descriptor.len() / 512 + 1).max(20);
    let mut image = vec![0; 512 + sectors * 512 + 4096];
    set(&mut image, 0, b"KDMV");
    set(&mut image, 4, &1u32.to_le_bytes());
    set(&mut image, 12, &(DISK_LEN_BYTES / 512).to_le_bytes());
    set(&mut image, 20, &128u64.to_le_bytes());
    set(&mut image, 28, &1u64.to_le_bytes());
    set(&mut image, 36, &(sectors as u64).to_le_bytes());
    set(&mut image, 44, &512u32.to_le_bytes());
    set(&mut image, 512, descriptor.as_bytes());
    image
}

/// Makes a stream optimized VMDK: its footer stands 1,024 bytes before the end.
pub fn vmdk_stream() -> Vec<u8> {
    let mut image = vmdk(&DESCRIPTOR.replace("monolithicSparse", "streamOptimized"));
    set(&mut image, 4, &3u32.to_le_bytes());
    set(&mut image, 56, &u64::MAX.to_le_bytes());
    let footer = {
        let mut footer = image[..512].to_vec();
        set(&mut footer, 56, &21u64.to_le_bytes());
        footer
    };
    let mut marker = [0; 512];
    set(&mut marker, 0, &1u64.to_le_bytes());
    set(&mut marker, 12, &3u32.to_le_bytes());
    image.extend_from_slice(&marker);
    image.extend_from_slice(&footer);
    image.extend_from_slice(&[0; 512]);
    image
}

/// Makes a dynamic vdi.
pub fn vdi() -> Vec<u8> {
    let mut image = vec![0; 4096];
    set(&mut image, 0, b"<<< QEMU VM Virtual Disk Image >>>\n");
    set(&mut image, 0x40, &0xbeda_107f_u32.to_le_bytes());
    set(&mut image, 0x4c, &1u32.to_le_bytes());
    set(&mut image, 0x170, &DISK_LEN_BYTES.to_le_bytes());
    image
}

/// Makes a qed.
pub fn qed() -> Vec<u8> {
    let mut image = vec![0; 4096];
    set(&mut image, 0, b"QED\0");
    image
}

/// Makes a disc with a primary volume descriptor.
pub fn iso() -> Vec<u8> {
    let mut image = vec![0; 40 << 10];
    set(&mut image, 32 << 10, b"\x01CD001\x01");
    let blocks = u32::try_from(DISK_LEN_BYTES / 2048).expect("it is small");
    set(&mut image, (32 << 10) + 80, &blocks.to_le_bytes());
    set(&mut image, (32 << 10) + 128, &2048u16.to_le_bytes());
    image
}

/// Makes a disk with a GPT, or with partitions of the older kind only.
pub fn gpt(is_protective: bool) -> Vec<u8> {
    let mut image = vec![0; 64 << 10];
    set_table(&mut image, is_protective);
    image
}

/// Writes a table of partitions over the first sector of an image.
pub fn set_table(image: &mut [u8], is_protective: bool) {
    let entry = match is_protective {
        true => [0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 127, 0, 0, 0],
        false => [0x80, 0, 2, 0, 0x83, 9, 9, 9, 1, 0, 0, 0, 127, 0, 0, 0],
    };
    set(image, 446, &entry);
    set(image, 510, &[0x55, 0xaa]);
}

/// Makes an encrypted disk of a version: its payload begins at 4 KiB and is 1 MiB long.
pub fn luks(version: u16) -> Vec<u8> {
    let mut image = vec![0; 4096 + (1 << 20)];
    set(&mut image, 0, b"LUKS\xba\xbe");
    set(&mut image, 6, &version.to_be_bytes());
    set(&mut image, 8, b"aes");
    set(&mut image, 104, &8u32.to_be_bytes());
    image
}
