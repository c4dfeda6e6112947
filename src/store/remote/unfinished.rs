//! Uploads in parts of which nobody here knows any more, as the service itself lists them.
//!
//! A record of this machine is made after the service has begun an upload, and may be lost with its
//! directory; the service forgets nothing, and may charge for it.

use std::fmt;

use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};

use super::bucket::unavailable;
use super::connect::{Connector, Method};
use crate::error::Result;
use crate::id::PackId;

/// How long the signature of a request holds.
const VALID_FOR: std::time::Duration = std::time::Duration::from_secs(300);

/// Asks a service for uploads that did not end.
pub(super) struct Unfinished {
    signer: AmazonS3,
    http: Connector,
}

impl Unfinished {
    pub(super) fn new(signer: AmazonS3, http: Connector) -> Self {
        Self { signer, http }
    }

    /// Returns packs below a directory with the ids of their uploads: the first few hundred.
    pub(super) async fn list(&self, dir: &Path) -> Result<Vec<(PackId, String)>> {
        let query = [("prefix", format!("{dir}/")), ("uploads", String::new())];
        let options = SignedUrlOptions::new().with_query(query);
        let bucket = Path::default();
        let url = self
            .signer
            .signed_url_opts(Method::GET, &bucket, VALID_FOR, &options);
        let url = url
            .await
            .map_err(|error| unavailable("sign a request".into(), error))?;
        Ok(parse(&self.http.get(url.as_str()).await?))
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfinished").finish_non_exhaustive()
    }
}

/// Reads an answer; what is not understood in it is left out, as it is nothing that was begun here.
fn parse(answer: &str) -> Vec<(PackId, String)> {
    let uploads = answer.split("<Upload>").skip(1);
    let found = uploads.filter_map(|upload| {
        let (_, name) = between(upload, "Key")?.rsplit_once('/')?;
        let digits = name.strip_suffix(".pack").filter(|it| it.len() == 16)?;
        let pack = PackId(u64::from_str_radix(digits, 16).ok()?);
        let id = between(upload, "UploadId")?;
        Some((pack, id.replace("&quot;", "\"").replace("&amp;", "&")))
    });
    found.collect()
}

fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    rest.split_once(&format!("</{tag}>"))
        .map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_begun_here_is_found() {
        let upload =
            |key, id| format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Owner/></Upload>");
        let uploads = [
            upload("a/packs/000000000000000a.pack", "x&amp;1"),
            upload("a/packs/other.pack", "y"),
            upload("a/packs/zzzzzzzzzzzzzzzz.pack", "y"),
            "<Upload><Key>a/packs/000000000000000b.pack</Key></Upload>".to_owned(),
            upload("a/packs/000000000000000c.pack", "z"),
        ];
        let answer = format!("<R><Prefix>a</Prefix>{}</R>", uploads.concat());
        let found = [(PackId(10), "x&1".to_owned()), (PackId(12), "z".to_owned())];
        assert_eq!(parse(&answer), found);
        assert_eq!(parse("<R>"), []);
    }
}
