//! Tests of both cutters against slicing, holes and their golden cut points.

use proptest::prelude::*;

use super::*;
use crate::limits::{CHUNK_MAX_BYTES, CHUNK_MIN_BYTES};

const KINDS: [CutterKind; 2] = [CutterKind::Blocks, CutterKind::FastCdc];

/// Bytes of a fixed generator (SplitMix64).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Data and zeros in turn, of these lengths.
fn stream(lens: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, &len) in lens.iter().enumerate() {
        if index % 2 == 0 {
            bytes.extend_from_slice(&noise(index as u64, len));
        } else {
            bytes.resize(bytes.len() + len, 0);
        }
    }
    bytes
}

/// Feeds slices of the given lengths in turn, for ever.
fn cuts(kind: CutterKind, bytes: &[u8], slices: &[usize]) -> Vec<Cut> {
    let mut cutter = Cutter::new(kind);
    let mut cuts = Vec::new();
    let (mut rest, mut lens) = (bytes, slices.iter().cycle());
    while !rest.is_empty() {
        let len = lens.next().map_or(rest.len(), |&len| len.min(rest.len()));
        let (slice, after) = rest.split_at(len);
        cutter.feed(slice, &mut |cut| cuts.push(cut));
        rest = after;
    }
    cutter.finish(&mut |cut| cuts.push(cut));
    cuts
}

#[track_caller]
fn check(bytes: &[u8], expected: &[Cut]) {
    assert_eq!(cuts(CutterKind::Blocks, bytes, &[]), expected);
}

#[test]
fn zeros_and_data_part_on_block_borders() {
    let data = noise(1, 4096);
    check(&[], &[]);
    check(&[0], &[Cut::zero(1)]);
    check(&[1], &[Cut::data(1)]);
    check(&[0; 5000], &[Cut::zero(5000)]);
    check(&[0; 1 << 20], &[Cut::zero(1 << 20)]);
    check(&data, &[Cut::data(4096)]);
    check(&[&data[..], &[7]].concat(), &[Cut::data(4097)]);
    let tail = [&data[..], &[0]].concat();
    check(&tail, &[Cut::data(4096), Cut::zero(1)]);
    let tail = [&[0; 4096], &data[..5]].concat();
    check(&tail, &[Cut::zero(4096), Cut::data(5)]);
    let both = [&data[..], &[0; 8192], &data, &data].concat();
    check(&both, &[Cut::data(4096), Cut::zero(8192), Cut::data(8192)]);
    let last_byte = [&[0; 4095][..], &[1], &[0; 4096]].concat();
    check(&last_byte, &[Cut::data(4096), Cut::zero(4096)]);
}

#[test]
fn chunks_keep_their_bounds_and_their_average() {
    let bytes = noise(3, 64 << 20);
    for kind in KINDS {
        let cuts = cuts(kind, &bytes, &[1 << 20]);
        let (last, whole) = cuts.split_last().expect("some");
        assert!(whole.iter().chain([last]).all(|c| c.piece == Piece::Data));
        for cut in whole {
            assert!((CHUNK_MIN_BYTES as u64..=CHUNK_MAX_BYTES as u64).contains(&cut.len_bytes));
        }
        let average = bytes.len() / cuts.len() / 1024;
        let expected = match kind {
            CutterKind::Blocks => 61..=67,
            CutterKind::FastCdc => 60..=90,
        };
        assert!(expected.contains(&average), "{kind:?}: {average} KiB");
    }
}

#[test]
fn equal_blocks_without_a_cut_are_cut_at_the_largest_chunk() {
    let block = [0xabu8; 4096];
    let cuts = cuts(CutterKind::Blocks, &block.repeat(256), &[]);
    assert_eq!(cuts, [Cut::data(256 << 10); 4]);
}

/// Lengths that meet blocks, chunks and neither.
fn lens(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![
        Just(0usize),
        1..200usize,
        1..20_000usize,
        1..400_000usize,
        (1..100usize).prop_map(|blocks| blocks * 4096),
        (1..4usize).prop_map(|count| count << 18),
    ];
    prop::collection::vec(len, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn cuts_do_not_depend_on_the_slicing(parts in lens(0..7), slices in lens(1..5)) {
        let bytes = stream(&parts);
        let slices: Vec<usize> = slices.into_iter().map(|len| len.max(7)).collect();
        for kind in KINDS {
            let whole = cuts(kind, &bytes, &[]);
            prop_assert_eq!(&whole, &cuts(kind, &bytes, &slices), "{:?}", kind);
            let mut at = 0;
            for cut in &whole {
                let end = at + usize::try_from(cut.len_bytes).expect("small");
                prop_assert_eq!(is_zero(&bytes[at..end]), cut.piece == Piece::Zero);
                at = end;
            }
            prop_assert_eq!(at, bytes.len());
        }
    }

    #[test]
    fn holes_are_cut_like_zeros(parts in lens(0..7)) {
        let bytes = stream(&parts);
        for kind in KINDS {
            let (mut cutter, mut found) = (Cutter::new(kind), Vec::new());
            for (index, &len) in parts.iter().enumerate() {
                if index % 2 == 0 {
                    cutter.feed(&noise(index as u64, len), &mut |cut| found.push(cut));
                } else {
                    cutter.skip_zeros(len as u64, &mut |cut| found.push(cut));
                }
            }
            cutter.finish(&mut |cut| found.push(cut));
            prop_assert_eq!(found, cuts(kind, &bytes, &[]), "{:?}", kind);
        }
    }
}

#[test]
fn a_hole_of_any_length_costs_nothing() {
    for kind in KINDS {
        let (mut cutter, mut found) = (Cutter::new(kind), Vec::new());
        cutter.skip_zeros(1 << 62, &mut |cut| found.push(cut));
        cutter.finish(&mut |cut| found.push(cut));
        assert_eq!(found, [Cut::zero(1 << 62)], "{kind:?}");
    }
}

/// The first cuts of a fixed stream, and a sum over all of them.
fn golden(kind: CutterKind) -> (Vec<u64>, u64) {
    let bytes = stream(&[3_000_000, 70_000, 1_000_001, 4096 * 3, 2_500_000]);
    let all = cuts(kind, &bytes, &[1 << 20]);
    let mut sum = 0u64;
    for cut in &all {
        let zero = u64::from(cut.piece == Piece::Zero);
        sum = (sum.rotate_left(7) ^ (cut.len_bytes << 1 | zero)).wrapping_mul(0x100_0000_01b3);
    }
    (all.iter().take(8).map(|cut| cut.len_bytes).collect(), sum)
}

#[test]
fn cut_points_are_part_of_the_format() {
    let (first, sum) = golden(CutterKind::Blocks);
    let expected = [45056, 253952, 98304, 126976, 53248, 36864, 114688, 28672];
    assert_eq!(first, expected);
    assert_eq!(sum, 0x28f4_8413_1396_f33c);
    let (first, sum) = golden(CutterKind::FastCdc);
    let expected = [115493, 193725, 21347, 93035, 74240, 89798, 96841, 38738];
    assert_eq!(first, expected);
    assert_eq!(sum, 0x20f5_cfc9_cc50_a5af);
}

#[test]
fn byte_cuts_are_those_of_the_published_algorithm() {
    let bytes = stream(&[5_000_000, 300_000, 700_000]);
    let published = fastcdc::v2020::FastCDC::new(&bytes, 16 << 10, 64 << 10, 256 << 10);
    let mut expected = Vec::new();
    for chunk in published {
        let zero = is_zero(&bytes[chunk.offset..chunk.offset + chunk.length]);
        expected.push(match zero {
            true => Cut::zero(chunk.length as u64),
            false => Cut::data(chunk.length as u64),
        });
    }
    assert_eq!(cuts(CutterKind::FastCdc, &bytes, &[1 << 20]), expected);
}

#[test]
fn the_numbers_of_cutters_are_part_of_the_format() {
    assert_eq!(
        (CutterKind::Blocks.code(), CutterKind::FastCdc.code()),
        (1, 2)
    );
}
