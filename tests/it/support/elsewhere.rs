//! What imports fetch from, without a network: one host that has a name, what is behind its urls,
//! and another region.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::net::IpAddr;
use std::sync::Arc;

use smalti::disk::MemoryDisk;
use smalti::engine::Builder;
use smalti::fetch::{Fetch, Fetched, Opening, Resolve, UriFilter, UriRules};
use smalti::import::{RegionData, RegionImage, RegionSource};
use smalti::{ContainerFormat, DiskFormat, NamedStore, Result};

use super::{Pattern, bytes};

/// What is behind every url, and in every region.
pub(crate) const ELSEWHERE: &[u8] = b"from elsewhere";

/// Knows some names; each stands for one address of all the world.
#[derive(Debug)]
struct Names;

impl Resolve for Names {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        match host {
            "example.org" | "a" => Ok(vec![IpAddr::from([93, 184, 216, 34])]),
            _ => Err(io::Error::other("nobody has this name")),
        }
    }
}

/// Gives the same bytes for every url that may be fetched, but for those of [`url_of`].
#[derive(Debug)]
struct Shelf;

/// Returns the url behind which bytes of a seed and a length are.
pub(crate) fn url_of(seed: u64, len: usize) -> String {
    format!("http://example.org/bytes/{seed}/{len}")
}

fn behind(url: &str) -> Vec<u8> {
    let mut ends = url.rsplit('/');
    let (len, seed, what) = (ends.next(), ends.next(), ends.next());
    let numbers = (seed.map(str::parse), len.map(str::parse));
    match (what, numbers) {
        (Some("bytes"), (Some(Ok(seed)), Some(Ok(len)))) => bytes(Pattern::Random(seed), len),
        _ => ELSEWHERE.to_vec(),
    }
}

impl Fetch for Shelf {
    fn open(&self, opening: &Opening<'_>) -> Result<Fetched> {
        opening.filter.check(opening.uri)?;
        let found = behind(opening.uri);
        let len_bytes = found.len() as u64;
        Ok(Fetched::new(Box::new(Cursor::new(found))).len_bytes(len_bytes))
    }
}

/// A region in which every image is there.
struct Region;

impl RegionSource for Region {
    fn open(&self, _: &RegionImage) -> Result<RegionData> {
        Ok(RegionData {
            size_bytes: ELSEWHERE.len() as u64,
            disk_format: Some(DiskFormat::Raw),
            container_format: Some(ContainerFormat::Bare),
            properties: BTreeMap::new(),
            body: Box::new(Cursor::new(ELSEWHERE)),
        })
    }
}

/// Lets an engine import from elsewhere.
pub(crate) fn with_sources(builder: Builder) -> Builder {
    let filter = UriFilter::new(UriRules::default()).resolver(Names);
    builder.web_download(Shelf, filter).regions(Region, ["hw_"])
}

/// Gives an engine the stores `fast`, which is its own, `slow`, and `web`, which takes no data.
pub(crate) fn with_stores(builder: Builder) -> Builder {
    let slow = NamedStore::on_disk("slow", Arc::new(MemoryDisk::new()));
    builder
        .store(NamedStore::own("fast").description("solid disks"))
        .store(slow.weight(-5))
        .store(NamedStore::http("web"))
}
