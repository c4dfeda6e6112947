//! MD5 of several streams side by side.
//!
//! One stream is a chain that nothing can hurry; many streams fill the lanes of a vector. These are
//! plain loops over arrays, of which the compiler makes vectors: four lanes on any machine, sixteen
//! where the processor has AVX2. State comes from and goes back to the crate that does the rest.

use md5::digest::common::hazmat::{SerializableState, SerializedState};

/// Streams that are taken at once at most.
pub(crate) const WIDTH: usize = 16;
/// Streams that the narrow form takes at once.
const NARROW: usize = 4;

/// Bytes of a block.
const BLOCK: usize = 64;

/// One stream whose state stands at a border of blocks, and what it is to take: whole blocks.
pub(super) struct Stream<'a> {
    pub(super) md5: &'a mut md5::Md5,
    pub(super) bytes: &'a [u8],
}

/// Takes all bytes of some streams; any number of them, each of any number of whole blocks.
pub(super) fn take(mut streams: Vec<Stream<'_>>) {
    streams.sort_unstable_by_key(|stream| stream.bytes.len());
    let mut done = 0;
    let mut rest = &mut streams[..];
    while let Some(first) = rest.first() {
        let shortest = first.bytes.len();
        if shortest == done {
            rest = &mut rest[1..];
            continue;
        }
        for some in rest.chunks_mut(WIDTH) {
            some_blocks(some, done, shortest);
        }
        done = shortest;
    }
}

/// Lets up to [`WIDTH`] streams take the bytes of a range.
fn some_blocks(streams: &mut [Stream<'_>], from: usize, to: usize) {
    if let [stream] = streams {
        md5::Digest::update(stream.md5, &stream.bytes[from..to]);
    } else if streams.len() > NARROW && has_wide() {
        wide(streams, from, to);
    } else {
        for some in streams.chunks_mut(NARROW) {
            lanes::<NARROW>(some, from, to, blocks);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_wide() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_wide() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "code for AVX2 is called where there is AVX2")]
fn wide(streams: &mut [Stream<'_>], from: usize, to: usize) {
    #[target_feature(enable = "avx2")]
    fn with_avx2(state: &mut State<WIDTH>, inputs: &[&[u8]; WIDTH]) {
        blocks(state, inputs);
    }
    lanes::<WIDTH>(streams, from, to, |state, inputs| {
        // SAFETY: `has_wide` has found AVX2 on this processor.
        unsafe { with_avx2(state, inputs) }
    });
}

#[cfg(not(target_arch = "x86_64"))]
fn wide(streams: &mut [Stream<'_>], from: usize, to: usize) {
    lanes::<WIDTH>(streams, from, to, blocks);
}

/// The four words of `N` streams.
type State<const N: usize> = [[u32; N]; 4];

/// Lets up to `N` streams take a range by `compress`; lanes without a stream repeat the first.
fn lanes<const N: usize>(
    streams: &mut [Stream<'_>],
    from: usize,
    to: usize,
    compress: impl Fn(&mut State<N>, &[&[u8]; N]),
) {
    let mut state: State<N> = [[0; N]; 4];
    let inputs: [&[u8]; N] =
        std::array::from_fn(|lane| &streams.get(lane).unwrap_or(&streams[0]).bytes[from..to]);
    for (lane, stream) in streams.iter().enumerate() {
        let saved = stream.md5.serialize();
        for (word, bytes) in state.iter_mut().zip(saved.chunks_exact(4)) {
            word[lane] = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
    compress(&mut state, &inputs);
    let count = ((to - from) / BLOCK) as u64;
    for (lane, stream) in streams.iter_mut().enumerate() {
        put_back(stream.md5, state.map(|words| words[lane]), count);
    }
}

/// Sets the state of a stream that has taken so many blocks more.
fn put_back(md5: &mut md5::Md5, words: [u32; 4], blocks: u64) {
    let mut saved: SerializedState<md5::Md5> = md5.serialize();
    for (bytes, word) in saved.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    let mut count = [0; 8];
    count.copy_from_slice(&saved[16..24]);
    let count = u64::from_le_bytes(count).wrapping_add(blocks);
    saved[16..24].copy_from_slice(&count.to_le_bytes());
    *md5 = md5::Md5::deserialize(&saved).expect("it was made from a state just above");
}

/// RFC 1321, 3.4: the integer part of 2^32 times the sine of each number from 1.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// RFC 1321, 3.4: by how much the steps of each round rotate.
const ROTATIONS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

#[inline(always)]
fn each<const N: usize>(make: impl Fn(usize) -> u32) -> [u32; N] {
    let mut made = [0; N];
    for (lane, word) in made.iter_mut().enumerate() {
        *word = make(lane);
    }
    made
}

/// Takes whole blocks, of all inputs the same number.
#[inline(always)]
fn blocks<const N: usize>(state: &mut State<N>, inputs: &[&[u8]; N]) {
    let count = inputs[0].len() / BLOCK;
    for number in 0..count {
        let mut message = [[0; N]; 16];
        for (lane, input) in inputs.iter().enumerate() {
            let block = &input[number * BLOCK..][..BLOCK];
            for (word, bytes) in message.iter_mut().zip(block.chunks_exact(4)) {
                word[lane] = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
        }
        block(state, &message);
    }
}

#[inline(always)]
fn block<const N: usize>(state: &mut State<N>, message: &[[u32; N]; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! step {
        ($number:expr, $word:expr, $mix:expr) => {{
            let (number, mix) = ($number, $mix);
            let (words, sine) = (message[$word % 16], SINES[number]);
            let rotation = ROTATIONS[number / 16][number % 4];
            let sum = each::<N>(|lane| {
                let mixed: u32 = mix(b[lane], c[lane], d[lane]);
                let sum = a[lane].wrapping_add(mixed);
                sum.wrapping_add(words[lane]).wrapping_add(sine)
            });
            let next = each(|lane| sum[lane].rotate_left(rotation).wrapping_add(b[lane]));
            (a, d, c, b) = (d, c, b, next);
        }};
    }
    // Written out, so that each rotation and each place in the message is a constant.
    macro_rules! round {
        ($first:expr, $factor:expr, $offset:expr, $mix:expr) => {
            round!($first, $factor, $offset, $mix; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
        };
        ($first:expr, $factor:expr, $offset:expr, $mix:expr; $($number:literal)*) => {
            $(step!($first + $number, $factor * $number + $offset, $mix);)*
        };
    }
    round!(0, 1, 0, |x: u32, y: u32, z: u32| z ^ (x & (y ^ z)));
    round!(16, 5, 1, |x: u32, y: u32, z: u32| (x & z) | (y & !z));
    round!(32, 3, 5, |x: u32, y: u32, z: u32| x ^ y ^ z);
    round!(48, 7, 0, |x: u32, y: u32, z: u32| y ^ (x | !z));
    for (word, change) in state.iter_mut().zip([a, b, c, d]) {
        *word = each(|lane| word[lane].wrapping_add(change[lane]));
    }
}
