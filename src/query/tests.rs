//! Lists against the vectors of filters and sorting, and what the vectors leave open.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use super::{ListQuery, MemberFilter, PageLimits, Scope, TextField, TextTest, compare, seconds_of};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, ImageParts, MemberStatus, Status, Visibility};

const FILTERS: &str = include_str!("../../tests/vectors/filters.json");
const SORT: &str = include_str!("../../tests/vectors/sort.json");

/// An image of a data set, and whom it is shared with.
struct Row {
    image: Image,
    members: BTreeMap<String, MemberStatus>,
}

/// Who asks.
#[derive(Clone, Copy)]
struct Asker<'a> {
    project: Option<&'a str>,
    is_admin: bool,
}

const ADMIN: Asker<'static> = Asker {
    project: Some("p9"),
    is_admin: true,
};

fn rows(file: &Value) -> Vec<Row> {
    file["dataset"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

fn row(value: &Value) -> Row {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let time = |name: &str| {
        let seconds = seconds_of(value[name].as_str().unwrap()).unwrap();
        Timestamp::from_micros(seconds * 1_000_000)
    };
    let small = |name: &str| u32::try_from(value[name].as_u64().unwrap()).unwrap();
    let tags = value["tags"].as_array().unwrap().iter();
    let pairs = value["properties"].as_object().unwrap().iter();
    let parts = ImageParts {
        id: text("id").unwrap().parse().unwrap(),
        revision: 1,
        name: text("name"),
        status: text("status").unwrap().parse().unwrap(),
        visibility: text("visibility").unwrap().parse().unwrap(),
        protected: value["protected"].as_bool().unwrap(),
        os_hidden: value["os_hidden"].as_bool().unwrap(),
        owner: text("owner").map(|owner| ProjectId::new(owner).unwrap()),
        disk_format: text("disk_format").map(|word| word.parse().unwrap()),
        container_format: text("container_format").map(|word| word.parse().unwrap()),
        min_disk: small("min_disk"),
        min_ram: small("min_ram"),
        created_at: time("created_at"),
        updated_at: time("updated_at"),
        size: value["size"].as_u64(),
        virtual_size: value["virtual_size"].as_u64(),
        checksum: text("checksum").map(|hex| hex.parse().unwrap()),
        os_hash_algo: None,
        os_hash_value: text("os_hash_value").map(|hex| hex.parse().unwrap()),
        tags: tags.map(|tag| tag.as_str().unwrap()).collect(),
        properties: pairs
            .map(|(name, text)| (name, text.as_str().unwrap()))
            .collect(),
        locations: Vec::new(),
    };
    let members = value["members"].as_object().unwrap().iter();
    Row {
        image: Image::from_parts(parts).unwrap(),
        members: members
            .map(|(name, word)| (name.clone(), word.as_str().unwrap().parse().unwrap()))
            .collect(),
    }
}

impl Row {
    fn is_owned_by(&self, asker: Asker<'_>) -> bool {
        self.image.owner().map(ProjectId::as_str) == asker.project && asker.project.is_some()
    }

    fn is_shared_with(&self, asker: Asker<'_>, wanted: MemberFilter) -> bool {
        let status = asker.project.and_then(|project| self.members.get(project));
        self.image.visibility() == Visibility::Shared
            && match wanted {
                MemberFilter::Is(wanted) => status == Some(&wanted),
                MemberFilter::All => status.is_some(),
            }
    }

    /// Answers by section 2 of the specification of lists.
    fn is_candidate(&self, asker: Asker<'_>, query: &ListQuery) -> bool {
        use Status::{Deleted, Killed, PendingDelete};
        use Visibility::{Community, Private, Public, Shared};
        let (visibility, filters) = (self.image.visibility(), query.filters());
        let is_mine = self.is_owned_by(asker);
        let is_listed = is_mine || self.is_shared_with(asker, filters.member_status);
        let by_default = match visibility {
            Community => is_mine,
            Public => true,
            Shared => is_listed || asker.is_admin,
            Private => is_mine || asker.is_admin,
        };
        let is_in_scope = match filters.scope {
            Scope::Default => by_default,
            Scope::All => by_default || visibility == Community,
            Scope::Is(wanted) => wanted == visibility && (by_default || visibility == Community),
        };
        is_in_scope && !matches!(self.image.status(), Killed | Deleted | PendingDelete)
    }

    fn is_visible(&self, asker: Asker<'_>) -> bool {
        use Visibility::{Community, Public};
        matches!(self.image.visibility(), Public | Community)
            || asker.is_admin
            || self.is_owned_by(asker)
            || self.is_shared_with(asker, MemberFilter::All)
    }
}

/// Answers a list naively: the images of a page and its link to the next.
fn list(
    rows: &[Row],
    asker: Asker<'_>,
    text: &str,
    limits: &PageLimits,
) -> Result<(Vec<ImageId>, Option<ImageId>)> {
    let query: ListQuery = text.parse()?;
    assert_eq!(
        query.to_string().parse::<ListQuery>().unwrap(),
        query,
        "{text}"
    );
    let marker = query.marker().map(|marker| {
        let mut seen = rows.iter().filter(|row| row.is_visible(asker));
        let found = seen.find(|row| row.image.id() == marker);
        found.ok_or_else(|| Error::new(ErrorCode::InvalidMarker, "not there"))
    });
    let marker = marker.transpose()?;
    let candidates = rows.iter().filter(|row| row.is_candidate(asker, &query));
    let mut images: Vec<&Image> = candidates.map(|row| &row.image).collect();
    images.retain(|image| query.filters().matches(image));
    images.sort_by(|a, b| compare(a, b, query.order()));
    images.retain(|image| {
        marker.is_none_or(|marker| compare(image, &marker.image, query.order()).is_gt())
    });
    let len = usize::try_from(query.page_len(limits)).unwrap();
    images.truncate(len);
    let last = images
        .last()
        .filter(|_| images.len() == len)
        .map(|image| *image.id());
    if let Some(last) = &last {
        let link = query.next_link("/v2/images", last);
        let next: ListQuery = link.strip_prefix("/v2/images?").unwrap().parse().unwrap();
        assert_eq!(next, query.clone().with_marker(*last), "{text}");
    }
    Ok((images.into_iter().map(|image| *image.id()).collect(), last))
}

fn check(vector: &Value, answer: Result<(Vec<ImageId>, Option<ImageId>)>) {
    let (id, expected) = (&vector["id"], &vector["expect"]);
    match answer {
        Err(error) => {
            assert_eq!(expected["error"], error.code().name(), "{id}: {error}");
            assert_eq!(expected["status"], error.http_status(), "{id}");
        }
        Ok((images, next)) => {
            assert_eq!(expected["status"], 200, "{id}");
            let images = serde_json::to_value(images).unwrap();
            assert_eq!(expected["images"], images, "{id}: {}", vector["reason"]);
            if let Some(expected) = expected.get("next_marker") {
                assert_eq!(*expected, serde_json::to_value(next).unwrap(), "{id}");
            }
        }
    }
}

/// Runs the vectors of a file and tells how many there were.
fn run(name: &str, text: &str, answer: impl Fn(&Value, &[Row], &Value)) {
    let file: Value = serde_json::from_str(text).unwrap();
    let (rows, vectors) = (rows(&file), file["vectors"].as_array().unwrap());
    vectors
        .iter()
        .for_each(|vector| answer(&file, &rows, vector));
    println!("{} vectors of {name} ran", vectors.len());
    assert_eq!(file["count"].as_u64(), Some(vectors.len() as u64));
}

#[test]
fn the_vectors_of_filters_hold() {
    run("filters", FILTERS, |file, rows, vector| {
        let actor = ["actor", "as"]
            .iter()
            .find_map(|name| vector.get(name)?.as_str());
        let actor = &file["actors"][actor.unwrap()];
        let asker = Asker {
            project: actor["project"].as_str(),
            is_admin: actor["is_admin"].as_bool().unwrap(),
        };
        let text = vector["query"].as_str().unwrap();
        let answer = match asker.project {
            Some(_) => list(rows, asker, text, &PageLimits::default()),
            // Who may list at all is for policy; the query is sound.
            None => Err(Error::new(ErrorCode::Forbidden, "no project")),
        };
        check(vector, answer);
    });
}

#[test]
fn the_vectors_of_sorting_hold() {
    run("sort", SORT, |_, rows, vector| {
        let mut limits = PageLimits::default();
        let config = |name: &str| vector["config"][name].as_u64();
        limits.default = config("limit_param_default").unwrap_or(limits.default);
        limits.max = config("api_limit_max").unwrap_or(limits.max);
        let text = vector["query"].as_str().unwrap();
        let asker = Asker {
            project: Some("p1"),
            is_admin: false,
        };
        check(vector, list(rows, asker, text, &limits));
    });
}

#[test]
fn pages_neither_lose_nor_repeat_an_image_in_any_order() {
    let file: Value = serde_json::from_str(SORT).unwrap();
    let (rows, limits) = (rows(&file), PageLimits::default());
    let keys = [
        "name",
        "status",
        "container_format",
        "disk_format",
        "size",
        "id",
        "created_at",
        "updated_at",
    ];
    for (key, direction) in keys.iter().flat_map(|key| [(key, "asc"), (key, "desc")]) {
        let (whole, _) = list(&rows, ADMIN, &format!("sort={key}:{direction}"), &limits).unwrap();
        for len in 1..=whole.len() {
            let (mut pages, mut marker) = (Vec::new(), String::new());
            loop {
                let text = format!("sort={key}:{direction}&limit={len}{marker}");
                let (page, next) = list(&rows, ADMIN, &text, &limits).unwrap();
                pages.extend(page);
                let Some(next) = next else { break };
                marker = format!("&marker={next}");
            }
            assert_eq!(pages, whole, "{key}:{direction} by {len}");
        }
    }
}

#[track_caller]
fn refused(text: &str, code: ErrorCode) {
    let error = text.parse::<ListQuery>().expect_err(text);
    assert_eq!((error.code(), error.http_status()), (code, 400), "{text}");
    assert!(error.message().len() < 400, "{error}");
}

#[test]
fn the_first_fault_is_reported_and_values_that_do_not_count_have_none() {
    refused("limit=x&visibility=y", ErrorCode::InvalidLimit);
    refused("visibility=y&limit=x", ErrorCode::InvalidVisibility);
    refused("sort=x&limit=x", ErrorCode::InvalidLimit);
    refused("sort=x&sort_key=y", ErrorCode::SortSyntaxMixed);
    refused("sort=name&sort=name", ErrorCode::RepeatedParameter);
    refused("marker=x&marker=y", ErrorCode::RepeatedParameter);
    refused("size_min=x&a=%FF", ErrorCode::InvalidFilterValue);
    refused("size_min=1&size_min=x", ErrorCode::InvalidFilterValue);
    refused("tags=", ErrorCode::UnsupportedFilter);
    refused("sort_dir=", ErrorCode::InvalidSortDir);
    refused("sort=name:asc,", ErrorCode::InvalidSortKey);
    for text in [
        "size_min=x&size_min=1",
        "name=a:b&name=a",
        "changes-since=",
        "sort=name:%20",
    ] {
        assert!(text.parse::<ListQuery>().is_ok(), "{text}");
    }
}

#[test]
fn messages_name_the_value_and_stay_short() {
    for (text, message) in [
        ("limit=-1", "limit \"-1\" is not a whole number, 0 or more"),
        ("size_min=big", "size_min \"big\" is not a whole number"),
        (
            "created_at=gt:x",
            "created_at \"x\" is not a time of ISO 8601",
        ),
        (
            "created_at=in:x",
            "filter operator \"in\" is not one of gt, gte, lt, lte, eq, neq",
        ),
        ("name=x:y", "filter operator \"x\" is not one of eq, in"),
        ("os_hidden=1", "os_hidden \"1\" is not one of true, false"),
        (
            "sort_dir=ASC",
            "sort direction \"ASC\" is not one of asc, desc",
        ),
        (
            "sort_dir=asc&sort_dir=asc",
            "2 sort directions for 0 sort keys",
        ),
        ("limit=1&limit=1", "limit stands there more than once"),
        ("tags=x", "lists have no filter tags"),
    ] {
        let error = text.parse::<ListQuery>().unwrap_err();
        assert_eq!(error.message(), message, "{text}");
    }
    let long = "x".repeat(100_000);
    for name in [
        "limit",
        "marker",
        "visibility",
        "sort",
        "size",
        "created_at",
        "protected",
    ] {
        let error = format!("{name}={long}").parse::<ListQuery>().unwrap_err();
        assert!(error.message().len() < 250, "{error}");
    }
}

#[test]
fn repeated_filters_leave_one_test_each() {
    let query: ListQuery = "name=a&name=in:b&size_min=1&size_min=2&size=3&k=1&k=2"
        .parse()
        .unwrap();
    let filters = query.filters();
    let expected = [(TextField::Name, TextTest::In(vec!["b".to_owned()]))];
    assert_eq!(filters.texts, expected);
    assert_eq!(filters.numbers.len(), 2);
    assert_eq!(filters.properties.values().collect::<Vec<_>>(), ["2"]);
}

#[test]
fn filters_that_no_image_passes_are_known_before() {
    for text in [
        "self=",
        "file=x",
        "schema=x",
        "direct_url=x",
        "locations=x",
        "stores=x",
        "tag=",
        "tag=+",
        "os_glance_stage_host=",
        "os_glance_hash_op_host=x",
    ] {
        let query: ListQuery = text.parse().unwrap();
        assert!(query.filters().nothing, "{text}");
    }
    for text in [
        "os_glance_import_task=x",
        "members=x",
        "location=x",
        "created_at_min=1",
        "=x",
    ] {
        let query: ListQuery = text.parse().unwrap();
        assert!(!query.filters().nothing, "{text}");
        assert_eq!(query.filters().properties.len(), 1, "{text}");
    }
}

/// The bound of the specification for bad input is 50 ms; this allows for a slow machine.
#[test]
fn no_query_of_a_mebibyte_takes_long() {
    let whole = |piece: &str| piece.repeat((1 << 20) / piece.len());
    let marks = "name=in:".to_owned() + &whole("\"\\\"\",");
    for text in [
        whole("a&"),
        whole("&"),
        whole("%41"),
        whole("a=\u{e9}"),
        whole("tag=a&"),
        whole("a"),
        "sort=".to_owned() + &whole("name,"),
        "sort=".to_owned() + &whole("name:asc,") + "name",
        "name=in:".to_owned() + &whole("a,"),
        "name=in:".to_owned() + &whole(","),
        "name=in:\"".to_owned() + &whole("\\\""),
        marks,
        "limit=".to_owned() + &whole("9"),
        "size_min=-".to_owned() + &whole("9"),
        "created_at=2024-01-01T00:00:00.".to_owned() + &whole("9"),
        (0..4096)
            .map(|at| format!("{}{at}=x&", "k".repeat(240)))
            .collect(),
    ] {
        let start = Instant::now();
        let query = text.parse::<ListQuery>();
        let shown = query.map(|query| query.to_string().len());
        let took = start.elapsed().as_millis();
        println!("{took} ms for {text:.20}");
        assert!(took < 500, "{took} ms for {text:.40} ({shown:?})");
    }
}
