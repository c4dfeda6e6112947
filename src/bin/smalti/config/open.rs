//! The engine of a directory as a configuration has it: settings, stores, and who downloads.

use std::path::Path;
use std::sync::OnceLock;

use smalti::Engine;
use smalti::engine::Builder;
use smalti::fetch::{Fetch, Fetched, Opening, UriFilter, WebFetcher};

use super::Config;
#[cfg(feature = "signature")]
use crate::fault::Exit;
use crate::fault::{Fault, Outcome};

impl Config {
    /// Returns what opens the engine in `data`.
    ///
    /// # Errors
    /// Where `data` is no directory; where stores are given that no engine can have.
    pub(crate) fn builder(&self, data: &Path) -> Outcome<Builder> {
        if data.exists() && !data.is_dir() {
            return Err(Fault::usage(format!("{} is no directory", data.display())));
        }
        let filter = UriFilter::new(self.uris.clone());
        let builder = Engine::builder(data).settings(self.settings.clone());
        let builder = builder.web_download(Downloads::default(), filter);
        let builder = match self.limits.are_set() {
            true => builder.project_limits(self.limits.clone()),
            false => builder,
        };
        self.stores.give(self.verified(builder)?, data)
    }

    /// Has signatures verified where there are certificates.
    #[cfg(feature = "signature")]
    fn verified(&self, builder: Builder) -> Outcome<Builder> {
        use smalti::signature::{CertificateDirectory, CertificateVerifier};

        let Some(dir) = &self.certificates else {
            return Ok(builder);
        };
        if !dir.is_dir() {
            let message = format!("certificates = {}: it is no directory", dir.display());
            return Err(Fault::new(Exit::Usage, "InvalidSettings", message));
        }
        let verifier = CertificateVerifier::new(CertificateDirectory::new(dir));
        Ok(builder.signatures(verifier))
    }

    #[cfg(not(feature = "signature"))]
    #[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
    fn verified(&self, builder: Builder) -> Outcome<Builder> {
        Ok(builder)
    }
}

/// Downloads, made ready by the first one: most commands need none.
#[derive(Debug, Default)]
struct Downloads(OnceLock<WebFetcher>);

impl Fetch for Downloads {
    fn open(&self, opening: &Opening<'_>) -> smalti::Result<Fetched> {
        if let Some(fetcher) = self.0.get() {
            return fetcher.open(opening);
        }
        let made = WebFetcher::builder().build()?;
        self.0.get_or_init(|| made).open(opening)
    }
}
