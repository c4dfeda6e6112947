//! Golden bytes, round trips and hostile bytes of the records.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::error::ErrorCode;
use crate::id::ChunkId;
use crate::image::{Limits, NewImage, hash_name};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every field set to something that tells it from its neighbours.
fn full() -> Image {
    Image::from_parts(ImageParts {
        id: "B2173DD3-7ad6-4362-BAA6-A68BCE3565CB".parse().unwrap(),
        revision: 3,
        name: Some("debian".to_owned()),
        status: Status::Active,
        visibility: Visibility::Private,
        protected: true,
        os_hidden: false,
        owner: ProjectId::new("p1").ok(),
        disk_format: Some(DiskFormat::Qcow2),
        container_format: Some(ContainerFormat::Bare),
        min_disk: 10,
        min_ram: 512,
        created_at: Timestamp::from_micros(1_000_000),
        updated_at: Timestamp::from_micros(-1),
        size: Some(1 << 40),
        virtual_size: Some(0),
        checksum: Digest::from_bytes(&[0xaa; 16]).ok(),
        os_hash_algo: Some(hash_name("sha512")),
        os_hash_value: Digest::from_bytes(&[0xbb; 4]).ok(),
        tags: ["a", "b"].into_iter().collect(),
        properties: [("k", "v"), ("l", "")].into_iter().collect(),
        locations: vec![Location::named("u", "fast").with_data(Some(DataRef {
            store: 1,
            domain: 300,
            root: ChunkId([0xcc; 32]),
            len_bytes: 1 << 40,
            zero_bytes: 5,
            cutter: 1,
        }))],
    })
    .unwrap()
}

fn empty() -> Image {
    let id = ImageId::from_bytes([0x11; 16]);
    let now = Timestamp::from_micros(0);
    NewImage::default()
        .into_image(id, None, &Limits::default(), now)
        .unwrap()
}

#[track_caller]
fn check_golden(image: &Image, golden: &str) {
    let bytes = encode_image(image).unwrap();
    assert_eq!(hex(&bytes), golden);
    let read = decode_image(&bytes).unwrap();
    assert_eq!(read.id().to_string(), image.id().to_string());
    assert_eq!(&read, image);
}

#[test]
fn images_keep_the_bytes_of_version_1() {
    check_golden(&empty(), GOLDEN_EMPTY);
    check_golden(&full(), GOLDEN_FULL);
}

#[test]
fn tombstones_keep_the_bytes_of_version_1() {
    let deleted_at = Timestamp::from_micros(1);
    for (owner, golden) in [
        (None, "02010200"),
        (ProjectId::new("p1").ok(), "02010201027031"),
    ] {
        let tombstone = Tombstone { deleted_at, owner };
        let bytes = tombstone.encode().unwrap();
        assert_eq!(hex(&bytes), golden);
        assert_eq!(Tombstone::decode(&bytes).unwrap(), tombstone);
    }
}

#[test]
fn every_word_has_a_number_of_its_own() {
    #[track_caller]
    fn check<T: Copy + PartialEq + std::fmt::Debug>(table: &[(u8, T)], all: &[T]) {
        assert_eq!(table.len(), all.len());
        for (index, &value) in all.iter().enumerate() {
            assert_eq!(table[index], (u8::try_from(index + 1).unwrap(), value));
        }
    }
    check(STATUSES, Status::ALL);
    check(VISIBILITIES, Visibility::ALL);
    check(DISK_FORMATS, DiskFormat::ALL);
    check(CONTAINER_FORMATS, ContainerFormat::ALL);
}

/// Encodes a row that was spoilt and checks what reading it says.
#[track_caller]
fn check_spoilt(spoil: impl FnOnce(&mut ImageRow<'_>), text: &str) {
    let image = full();
    let mut row = row(image.parts());
    spoil(&mut row);
    let bytes = codec::encode(&Unchecked(&row)).unwrap();
    let error = decode_image(&bytes).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

/// A row that is written without being tested.
#[derive(Encode)]
struct Unchecked<'a>(&'a ImageRow<'a>);

impl Record for Unchecked<'_> {
    const KIND: u8 = kind::IMAGE;
    const VERSION: u8 = 1;
    const NAME: &'static str = "image";
}

#[test]
fn values_that_no_image_has_are_corrupt() {
    check_spoilt(|row| row.status = 0, "status 0 found, 1 to 9 expected");
    check_spoilt(
        |row| row.visibility = 5,
        "visibility 5 found, 1 to 4 expected",
    );
    check_spoilt(|row| row.disk_format = Some(12), "disk format 12 found");
    check_spoilt(
        |row| row.container_format = Some(255),
        "container format 255 found",
    );
    check_spoilt(|row| row.tags = vec!["b", "a"], "tags out of order");
    check_spoilt(|row| row.tags = vec!["a", "a"], "tags out of order");
    check_spoilt(|row| row.tags = vec![""], "tag is empty");
    check_spoilt(|row| row.properties.reverse(), "properties out of order");
    check_spoilt(
        |row| row.locations[0].metadata.push(("a", "")),
        "metadata out of order",
    );
    check_spoilt(|row| row.id_case = u32::MAX, "case bits");
    check_spoilt(|row| row.updated_at = i64::MAX, "years 0 to 9999");
    check_spoilt(|row| row.owner = Some(""), "project id is 0 characters");
    check_spoilt(|row| row.checksum = Some(&[]), "digest is 0 bytes");
    check_spoilt(
        |row| row.os_hash_value = Some(&[0; 65]),
        "digest is 65 bytes",
    );
    check_spoilt(|row| row.min_ram = u32::MAX, "min_ram is 4294967295");
    check_spoilt(|row| row.size = Some(u64::MAX), "size is");
}

#[test]
fn a_newer_version_is_told_from_rot() {
    let mut bytes = encode_image(&full()).unwrap();
    bytes[1] = 2;
    assert_eq!(
        decode_image(&bytes).unwrap_err().code(),
        ErrorCode::NewerFormat
    );
    assert_eq!(
        Tombstone::decode(&bytes).unwrap_err().code(),
        ErrorCode::Corrupt
    );
}

#[test]
fn an_image_of_the_largest_default_size_is_stored() {
    let value = "v".repeat(65_535);
    let new = (0..128).fold(NewImage::default(), |new, i| {
        new.property(format!("{i:0255}"), value.as_str())
    });
    let id = ImageId::from_bytes([1; 16]);
    let image = new
        .into_image(id, None, &Limits::default(), Timestamp::MIN)
        .unwrap();
    let bytes = encode_image(&image).unwrap();
    assert!(bytes.len() > 8 << 20);
    assert_eq!(decode_image(&bytes).unwrap(), image);
}

/// Reads any bytes as a record, and as an image also by way of its row: both take the same.
#[track_caller]
fn compare(bytes: &[u8]) {
    decode_and_compare(bytes);
    let (ours, derived) = (decode_image(bytes), reference::decode(bytes));
    let codes = [ours.as_ref().err(), derived.as_ref().err()].map(|error| error.is_some());
    assert_eq!(
        codes[0], codes[1],
        "{ours:?} against {derived:?}: {bytes:?}"
    );
    assert_eq!(ours.ok(), derived.ok(), "{bytes:?}");
}

#[test]
fn every_prefix_and_every_flipped_bit_is_read_without_panic() {
    let bytes = encode_image(&full()).unwrap();
    for len in 0..bytes.len() {
        assert!(
            decode_image(&bytes[..len]).is_err(),
            "prefix of {len} bytes"
        );
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        compare(&flipped);
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(decode_image(&longer).is_err());
}

fn text(max: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..max).prop_map(|chars| chars.into_iter().collect())
}

fn stamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn id() -> impl Strategy<Value = ImageId> {
    (any::<[u8; 16]>(), any::<u32>()).prop_map(|(bytes, case)| ImageId::from_parts(bytes, case))
}

fn any_digest() -> impl Strategy<Value = Digest> {
    vec(any::<u8>(), 1..=64).prop_map(|bytes| Digest::from_bytes(&bytes).unwrap())
}

fn any_data() -> impl Strategy<Value = DataRef> {
    let len = 0..1u64 << 62;
    (any::<u16>(), any::<u32>(), any::<[u8; 32]>(), len).prop_map(|(store, domain, root, len)| {
        let root = ChunkId(root);
        DataRef {
            store,
            domain,
            root,
            len_bytes: len,
            zero_bytes: len / 3,
            cutter: (len % 3) as u8,
        }
    })
}

fn any_locations() -> impl Strategy<Value = Vec<Location>> {
    let location = (text(40), btree_map(text(6), text(6), 0..4), of(any_data()));
    let location = location.prop_map(|(url, metadata, data)| {
        Location::new(url, metadata.into_iter().collect()).with_data(data)
    });
    vec(location, 0..4)
}

prop_compose! {
    fn any_image()(
        (id, revision, name) in (id(), any::<u64>(), of(text(20))),
        (status, visibility) in (select(Status::ALL), select(Visibility::ALL)),
        (protected, os_hidden) in any::<(bool, bool)>(),
        owner in of(text(20)),
        disk_format in of(select(DiskFormat::ALL)),
        container_format in of(select(ContainerFormat::ALL)),
        (min_disk, min_ram) in (0..1u32 << 31, 0..1u32 << 31),
        (created_at, updated_at) in (stamp(), stamp()),
        (size, virtual_size) in (of(0..1u64 << 62), of(0..1u64 << 62)),
        (checksum, os_hash_value) in (of(any_digest()), of(any_digest())),
        os_hash_algo in of(prop_oneof![text(10), Just("sha512".to_owned())]),
        tags in btree_set(text(10), 0..5),
        properties in btree_map(text(10), text(80), 0..8),
        locations in any_locations(),
    ) -> Image {
        let named = |text: &String| !text.is_empty();
        Image::from_parts(ImageParts {
            id, revision, name, status, visibility, protected, os_hidden,
            owner: owner.and_then(|owner| ProjectId::new(owner).ok()),
            disk_format, container_format, min_disk, min_ram, created_at, updated_at,
            size, virtual_size, checksum, os_hash_value,
            os_hash_algo: os_hash_algo.as_deref().map(hash_name),
            tags: tags.into_iter().filter(named).collect(),
            properties: properties.into_iter().filter(|(name, _)| named(name)).collect(),
            locations,
        }).unwrap()
    }
}

proptest! {
    #[test]
    fn any_image_comes_back_as_it_was(image in any_image()) {
        let bytes = encode_image(&image).unwrap();
        let read = decode_image(&bytes).unwrap();
        prop_assert_eq!(read.id().to_string(), image.id().to_string());
        prop_assert_eq!(&read, &image);
        prop_assert!(decode_and_compare(&bytes));
    }

    #[test]
    fn mutated_records_are_read_without_panic(
        image in any_image(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode_image(&image).unwrap();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        compare(&bytes);
        compare(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in vec(any::<u8>(), 0..200),
        kind in 0u8..4,
    ) {
        compare(&bytes);
        compare(&[&[kind, 1], &bytes[..]].concat());
    }
}

// Both were put together by a second encoder, from the description of the format alone.
const GOLDEN_EMPTY: &str = concat!(
    "010111111111111111111111111111111111000100010300000000000000000000000000000000",
    "00",
);
const GOLDEN_FULL: &str = concat!(
    "0101b2173dd37ad64362baa6a68bce3565cbfc610097c303010664656269616e0304010001027031",
    "010801040afb0002fc80841e000101fd000000000001000001000110aaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaa01067368613531320104bbbbbbbb020161016202016b0176016c00010175010573746f72",
    "6504666173740101fb2c01cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    "ccccccfd00000000000100000501",
);
