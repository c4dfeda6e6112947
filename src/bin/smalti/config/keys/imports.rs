//! Keys of imports, by the names that they have in the Images API's service.

use smalti::import::ImportMethod;

use super::own::Word;
use super::{Key, key};
use crate::config::given::Given;
use crate::fault::Outcome;

/// These keys, in order.
pub(super) const KEYS: &[Key] = &[
    key(
        "allowed_hosts",
        "",
        "hosts that web-download may ask, also private ones; empty for all others",
        |to, given| {
            to.uris.allowed_hosts = given.words()?;
            Ok(())
        },
    ),
    key(
        "allowed_ports",
        "80,443",
        "ports that web-download may ask; empty for all but those that it may not",
        |to, given| {
            to.uris.allowed_ports = given.words()?;
            Ok(())
        },
    ),
    key(
        "allowed_schemes",
        "http,https",
        "schemes of web-download; empty for all but those that are none",
        |to, given| {
            to.uris.allowed_schemes = given.words()?;
            Ok(())
        },
    ),
    key(
        "disallowed_hosts",
        "",
        "hosts that web-download may not ask, where none is allowed by name",
        |to, given| {
            to.uris.disallowed_hosts = given.words()?;
            Ok(())
        },
    ),
    key(
        "disallowed_ports",
        "",
        "ports that web-download may not ask, where none is allowed by number",
        |to, given| {
            to.uris.disallowed_ports = given.words()?;
            Ok(())
        },
    ),
    key(
        "disallowed_schemes",
        "",
        "schemes that are none of web-download, where none is allowed by name",
        |to, given| {
            to.uris.disallowed_schemes = given.words()?;
            Ok(())
        },
    ),
    key(
        "enabled_import_methods",
        "glance-direct,web-download,copy-image",
        "how images may be imported; empty for no way",
        |to, given| {
            to.settings.enabled_import_methods = methods(given)?;
            Ok(())
        },
    ),
    key(
        "max_running_imports",
        "4",
        "most imports that run at a time; others wait",
        |to, given| {
            let most = given.count(1..=1024)?;
            to.settings.max_running_imports =
                usize::try_from(most).map_err(|_| given.not("a number"))?;
            Ok(())
        },
    ),
];

/// Reads methods of import, of which a server has those that need no code of a host.
fn methods(given: &Given) -> Outcome<Vec<ImportMethod>> {
    let words = given.words::<Word<ImportMethod>>()?;
    let methods: Vec<ImportMethod> = words.into_iter().map(|Word(method)| method).collect();
    match methods.contains(&ImportMethod::GlanceDownload) {
        true => Err(given
            .wrong("names glance-download, for which nothing here knows other regions")
            .with_hint("name glance-direct, web-download and copy-image, or some of them")),
        false => Ok(methods),
    }
}
