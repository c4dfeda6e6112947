//! Keys that have the names of the Images API's service.

use std::fmt;
use std::str::FromStr;

use smalti::Algorithm;
use smalti::limits::IMAGE_MAX_BYTES;

use super::{Key, key};
use crate::config::Named;
use crate::config::given::Given;
use crate::fault::Outcome;

/// Most images of a page, as the library bounds it.
const PAGE_MAX: u32 = 1 << 20;

/// These keys, in order.
pub(super) const KEYS: &[Key] = &[
    key(
        "allow_anonymous_access",
        "false",
        "whether callers without identity may read",
        |to, given| {
            to.front.allow_anonymous_access = given.flag()?;
            Ok(())
        },
    ),
    key(
        "api_limit_max",
        "1000",
        "most images on a page of a list",
        |to, given| {
            to.settings.page.max = u64::from(given.count(1..=PAGE_MAX)?);
            Ok(())
        },
    ),
    key(
        "container_formats",
        "all",
        "container formats that a request may name",
        |to, given| {
            to.settings.limits.container_formats = some_words(given)?;
            Ok(())
        },
    ),
    key(
        "default_backend",
        "that of the directory",
        "the store of data for which none is named",
        |to, given| to.stores.read_default(given),
    ),
    key(
        "delayed_delete",
        "false",
        "whether deleted images are only hidden at first",
        |to, given| {
            to.settings.delayed_delete = given.flag()?;
            Ok(())
        },
    ),
    key(
        "disk_formats",
        "all",
        "disk formats that a request may name",
        |to, given| {
            to.settings.limits.disk_formats = some_words(given)?;
            Ok(())
        },
    ),
    key(
        "do_secure_hash",
        "true",
        "whether digests of data at added locations are computed",
        |to, given| {
            to.settings.do_secure_hash = given.flag()?;
            Ok(())
        },
    ),
    key(
        "gpt_safety_checks_nonfatal",
        "none",
        "checks of partition tables that may fail: mbr, gptmbr",
        |to, given| {
            to.settings.inspect.gpt_safety_checks_nonfatal = given.words()?;
            Ok(())
        },
    ),
    key(
        "hashing_algorithm",
        "sha512",
        "digest of whole images, os_hash_algo; none for none",
        |to, given| {
            to.settings.hashing_algorithm = match given.text()? {
                "none" => None,
                _ => Some(given.word::<Algorithm>()?),
            };
            Ok(())
        },
    ),
    key(
        "image_cache_max_size",
        "10GiB",
        "bytes that a prune of the image cache leaves",
        |to, given| {
            to.settings.image_cache_max_size = given.size(0..=u64::MAX)?;
            Ok(())
        },
    ),
    key(
        "image_cache_stall_time",
        "86400",
        "seconds after which a clean gives up what is being cached",
        |to, given| {
            to.settings.image_cache_stall_time_s = u64::from(given.count(0..=u32::MAX)?);
            Ok(())
        },
    ),
    key(
        "image_location_quota",
        "10",
        "most locations of an image; negative for 256",
        |to, given| {
            to.settings.limits.locations_max = given.quota()?;
            Ok(())
        },
    ),
    key(
        "image_member_quota",
        "128",
        "most members of an image; negative for no limit",
        |to, given| {
            to.settings.limits.members_max = given.quota()?;
            Ok(())
        },
    ),
    key(
        "image_property_quota",
        "128",
        "most properties of an image; negative for no limit",
        |to, given| {
            to.settings.limits.properties_max = given.quota()?;
            Ok(())
        },
    ),
    key("image_size_cap", "1TiB", "largest image", |to, given| {
        to.settings.image_size_cap = given.size(1..=IMAGE_MAX_BYTES)?;
        Ok(())
    }),
    key(
        "image_tag_quota",
        "128",
        "most tags of an image; negative for no limit",
        |to, given| {
            to.settings.limits.tags_max = given.quota()?;
            Ok(())
        },
    ),
    key(
        "limit_param_default",
        "25",
        "images on a page that is not asked for a number",
        |to, given| {
            to.settings.page.default = u64::from(given.count(1..=PAGE_MAX)?);
            Ok(())
        },
    ),
    key(
        "max_request_id_length",
        "64",
        "longest request id that is taken",
        |to, given| {
            let most = given.count(0..=4096)?;
            to.front.max_request_id_length =
                usize::try_from(most).map_err(|_| given.not("a number"))?;
            Ok(())
        },
    ),
    key(
        "policy_file",
        "none",
        "rules of who may do what, JSON or YAML",
        |to, given| {
            to.policy.policy_file = Some(Named::read(given)?);
            Ok(())
        },
    ),
    key(
        "property_protection_file",
        "none",
        "who may do what with which properties",
        |to, given| {
            to.policy.property_protection_file = Some(Named::read(given)?);
            Ok(())
        },
    ),
    key(
        "property_protection_rule_format",
        "roles",
        "what that file names: roles or policies",
        |to, given| {
            to.policy.property_protection_rule_format = given.word()?;
            Ok(())
        },
    ),
    key(
        "public_endpoint",
        "that of the request",
        "base of links in the document of versions",
        |to, given| {
            to.front.public_endpoint = Some(endpoint(given)?);
            Ok(())
        },
    ),
    key(
        "reject_4byte_unicode",
        "true",
        "whether code points from U+10000 on are refused",
        |to, given| {
            to.settings.limits.reject_4byte_unicode = given.flag()?;
            Ok(())
        },
    ),
    key(
        "require_image_format_match",
        "true",
        "whether data must be of the disk format of its image",
        |to, given| {
            to.settings.inspect.require_image_format_match = given.flag()?;
            Ok(())
        },
    ),
    key(
        "scrub_time",
        "0",
        "how long a deleted image waits, in seconds, with delayed_delete",
        |to, given| {
            let seconds = given.number(0..=i64::MAX)?;
            to.settings.scrub_time_s = seconds.unsigned_abs();
            Ok(())
        },
    ),
    key(
        "show_image_direct_url",
        "false",
        "whether records show the url of their data",
        |to, given| {
            to.front.show_image_direct_url = given.flag()?;
            Ok(())
        },
    ),
    key(
        "show_multiple_locations",
        "false",
        "whether records show locations",
        |to, given| {
            to.settings.show_multiple_locations = given.flag()?;
            Ok(())
        },
    ),
    key(
        "user_storage_quota",
        "0",
        "most bytes of data of each project, each copy counted, as 5GB (powers of 1024); 0 for no limit",
        |to, given| {
            let text = given.canonical().unwrap_or_default();
            let quota = smalti::quota::storage_quota(&text);
            to.settings.user_storage_quota = quota.map_err(|error| given.wrong(error.message()))?;
            Ok(())
        },
    ),
];

/// Reads a list without which no request could be served.
fn some_words<T: FromStr<Err: fmt::Display>>(given: &Given) -> Outcome<Vec<T>> {
    match given.words()? {
        words if words.is_empty() => {
            let none = given.wrong("names no format, so that every image would be refused");
            Err(none.with_hint("name one at least, or leave the key out to take all"))
        }
        words => Ok(words),
    }
}

/// Reads the base of links: a url without the path of the API.
fn endpoint(given: &Given) -> Outcome<String> {
    let text = given.text()?;
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let is_one = |rest: &str| {
        let is_split = rest.contains(|c: char| c.is_whitespace() || c.is_control());
        !rest.is_empty() && !rest.starts_with('/') && !is_split
    };
    let rest = rest.filter(|rest| is_one(rest));
    let rest = rest.ok_or_else(|| given.not("a url, http://HOST or https://HOST"))?;
    if let Some(part) = rest.chars().find(|c| ['?', '#'].contains(c)) {
        return Err(given.wrong(format_args!("has a {part:?}: links are made of it")));
    }
    let base = text.trim_end_matches('/');
    match rest.trim_end_matches('/').ends_with("/v2") {
        true => Err(given.wrong("ends in /v2, which links have behind it")),
        false => Ok(base.to_owned()),
    }
}
