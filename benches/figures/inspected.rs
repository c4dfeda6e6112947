//! What S1 and S3 cost more for looking at the bytes: the same uploads of images that are `bare`, and
//! so are looked at, beside others that are not.

use smalti::{ContainerFormat, Images};

use crate::data::{Digests, MD5_AND_SHA512, Place, engine, fill, images, new_image, noise};
use crate::ingest::{Measured, in_turns, row, timed};
use crate::{Plan, Row};

fn upload(images: &Images, container: ContainerFormat, data: &[u8], cpu: &mut f64) -> f64 {
    let new = new_image().container_format(container);
    let id = *images.create(new).expect("create").id();
    timed(cpu, data.len(), || fill(images, &id, &mut &data[..]))
}

/// MB/s of uploads that are looked at and of those that are not, round by round, of bytes that are
/// new each time or stored before.
fn measure(plan: &Plan, data: &[u8], digests: Digests, is_stored: bool) -> Measured {
    use ContainerFormat::{Bare, Ovf};
    let (mut with, mut without) = (0.0, 0.0);
    let place = Place::new(plan, "inspected");
    let known = engine(&place.join("known"), digests);
    let known = images(&known);
    if is_stored {
        upload(&known, Bare, data, &mut 0.0);
    }
    let once = |container, cpu: &mut f64| {
        if is_stored {
            return upload(&known, container, data, cpu);
        }
        let place = Place::new(plan, "new");
        let engine = engine(&place.join("engine"), digests);
        upload(&images(&engine), container, data, cpu)
    };
    let round = |round| {
        let (ours, bare) = (|| once(Bare, &mut with), || once(Ovf, &mut without));
        in_turns(round, ours, bare)
    };
    let pairs = (0..3 * plan.rounds).map(round).collect();
    Measured {
        pairs,
        processor: with / without,
    }
}

pub(crate) fn rows(plan: &Plan) -> Vec<Row> {
    let data = noise(31, plan.len_bytes());
    let unique = measure(plan, &data, MD5_AND_SHA512, false);
    let stored = measure(plan, &data, MD5_AND_SHA512, true);
    vec![
        row("S1i", "unique data, looked at and not", &unique, 0.97),
        row("S3i", "stored data, looked at and not", &stored, 0.97),
    ]
}
