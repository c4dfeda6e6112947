//! Documents against their literal text, and read back by a client.

use serde_json::{Value, json};

use super::{
    ErrorAnswer, ErrorDocument, ImageAnswer, ImageDocument, ImageOptions, ImageTasksDocument,
    ListAnswer, ListDocument, MemberAnswer, MemberDocument, MembersAnswer, MembersDocument,
    TaskDocument, TaskListDocument,
};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::id::{ImageId, ProjectId};
use crate::image::{
    ContainerFormat, DiskFormat, Image, ImageParts, Location, Member, MemberStatus, Status,
    TextMap, TextSet, Visibility,
};
use crate::query::{ListQuery, PageLimits};
use crate::task::{Task, TaskKind, TaskStatus};

const DAY: i64 = 86_400_000_000;

fn id(byte: u8) -> ImageId {
    ImageId::from_bytes([byte; 16])
}

fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

/// Makes the record of an image of which nothing is known.
fn bare() -> ImageParts {
    ImageParts {
        id: id(0x11),
        revision: 1,
        name: None,
        status: Status::Queued,
        visibility: Visibility::Shared,
        protected: false,
        os_hidden: false,
        owner: None,
        disk_format: None,
        container_format: None,
        min_disk: 0,
        min_ram: 0,
        created_at: Timestamp::from_micros(DAY),
        updated_at: Timestamp::from_micros(DAY + 1_999_999),
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        tags: TextSet::default(),
        properties: TextMap::default(),
        locations: Vec::new(),
    }
}

/// Makes the record of an image of which everything is known.
fn full() -> Image {
    let properties = [
        ("os_distro", "debian"),
        ("os_glance_import_task", "t"),
        ("os_glance_stage_host", "http://inside"),
        ("os_glance_hash_op_host", "http://inside"),
        ("a \"quoted\" name", "\u{e9}\n"),
    ];
    let parts = ImageParts {
        name: Some("debian \"12\"".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        protected: true,
        os_hidden: true,
        owner: Some(project("p1")),
        disk_format: Some(DiskFormat::Qcow2),
        container_format: Some(ContainerFormat::Bare),
        min_disk: 2,
        min_ram: 512,
        size: Some(1 << 40),
        virtual_size: Some(1 << 41),
        checksum: Some("d41d8cd98f00b204e9800998ecf8427e".parse().unwrap()),
        os_hash_algo: Some("sha256".into()),
        os_hash_value: Some("ab".repeat(32).parse().unwrap()),
        tags: ["b", "a"].into_iter().collect(),
        properties: properties.into_iter().collect(),
        locations: vec![
            Location::named("file:///slow/1", "slow"),
            Location::named("file:///fast/1", "fast"),
        ],
        ..bare()
    };
    Image::from_parts(parts).unwrap()
}

fn text(document: &impl serde::Serialize) -> String {
    serde_json::to_string(document).unwrap()
}

#[test]
fn an_image_without_anything_shows_every_base_property() {
    let image = Image::from_parts(bare()).unwrap();
    let expected = concat!(
        r#"{"id":"11111111-1111-1111-1111-111111111111","name":null,"status":"queued","#,
        r#""visibility":"shared","protected":false,"os_hidden":false,"owner":null,"#,
        r#""disk_format":null,"container_format":null,"min_disk":0,"min_ram":0,"tags":[],"#,
        r#""size":null,"virtual_size":null,"checksum":null,"os_hash_algo":null,"#,
        r#""os_hash_value":null,"created_at":"1970-01-02T00:00:00Z","#,
        r#""updated_at":"1970-01-02T00:00:01Z","#,
        r#""self":"/v2/images/11111111-1111-1111-1111-111111111111","#,
        r#""file":"/v2/images/11111111-1111-1111-1111-111111111111/file","#,
        r#""schema":"/v2/schemas/image"}"#,
    );
    assert_eq!(text(&ImageDocument::new(&image)), expected);
}

#[test]
fn an_image_with_everything_hides_what_is_internal() {
    let image = full();
    let value = serde_json::to_value(ImageDocument::new(&image)).unwrap();
    let expected = r#"{
        "id": "11111111-1111-1111-1111-111111111111",
        "name": "debian \"12\"",
        "status": "active",
        "visibility": "public",
        "protected": true,
        "os_hidden": true,
        "owner": "p1",
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": 2,
        "min_ram": 512,
        "tags": ["a", "b"],
        "size": 1099511627776,
        "virtual_size": 2199023255552,
        "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        "os_hash_algo": "sha256",
        "os_hash_value": "abababababababababababababababababababababababababababababababab",
        "created_at": "1970-01-02T00:00:00Z",
        "updated_at": "1970-01-02T00:00:01Z",
        "self": "/v2/images/11111111-1111-1111-1111-111111111111",
        "file": "/v2/images/11111111-1111-1111-1111-111111111111/file",
        "schema": "/v2/schemas/image",
        "os_distro": "debian",
        "os_glance_import_task": "t",
        "a \"quoted\" name": "\u00e9\n"
    }"#;
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(value, expected);
}

#[test]
fn images_and_pages_are_printed_as_by_serde_json() {
    let images = [Image::from_parts(bare()).unwrap(), full()];
    let options = ImageOptions::new().direct_url(&[]).stores().locations();
    let documents = images.iter().flat_map(|image| {
        let document = ImageDocument::new(image);
        [
            document,
            document.with_options(options),
            document.with_options(options.closed()),
        ]
    });
    let documents: Vec<_> = documents.collect();
    for document in &documents {
        let mut printed = String::new();
        document.print(&mut printed);
        assert_eq!(printed, text(document));
    }
    let limits = PageLimits { default: 3, max: 6 };
    for (query, count) in [("", 0), ("", 3), ("limit=6&name=a%22b", 6)] {
        let query: ListQuery = query.parse().unwrap();
        let list = ListDocument::new(&query, &limits, documents[..count].to_vec());
        let mut printed = String::new();
        list.print(&mut printed);
        assert_eq!(printed, text(&list));
    }
}

#[track_caller]
fn check_places(options: ImageOptions<'_>, direct_url: Value, stores: Value, locations: Value) {
    let image = full();
    let document = ImageDocument::new(&image).with_options(options);
    let value = serde_json::to_value(document).unwrap();
    let found = ["direct_url", "stores", "locations"].map(|name| value[name].clone());
    assert_eq!(found, [direct_url, stores, locations]);
}

#[test]
fn places_are_shown_as_the_options_say() {
    let new = ImageOptions::new;
    let null = || Value::Null;
    let both = json!([
        {"url": "file:///slow/1", "metadata": {"store": "slow"}},
        {"url": "file:///fast/1", "metadata": {"store": "fast"}},
    ]);
    check_places(new(), null(), null(), null());
    check_places(
        new().direct_url(&[]),
        json!("file:///slow/1"),
        null(),
        null(),
    );
    check_places(
        new().direct_url(&["fast", "slow"].map(str::to_owned)),
        json!("file:///fast/1"),
        null(),
        null(),
    );
    check_places(
        new().direct_url(&["other", "slow"].map(str::to_owned)),
        json!("file:///slow/1"),
        null(),
        null(),
    );
    check_places(new().stores(), null(), json!("slow,fast"), null());
    check_places(new().locations(), null(), null(), both.clone());
    let fast = ["fast".to_owned()];
    let all = new().direct_url(&fast).stores().locations();
    check_places(all, json!("file:///fast/1"), json!("slow,fast"), both);
    check_places(all.closed(), null(), null(), json!([]));
    check_places(new().stores().closed(), null(), null(), null());
    let image = Image::from_parts(bare()).unwrap();
    let value = serde_json::to_value(ImageDocument::new(&image).with_options(all)).unwrap();
    assert_eq!(value["locations"], json!([]));
    assert!(value.get("direct_url").is_none() && value.get("stores").is_none());
}

#[test]
fn a_stored_property_never_stands_beside_a_base_one_of_its_name() {
    let image = Image::from_parts(bare()).unwrap();
    let value = serde_json::to_value(ImageDocument::new(&image)).unwrap();
    for name in value.as_object().unwrap().keys() {
        let mut parts = bare();
        parts.properties.insert(name.clone(), "forged".to_owned());
        let image = Image::from_parts(parts).unwrap();
        let text = text(&ImageDocument::new(&image));
        assert_eq!(text.matches(&format!("\"{name}\":")).count(), 1, "{name}");
        assert!(!text.contains("forged"), "{name}");
    }
}

#[test]
fn a_client_reads_an_image_back() {
    let image = full();
    let options = ImageOptions::new().direct_url(&[]).stores().locations();
    let document = ImageDocument::new(&image).with_options(options);
    let answer: ImageAnswer = serde_json::from_str(&text(&document)).unwrap();
    assert_eq!(answer.id, *image.id());
    assert_eq!(answer.name.as_deref(), image.name());
    assert_eq!(
        (answer.status, answer.visibility),
        (Status::Active, Visibility::Public)
    );
    assert!(answer.protected && answer.os_hidden);
    assert_eq!(answer.owner.as_ref(), image.owner());
    assert_eq!(answer.disk_format.as_deref(), Some("qcow2"));
    assert_eq!(answer.container_format.as_deref(), Some("bare"));
    assert_eq!((answer.min_disk, answer.min_ram), (2, 512));
    assert!(answer.tags.iter().eq(image.tags()));
    assert_eq!(
        (answer.size, answer.virtual_size),
        (Some(1 << 40), Some(1 << 41))
    );
    assert_eq!(answer.checksum.as_ref(), image.checksum());
    assert_eq!(answer.os_hash_algo.as_deref(), image.os_hash_algo());
    assert_eq!(answer.os_hash_value.as_ref(), image.os_hash_value());
    assert_eq!(answer.created_at, image.created_at());
    assert_eq!(answer.updated_at.as_secs(), image.updated_at().as_secs());
    assert_eq!(
        answer.link,
        "/v2/images/11111111-1111-1111-1111-111111111111"
    );
    assert_eq!(answer.file, format!("{}/file", answer.link));
    assert_eq!(answer.direct_url.as_deref(), Some("file:///slow/1"));
    assert_eq!(answer.stores.as_deref(), Some("slow,fast"));
    let locations = answer.locations.unwrap();
    assert_eq!(locations[1].url, "file:///fast/1");
    assert_eq!(locations[1].metadata["store"], "fast");
    let mut shown = image.properties().clone();
    shown.retain(|name| !name.ends_with("_host"));
    assert_eq!(answer.properties.into_iter().collect::<TextMap>(), shown);

    let image = Image::from_parts(bare()).unwrap();
    let answer: ImageAnswer = serde_json::from_str(&text(&ImageDocument::new(&image))).unwrap();
    assert_eq!((answer.name, answer.size, answer.owner), (None, None, None));
    assert_eq!((answer.direct_url, answer.locations), (None, None));
    assert!(answer.properties.is_empty());
    assert!(serde_json::from_str::<ImageAnswer>("{}").is_err());
}

#[test]
fn a_page_has_a_next_one_when_it_is_full_and_not_empty() {
    let image = full();
    let images = |count| vec![ImageDocument::new(&image); count];
    let limits = PageLimits { default: 3, max: 4 };
    let next = "/v2/images?tag=a+b&limit=2&tag=c&marker=11111111-1111-1111-1111-111111111111";
    for (query, count, expected) in [
        ("tag=a%20b&limit=2&tag=c", 2, Some(next)),
        ("limit=2", 1, None),
        ("limit=0", 0, None),
        (
            "limit=9",
            4,
            Some("/v2/images?limit=9&marker=11111111-1111-1111-1111-111111111111"),
        ),
        (
            "",
            3,
            Some("/v2/images?marker=11111111-1111-1111-1111-111111111111"),
        ),
        ("", 0, None),
    ] {
        let query: ListQuery = query.parse().unwrap();
        let text = text(&ListDocument::new(&query, &limits, images(count)));
        assert!(
            text.ends_with(r#","schema":"/v2/schemas/images"}"#),
            "{text}"
        );
        let answer: ListAnswer = serde_json::from_str(&text).unwrap();
        assert_eq!(answer.next.as_deref(), expected, "{query}");
        assert_eq!(text.contains("\"next\":"), expected.is_some(), "{query}");
        assert_eq!(answer.first, query.first_link("/v2/images"));
        assert_eq!(answer.images.len(), count);
    }
    let empty = text(&ListDocument::new(&ListQuery::new(), &limits, Vec::new()));
    assert_eq!(
        empty,
        r#"{"images":[],"first":"/v2/images","schema":"/v2/schemas/images"}"#
    );
}

#[test]
fn members_are_shown_and_read_back() {
    let now = Timestamp::from_micros(DAY);
    let mut member = Member::new(id(0x11), project("p2"), now);
    member.decide(MemberStatus::Rejected, Timestamp::from_micros(2 * DAY));
    let one = concat!(
        r#"{"member_id":"p2","image_id":"11111111-1111-1111-1111-111111111111","#,
        r#""status":"rejected","created_at":"1970-01-02T00:00:00Z","#,
        r#""updated_at":"1970-01-03T00:00:00Z","schema":"/v2/schemas/member"}"#,
    );
    assert_eq!(text(&MemberDocument::new(&member)), one);
    let all = format!(r#"{{"members":[{one}],"schema":"/v2/schemas/members"}}"#);
    assert_eq!(text(&MembersDocument::new([&member])), all);
    let none = r#"{"members":[],"schema":"/v2/schemas/members"}"#;
    assert_eq!(text(&MembersDocument::new([])), none);

    let answer: MemberAnswer = serde_json::from_str(one).unwrap();
    assert_eq!(
        (&answer.member_id, &answer.image_id),
        (member.member_id(), member.image_id())
    );
    assert_eq!(
        (answer.status, answer.created_at),
        (MemberStatus::Rejected, now)
    );
    assert_eq!(answer.updated_at, member.updated_at());
    let answers: MembersAnswer = serde_json::from_str(&all).unwrap();
    assert_eq!(answers.members, [answer]);
    let bad = one.replace("rejected", "maybe");
    assert!(serde_json::from_str::<MemberAnswer>(&bad).is_err());
}

fn task() -> Task {
    let object = |value: Value| value.as_object().unwrap().clone();
    Task {
        id: id(0x22),
        kind: TaskKind::ApiImageImport,
        status: TaskStatus::Success,
        owner: Some(project("p1")),
        image_id: Some(id(0x11)),
        request_id: Some("req-1".to_owned()),
        user_id: None,
        input: Some(object(json!({"backend": ["fast"]}))),
        result: None,
        message: String::new(),
        expires_at: Some(Timestamp::from_micros(2 * DAY)),
        created_at: Timestamp::from_micros(DAY),
        updated_at: Timestamp::from_micros(DAY + 42),
    }
}

#[test]
fn tasks_are_shown_in_three_forms() {
    let task = task();
    let whole = concat!(
        r#"{"id":"22222222-2222-2222-2222-222222222222","type":"api_image_import","#,
        r#""status":"success","input":{"backend":["fast"]},"result":null,"owner":"p1","#,
        r#""message":"","image_id":"11111111-1111-1111-1111-111111111111","#,
        r#""request_id":"req-1","user_id":null,"expires_at":"1970-01-03T00:00:00Z","#,
        r#""created_at":"1970-01-02T00:00:00Z","updated_at":"1970-01-02T00:00:00Z","#,
        r#""self":"/v2/tasks/22222222-2222-2222-2222-222222222222","schema":"/v2/schemas/task"}"#,
    );
    assert_eq!(text(&TaskDocument::new(&task)), whole);
    let page = concat!(
        r#"{"tasks":[{"id":"22222222-2222-2222-2222-222222222222","type":"api_image_import","#,
        r#""status":"success","owner":"p1","expires_at":"1970-01-03T00:00:00Z","#,
        r#""created_at":"1970-01-02T00:00:00Z","updated_at":"1970-01-02T00:00:00Z","#,
        r#""self":"/v2/tasks/22222222-2222-2222-2222-222222222222","#,
        r#""schema":"/v2/schemas/task"}],"first":"/v2/tasks","next":"/v2/tasks?marker=m","#,
        r#""schema":"/v2/schemas/tasks"}"#,
    );
    let next = Some("/v2/tasks?marker=m".to_owned());
    assert_eq!(
        text(&TaskListDocument::new([&task], "/v2/tasks", next)),
        page
    );
    let of_image = concat!(
        r#"{"tasks":[{"id":"22222222-2222-2222-2222-222222222222","type":"api_image_import","#,
        r#""status":"success","owner":"p1","image_id":"11111111-1111-1111-1111-111111111111","#,
        r#""request_id":"req-1","user_id":null,"input":{"backend":["fast"]},"result":null,"#,
        r#""message":"","expires_at":"1970-01-03T00:00:00.000000","#,
        r#""created_at":"1970-01-02T00:00:00.000000","updated_at":"1970-01-02T00:00:00.000042","#,
        r#""deleted_at":null,"deleted":false}]}"#,
    );
    assert_eq!(text(&ImageTasksDocument::new([&task])), of_image);
}

#[test]
fn errors_are_shown_without_their_cause_and_read_back() {
    let error = Error::new(ErrorCode::InvalidMarker, "no image \"x\" to continue after")
        .with_source(std::io::Error::other("/secret"));
    let shown = text(&ErrorDocument::new(&error));
    let expected = concat!(
        r#"{"error":{"code":"InvalidMarker","kind":"Invalid","#,
        r#""message":"no image \"x\" to continue after"}}"#,
    );
    assert_eq!(shown, expected);
    let answer: ErrorAnswer = serde_json::from_str(&shown).unwrap();
    assert_eq!((&*answer.code, &*answer.kind), ("InvalidMarker", "Invalid"));
    assert_eq!(answer.message, error.message());
}
