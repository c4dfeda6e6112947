//! Figures of bytes in: S1 to S4.

use std::time::Instant;

use md5::Digest;

use crate::data::{
    Digests, IDENTITY, MD5_AND_SHA512, Place, SHA256, engine, fill, images, new_image, noise,
};
use crate::memory::Watch;
use crate::pipeline::{self, Known};
use crate::{Goal, Plan, Row, mb_per_s, medians, processor_time};

/// One upload of unique bytes beside the bare pipeline; MB/s of both, round by round.
fn unique(plan: &Plan, data: &[u8], digests: Digests) -> Measured {
    let (mut ours_cpu, mut bare_cpu) = (0.0, 0.0);
    let mut round = |round: usize| {
        let place = Place::new(plan, "unique");
        let ours = || {
            let engine = engine(&place.join("engine"), digests);
            let images = images(&engine);
            let id = *images.create(new_image()).expect("create").id();
            timed(&mut ours_cpu, data.len(), || {
                fill(&images, &id, &mut &data[..])
            })
        };
        let bare = || {
            timed(&mut bare_cpu, data.len(), || {
                let path = place.join("bare");
                let written = pipeline::store(data, &path, digests, &mut Known::new());
                assert_eq!(written, data.len() as u64, "all of it is unique");
            })
        };
        in_turns(round, ours, bare)
    };
    let pairs = (0..plan.rounds).map(&mut round).collect();
    Measured {
        pairs,
        processor: ours_cpu / bare_cpu,
    }
}

/// Both sides round by round, and the engine's processor time for each of the bare pipeline's.
pub(crate) struct Measured {
    pub(crate) pairs: Vec<(f64, f64)>,
    pub(crate) processor: f64,
}

/// Times work by the clock, in MB/s, and adds up what it took of processors.
pub(crate) fn timed(processor: &mut f64, len: usize, work: impl FnOnce()) -> f64 {
    let (before, start) = (processor_time(), Instant::now());
    work();
    let time = start.elapsed();
    *processor += (processor_time() - before).as_secs_f64();
    mb_per_s(len, time)
}

/// Lets one side go first in even rounds, the other in odd ones.
pub(crate) fn in_turns(
    round: usize,
    ours: impl FnOnce() -> f64,
    bare: impl FnOnce() -> f64,
) -> (f64, f64) {
    if round.is_multiple_of(2) {
        let ours = ours();
        (ours, bare())
    } else {
        let bare = bare();
        (ours(), bare)
    }
}

pub(crate) fn row(figure: &'static str, what: &str, measured: &Measured, goal: f64) -> Row {
    let (smalti, raw, ratio) = medians(&measured.pairs);
    Row {
        figure,
        what: format!("{what}; CPU {:.2} x", measured.processor),
        unit: "MB/s",
        smalti,
        raw: Some(raw),
        ratio: Some(ratio),
        goal: Goal::Ratio(goal),
    }
}

pub(crate) fn s1(plan: &Plan) -> Vec<Row> {
    let data = noise(1, plan.len_bytes());
    let pairs = unique(plan, &data, MD5_AND_SHA512);
    vec![row("S1", "unique data, MD5 + SHA-512", &pairs, 0.90)]
}

pub(crate) fn s2(plan: &Plan) -> Vec<Row> {
    let data = noise(2, plan.len_bytes());
    let sha = unique(plan, &data, SHA256);
    let identity = unique(plan, &data, IDENTITY);
    vec![
        row("S2", "unique data, SHA-256", &sha, 0.90),
        row("S2", "unique data, identity only", &identity, 0.80),
    ]
}

/// Bytes that are stored already; MB/s of both sides.
fn stored(plan: &Plan, data: &[u8], digests: Digests) -> Measured {
    let (mut ours_cpu, mut bare_cpu) = (0.0, 0.0);
    let place = Place::new(plan, "stored");
    let engine = engine(&place.join("engine"), digests);
    let images = images(&engine);
    let id = *images.create(new_image()).expect("create").id();
    fill(&images, &id, &mut &data[..]);
    let mut known = Known::new();
    pipeline::store(data, &place.join("bare"), digests, &mut known);
    let before = place.pack_bytes("engine");
    let mut round = |round: usize| {
        let ours = || {
            let id = *images.create(new_image()).expect("create").id();
            timed(&mut ours_cpu, data.len(), || {
                fill(&images, &id, &mut &data[..])
            })
        };
        let bare = || {
            timed(&mut bare_cpu, data.len(), || {
                pipeline::store(data, &place.join("again"), digests, &mut known);
            })
        };
        in_turns(round, ours, bare)
    };
    let pairs = (0..plan.rounds).map(&mut round).collect();
    assert_eq!(
        place.pack_bytes("engine"),
        before,
        "nothing is written twice"
    );
    Measured {
        pairs,
        processor: ours_cpu / bare_cpu,
    }
}

pub(crate) fn s3(plan: &Plan) -> Vec<Row> {
    let data = noise(3, plan.len_bytes());
    let digests = stored(plan, &data, MD5_AND_SHA512);
    let identity = stored(plan, &data, IDENTITY);
    vec![
        row(
            "S3",
            "stored data, MD5 + SHA-512, 0 bytes written",
            &digests,
            0.90,
        ),
        Row {
            goal: Goal::AtLeast(3000.0),
            ..row("S3", "stored data, identity only", &identity, 0.0)
        },
    ]
}

/// Both digests of some streams on two threads: the bound that libraries set.
fn two_cores(streams: &[&[u8]]) {
    let (left, right) = streams.split_at(streams.len() / 2);
    std::thread::scope(|scope| {
        for half in [left, right] {
            scope.spawn(move || {
                for stream in half {
                    let (mut md5, mut sha) = (md5::Md5::new(), sha2::Sha512::new());
                    for block in stream.chunks(1 << 20) {
                        md5.update(block);
                        sha.update(block);
                    }
                    std::hint::black_box((md5.finalize(), sha.finalize()));
                }
            });
        }
    });
}

pub(crate) fn s4(plan: &Plan) -> Vec<Row> {
    // So long that beginnings and ends, which are commits, are little of it.
    let data = noise(4, 4 * plan.len_bytes());
    let streams: Vec<&[u8]> = data.chunks(data.len().div_ceil(16)).collect();
    let mut peaks = Vec::new();
    let (mut pairs, mut ours_cpu, mut bare_cpu) = (Vec::new(), 0.0, 0.0);
    for round in 0..plan.rounds {
        let place = Place::new(plan, "many");
        let ours = || {
            let engine = engine(&place.join("engine"), MD5_AND_SHA512);
            let images = images(&engine);
            let create = |_| *images.create(new_image()).expect("create").id();
            let ids: Vec<_> = (0..streams.len()).map(create).collect();
            let watch = Watch::start();
            let rate = timed(&mut ours_cpu, data.len(), || {
                std::thread::scope(|scope| {
                    for (id, stream) in ids.iter().zip(&streams) {
                        let images = &images;
                        scope.spawn(move || fill(images, id, &mut &stream[..]));
                    }
                })
            });
            peaks.push(watch.peak_mib());
            rate
        };
        pairs.push(in_turns(round, ours, || {
            timed(&mut bare_cpu, data.len(), || two_cores(&streams))
        }));
    }
    let memory = Row {
        figure: "S4",
        what: "16 uploads at once: memory at the peak".to_owned(),
        unit: "MiB",
        smalti: crate::median(peaks),
        raw: None,
        ratio: None,
        goal: Goal::AtMost(16.0 * 24.0),
    };
    let what = "16 uploads at once, MD5 + SHA-512, two cores' bound";
    let pairs = Measured {
        pairs,
        processor: ours_cpu / bare_cpu,
    };
    vec![row("S4", what, &pairs, 0.95), memory]
}
