//! A query as a whole: made by a host step by step, or read from a query string, and printed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::filters::{
    Filters, MemberFilter, NumberField, NumberTest, Scope, TextField, TextTest, TimeField, TimeTest,
};
use super::form::Parameters;
use super::link::MARKER;
use super::order::{self, Direction, SortKey};
use super::parse;
use crate::clock::Timestamp;
use crate::id::{ImageId, ProjectId};
use crate::image::{ContainerFormat, Digest, DiskFormat, MemberStatus, Status, Visibility};

/// What a list of images is asked for.
///
/// It is made by methods, each of which adds a filter, or read from the query string of a request;
/// [`Display`](fmt::Display) prints the query string that is read back as the same query. All
/// filters hold at once; without any, a list has what the caller may list by default, newest first.
/// A filter that is set again, tags aside, replaces the one before.
///
/// A query string is read up to [`QUERY_PARAMS_MAX`](crate::limits::QUERY_PARAMS_MAX) parameters and
/// [`QUERY_LIST_MAX`](crate::limits::QUERY_LIST_MAX) values in a list; methods have no such bound.
///
/// # Examples
/// ```
/// use smalti::query::{Direction, ListQuery, SortKey};
/// use smalti::image::Visibility;
///
/// let query = ListQuery::new()
///     .visibility(Visibility::Public)
///     .tag("stable")
///     .property("os_distro", "debian")
///     .sort([(SortKey::Name, Direction::Ascending)])
///     .with_limit(100);
/// let text = "visibility=public&tag=stable&os_distro=debian&sort=name%3Aasc&limit=100";
/// assert_eq!(query.to_string(), text);
/// assert_eq!(text.parse::<ListQuery>()?, query);
/// # Ok::<(), smalti::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ListQuery {
    /// As asked for; everything else here follows from it.
    pub(super) parameters: Parameters,
    pub(super) filters: Filters,
    pub(super) order: Vec<(SortKey, Direction)>,
    pub(super) marker: Option<ImageId>,
    pub(super) limit: Option<u64>,
}

/// How many images a page holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "the API has these two options")]
pub struct PageLimits {
    /// Images on a page whose query does not say how many. Default 25 (`limit_param_default`).
    pub default: u64,
    /// Most images on a page, whatever the query says. Default 1000 (`api_limit_max`).
    pub max: u64,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self {
            default: 25,
            max: 1000,
        }
    }
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            parameters: Parameters::default(),
            filters: Filters::default(),
            order: order::whole(&[]),
            marker: None,
            limit: None,
        }
    }
}

impl ListQuery {
    /// Begins a query that asks for nothing in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for images of this name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.text(TextField::Name, TextTest::Is(name.into()))
    }

    /// Asks for images of one of these names; of none if there are none.
    pub fn names<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.text(TextField::Name, one_of(names))
    }

    /// Asks for the images of these ids.
    pub fn ids(self, ids: impl IntoIterator<Item = ImageId>) -> Self {
        let ids = ids.into_iter().map(|id| id.to_string());
        self.text(TextField::Id, one_of(ids))
    }

    /// Asks for images in one of these statuses. Killed and deleted ones are never listed.
    pub fn statuses(self, statuses: impl IntoIterator<Item = Status>) -> Self {
        let words = statuses.into_iter().map(Status::as_str);
        self.text(TextField::Status, one_of(words))
    }

    /// Asks for images of one of these formats of the disk.
    pub fn disk_formats(self, formats: impl IntoIterator<Item = DiskFormat>) -> Self {
        let words = formats.into_iter().map(DiskFormat::as_str);
        self.text(TextField::DiskFormat, one_of(words))
    }

    /// Asks for images of one of these formats of what stands around the disk.
    pub fn container_formats(self, formats: impl IntoIterator<Item = ContainerFormat>) -> Self {
        let words = formats.into_iter().map(ContainerFormat::as_str);
        self.text(TextField::ContainerFormat, one_of(words))
    }

    /// Asks for images whose time stands so to the second of `bound`.
    pub fn time(mut self, field: TimeField, test: TimeTest, bound: Timestamp) -> Self {
        let value = format!("{}:{bound}", test.as_str());
        self.parameters.set(field.as_str(), value);
        self.filters.set_time(field, test, bound.as_secs());
        self
    }

    /// Asks for images whose number stands so to `bound`.
    pub fn number(mut self, field: NumberField, test: NumberTest, bound: i64) -> Self {
        let name = format!("{}{}", field.as_str(), test.suffix());
        self.parameters.set(&name, bound.to_string());
        self.filters.set_number(field, test, bound);
        self
    }

    /// Asks for images that are protected against deletion.
    pub fn protected(self) -> Self {
        self.protected_is(true)
    }

    /// Asks for images that are not protected against deletion.
    pub fn unprotected(self) -> Self {
        self.protected_is(false)
    }

    /// Asks for hidden images instead of the others.
    pub fn hidden(mut self) -> Self {
        self.parameters.set("os_hidden", "true");
        self.filters.hidden = true;
        self
    }

    /// Asks for images that a project owns.
    pub fn owner(mut self, owner: &ProjectId) -> Self {
        self.parameters.set("owner", owner.as_str());
        self.filters.owner = Some(owner.to_string());
        self
    }

    /// Asks for images whose data has this MD5.
    pub fn checksum(mut self, checksum: &Digest) -> Self {
        let checksum = checksum.to_string();
        self.parameters.set("checksum", checksum.as_str());
        self.filters.checksum = Some(checksum);
        self
    }

    /// Asks for images whose data was hashed by this algorithm.
    pub fn os_hash_algo(mut self, algorithm: impl Into<String>) -> Self {
        let algorithm = algorithm.into();
        self.parameters.set("os_hash_algo", algorithm.as_str());
        self.filters.os_hash_algo = Some(algorithm);
        self
    }

    /// Asks for images whose data has this digest.
    pub fn os_hash_value(mut self, digest: &Digest) -> Self {
        let digest = digest.to_string();
        self.parameters.set("os_hash_value", digest.as_str());
        self.filters.os_hash_value = Some(digest);
        self
    }

    /// Asks for images that have this tag too; blanks around it do not count.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        let tag = tag.into();
        self.filters.add_tag(tag.trim());
        self.parameters.push("tag", tag);
        self
    }

    /// Asks for images that have this custom property with this value.
    ///
    /// A name for which lists have another use (`name`, `limit`) is that of no property: nothing is
    /// found then, as for the empty tag, which the query prints.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        if !parse::is_property(&name) {
            return self.tag("");
        }
        self.parameters.set(&name, value.as_str());
        self.filters.properties.insert(name, value);
        self
    }

    /// Asks for images of one visibility: with `Community`, those of other projects too.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.parameters.set("visibility", visibility.as_str());
        self.filters.scope = Scope::Is(visibility);
        self
    }

    /// Asks for images of every visibility, community images of other projects among them.
    pub fn every_visibility(mut self) -> Self {
        self.parameters.set("visibility", "all");
        self.filters.scope = Scope::All;
        self
    }

    /// Asks, among images that are shared with the caller, for those of which it has decided this;
    /// without it for those that it has accepted.
    pub fn member_status(mut self, status: MemberStatus) -> Self {
        self.parameters.set("member_status", status.as_str());
        self.filters.member_status = MemberFilter::Is(status);
        self
    }

    /// Asks for all images that are shared with the caller.
    pub fn every_member_status(mut self) -> Self {
        self.parameters.set("member_status", "all");
        self.filters.member_status = MemberFilter::All;
        self
    }

    /// Sorts by these keys, the first one first; newest first if there are none.
    pub fn sort(mut self, keys: impl IntoIterator<Item = (SortKey, Direction)>) -> Self {
        let keys: Vec<_> = keys.into_iter().collect();
        let words = keys
            .iter()
            .map(|(key, direction)| format!("{key}:{direction}"));
        let value = words.collect::<Vec<_>>().join(",");
        for name in ["sort", "sort_key", "sort_dir"] {
            self.parameters.remove(name);
        }
        if !keys.is_empty() {
            self.parameters.push("sort", value);
        }
        self.order = order::whole(&keys);
        self
    }

    /// Asks for so many images on a page; 0 is legal, and more than are allowed means these.
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.parameters.set("limit", limit.to_string());
        self.limit = Some(limit);
        self
    }

    /// Asks for the page that follows an image that the caller sees, whether it is listed or not.
    pub fn with_marker(mut self, marker: ImageId) -> Self {
        self.parameters.set(MARKER, marker.to_string());
        self.marker = Some(marker);
        self
    }

    fn text(mut self, field: TextField, test: TextTest) -> Self {
        self.parameters.set(field.as_str(), test.to_string());
        self.filters.set_text(field, test);
        self
    }

    fn protected_is(mut self, wanted: bool) -> Self {
        self.parameters.set("protected", wanted.to_string());
        self.filters.protected = Some(wanted);
        self
    }
}

/// What was asked for.
impl ListQuery {
    /// Returns the filters.
    pub(crate) fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Returns what images are sorted by, each key once, with the keys that break ties: the order
    /// is total.
    pub fn order(&self) -> &[(SortKey, Direction)] {
        &self.order
    }

    /// Returns the image that the page follows.
    pub fn marker(&self) -> Option<&ImageId> {
        self.marker.as_ref()
    }

    /// Returns how many images were asked for, if that was said; a number beyond `u64` is the last
    /// one there is.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Returns how many images a full page of this query holds.
    pub fn page_len(&self, limits: &PageLimits) -> u64 {
        self.limit.unwrap_or(limits.default).min(limits.max)
    }

    /// Tells whether it asks for all there is, in order of creation.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_plain(&self) -> bool {
        order::of_creation(&self.order).is_some() && self.filters == Filters::default()
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// Prints the query string, without `?`: all parameters as they were asked for, in order.
impl fmt::Display for ListQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parameters.fmt(f)
    }
}

fn one_of<T: Into<String>>(words: impl IntoIterator<Item = T>) -> TextTest {
    TextTest::of(words.into_iter().map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests that a query prints so, and is read back as it was.
    #[track_caller]
    fn check(query: ListQuery, printed: &str) {
        assert_eq!(query.to_string(), printed);
        assert_eq!(printed.parse::<ListQuery>().unwrap(), query, "{printed}");
    }

    fn id(last: u8) -> ImageId {
        ImageId::from_bytes([[0; 15].as_slice(), &[last]].concat().try_into().unwrap())
    }

    #[test]
    fn every_method_makes_the_query_that_its_parameter_makes() {
        use Direction::{Ascending, Descending};
        let new = ListQuery::new;
        let digest: Digest = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let second = Timestamp::from_micros(1_700_000_000_500_000);
        check(new(), "");
        check(new().name("a b"), "name=a+b");
        check(new().name("a:b"), "name=eq%3Aa%3Ab");
        check(
            new().name("2024-01-01T00:00:02Z"),
            "name=eq%3A2024-01-01T00%3A00%3A02Z",
        );
        check(new().name("in:a"), "name=eq%3Ain%3Aa");
        check(new().name(""), "name=");
        check(new().names(["b", "a", "b"]), "name=in%3Aa%2Cb");
        check(
            new().names(["a,\\\"", ""]),
            "name=in%3A%22%22%2C%22a%2C%5C%5C%5C%22%22",
        );
        check(new().names([""; 0]), "name=in%3A");
        check(
            new().ids([id(1)]),
            "id=in%3A00000000-0000-0000-0000-000000000001",
        );
        check(
            new().statuses([Status::Queued, Status::Active]),
            "status=in%3Aactive%2Cqueued",
        );
        check(
            new().disk_formats([DiskFormat::Raw]),
            "disk_format=in%3Araw",
        );
        check(
            new().container_formats([ContainerFormat::Ova]),
            "container_format=in%3Aova",
        );
        for (test, word) in [
            (TimeTest::Gt, "gt"),
            (TimeTest::Gte, "gte"),
            (TimeTest::Lt, "lt"),
            (TimeTest::Lte, "lte"),
            (TimeTest::Eq, "eq"),
            (TimeTest::Neq, "neq"),
        ] {
            let printed = format!("updated_at={word}%3A2023-11-14T22%3A13%3A20Z");
            check(new().time(TimeField::UpdatedAt, test, second), &printed);
        }
        check(
            new().time(TimeField::CreatedAt, TimeTest::Gt, Timestamp::MIN),
            "created_at=gt%3A0000-01-01T00%3A00%3A00Z",
        );
        check(
            new()
                .number(NumberField::Size, NumberTest::Min, i64::MIN)
                .number(NumberField::Size, NumberTest::Max, i64::MAX),
            "size_min=-9223372036854775808&size_max=9223372036854775807",
        );
        check(
            new().number(NumberField::VirtualSize, NumberTest::Is, 1),
            "virtual_size=1",
        );
        check(
            new().number(NumberField::MinRam, NumberTest::Min, 1),
            "min_ram_min=1",
        );
        check(
            new().number(NumberField::MinDisk, NumberTest::Max, 1),
            "min_disk_max=1",
        );
        check(new().protected(), "protected=true");
        check(new().protected().unprotected(), "protected=false");
        check(new().hidden(), "os_hidden=true");
        check(new().owner(&ProjectId::new("p 1").unwrap()), "owner=p+1");
        check(new().checksum(&digest), &format!("checksum={digest}"));
        check(
            new().os_hash_value(&digest),
            &format!("os_hash_value={digest}"),
        );
        check(new().os_hash_algo("sha512"), "os_hash_algo=sha512");
        check(new().tag("a").tag(" b ").tag("a"), "tag=a&tag=+b+&tag=a");
        check(new().property("k", "in:v").property("k", "w"), "k=w");
        check(new().property("limit", "5"), "tag=");
        check(new().property("size_min", "5"), "tag=");
        check(
            new().visibility(Visibility::Community),
            "visibility=community",
        );
        check(
            new().visibility(Visibility::Public).every_visibility(),
            "visibility=all",
        );
        check(
            new().member_status(MemberStatus::Rejected),
            "member_status=rejected",
        );
        check(new().every_member_status(), "member_status=all");
        check(new().sort([(SortKey::Size, Ascending)]), "sort=size%3Aasc");
        check(
            new().sort([(SortKey::Id, Ascending), (SortKey::Id, Descending)]),
            "sort=id%3Aasc%2Cid%3Adesc",
        );
        check(new().sort([(SortKey::Id, Ascending)]).sort([]), "");
        check(
            new().with_limit(5).with_limit(u64::MAX),
            "limit=18446744073709551615",
        );
        check(
            new()
                .with_limit(0)
                .with_marker(id(1))
                .with_marker(id(2))
                .tag("a"),
            "limit=0&marker=00000000-0000-0000-0000-000000000002&tag=a",
        );
        let older: ListQuery = "sort_key=name&sort_dir=asc&a=b".parse().unwrap();
        check(
            older.sort([(SortKey::Status, Descending)]),
            "a=b&sort=status%3Adesc",
        );
    }

    #[test]
    fn a_page_is_as_long_as_asked_for_within_the_limit() {
        let limits = PageLimits::default();
        for (text, len) in [
            ("", 25),
            ("limit=0", 0),
            ("limit=1000", 1000),
            ("limit=1001", 1000),
        ] {
            let query: ListQuery = text.parse().unwrap();
            assert_eq!(query.page_len(&limits), len, "{text}");
        }
        let small = PageLimits { default: 5, max: 2 };
        assert_eq!(ListQuery::new().page_len(&small), 2);
    }
}
