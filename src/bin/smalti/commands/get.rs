//! `smalti get`: writes the data of an image to a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use smalti::wire::ImageAnswer;
use smalti::{Algorithm, ByteRange};

use crate::at::At;
use crate::fault::{Fault, Outcome};
use crate::files::{Digester, Replace, Target};
use crate::interrupt;
use crate::place::{self, Need, Place};
use crate::shell::{Answer, Shell};
use crate::size::{Size, per_second};

const AFTER: &str = "The file has its name only when all of it is there and, for a whole image, has the digest of the \
record. Zeros take no space in it.

Examples:
  smalti get debian.qcow2 copy.qcow2
  smalti get debian.qcow2 - --range 0-511 | xxd
  smalti get disk part.raw --offset 1MiB --length 64KiB";

/// Write the data of an image to a file
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Get {
    /// Id or name
    image: String,
    /// The file; - is standard output
    file: PathBuf,
    /// Only these bytes, the last one included: A-B, A- or -N for the last N
    #[arg(long, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    range: Option<ByteRange>,
    /// Only bytes from here on
    #[arg(long, value_name = "SIZE", conflicts_with = "range")]
    offset: Option<Size>,
    /// Only so many bytes
    #[arg(long, value_name = "SIZE", conflicts_with = "range")]
    length: Option<Size>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Do not compute the digest of a whole image
    #[arg(long)]
    no_verify: bool,
    #[command(flatten)]
    at: At,
}

impl Get {
    /// Answers with what was written.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        let range = self.range()?;
        interrupt::watch();
        self.at
            .on(Need::Read, |place| self.fetch(place, range, shell))
    }

    fn fetch(&self, place: &dyn Place, range: Option<ByteRange>, shell: Shell) -> Outcome<Answer> {
        let image = place::find(place, &self.image)?.image;
        let proof = match range.is_some() || self.no_verify {
            true => None,
            false => proof(&image),
        };
        let replace = match self.force {
            true => Replace::Always,
            false => Replace::Never,
        };
        let digester = proof
            .as_ref()
            .map(|(algorithm, _)| Digester::new(*algorithm));
        let mut target = Target::open(&self.file, replace, shell)?.with_digester(digester);
        let begun = std::time::Instant::now();
        place.download(&image.id, range, &mut target)?;
        if let Some((_, expected)) = &proof {
            target.prove(expected)?;
        }
        let len_bytes = target.len_bytes();
        target.finish()?;
        let rate = per_second(len_bytes, begun.elapsed().as_secs_f64());
        let verified = proof.map(|(algorithm, _)| algorithm.name());
        Ok(self.answer(&image, len_bytes, rate, verified))
    }

    fn answer(&self, image: &ImageAnswer, len: u64, rate: Size, verified: Option<&str>) -> Answer {
        if self.file == Path::new("-") {
            return Answer::default();
        }
        let json = json!({
            "image_id": image.id.to_string(), "file": self.file.to_string_lossy(),
            "bytes": len, "verified": verified,
        });
        let proved = verified.map_or_else(String::new, |name| format!(", {name} is right"));
        let text = format!("{}: {} at {rate}/s{proved}", self.file.display(), Size(len));
        Answer::new(json, text)
    }

    fn range(&self) -> Outcome<Option<ByteRange>> {
        let first = self.offset.map_or(0, |size| size.0);
        Ok(match (self.range, self.offset, self.length) {
            (Some(range), _, _) => Some(range),
            (None, None, None) => None,
            (None, _, None) => Some(ByteRange::From(first)),
            (None, _, Some(Size(0))) => {
                return Err(Fault::usage("--length is 0").with_hint("ask for one byte at least"));
            }
            (None, _, Some(Size(count))) => {
                let last = first.saturating_add(count - 1);
                Some(ByteRange::FromTo { first, last })
            }
        })
    }
}

/// Returns the digest that an image is proved by: the first that is known here.
fn proof(image: &ImageAnswer) -> Option<(Algorithm, String)> {
    let algorithm = image
        .os_hash_algo
        .as_deref()
        .and_then(|name| name.parse::<Algorithm>().ok());
    match (algorithm, &image.os_hash_value, &image.checksum) {
        (Some(algorithm), Some(value), _) => Some((algorithm, value.to_string())),
        (_, _, Some(checksum)) => Some((Algorithm::Md5, checksum.to_string())),
        _ => None,
    }
}

fn range(text: &str) -> Result<ByteRange, String> {
    let range = format!("bytes={text}").parse::<ByteRange>();
    range.map_err(|_| format!("range {text:?} is not A-B, A- or -N"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        assert_eq!(
            range("0-511"),
            Ok(ByteRange::FromTo {
                first: 0,
                last: 511
            })
        );
        assert_eq!(range("5-"), Ok(ByteRange::From(5)));
        assert_eq!(range("-5"), Ok(ByteRange::Suffix(5)));
        for text in ["", "-", "a-b", "1-2,3-4"] {
            assert!(range(text).is_err(), "{text}");
        }
    }
}
