//! Calls as values: they can be printed, dropped from a sequence, and played again.

use serde_json::Value;
use smalti::image::MemberStatus;
use smalti::patch::Dialect;
use smalti::{Caller, ContainerFormat, DiskFormat, ImageId, ProjectId, Status, Visibility};

/// Ids that callers choose for their images; letters are among the digits, so that case shows.
pub(super) const POOL: usize = 10;
/// Uploads that may run at the same time.
pub(super) const SLOTS: usize = 2;

/// Contents of images: bytes, MD5 and SHA-256, from a tool of another make.
pub(super) const CONTENTS: [(&str, usize, &str, &str); 3] = [
    (
        "",
        0,
        "d41d8cd98f00b204e9800998ecf8427e",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        "abc",
        1,
        "900150983cd24fb0d6963f7d28e17f72",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    (
        "smalti",
        1000,
        "922eb14be8202798196932fc9f296065",
        "61cf9346f48b90bc395181cd48f7edaa168242cdc1e41edfe9d7ce55e45657df",
    ),
];

/// Returns the bytes of a content.
pub(super) fn content(number: usize) -> Vec<u8> {
    let (text, times, ..) = CONTENTS[number % CONTENTS.len()];
    text.repeat(times).into_bytes()
}

/// The strongest role of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Nothing,
    Reader,
    Member,
    Admin,
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    pub(super) project: Option<&'static str>,
    pub(super) role: Role,
    pub(super) kind: Kind,
}

/// What else there is to say of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Service,
    Anonymous,
    /// Its project is no project id.
    Malformed,
}

const fn who(project: Option<&'static str>, role: Role, kind: Kind) -> Who {
    Who {
        project,
        role,
        kind,
    }
}

/// Everybody who calls; the first of them call most.
pub(super) const CALLERS: [Who; 14] = [
    who(Some("a"), Role::Member, Kind::Plain),
    who(None, Role::Admin, Kind::Plain),
    who(Some("b"), Role::Member, Kind::Plain),
    who(Some("c"), Role::Member, Kind::Plain),
    who(Some("a"), Role::Admin, Kind::Plain),
    who(Some("a"), Role::Reader, Kind::Plain),
    who(Some("b"), Role::Reader, Kind::Plain),
    who(Some("d"), Role::Reader, Kind::Plain),
    who(Some("a"), Role::Nothing, Kind::Plain),
    who(None, Role::Reader, Kind::Plain),
    who(None, Role::Member, Kind::Plain),
    who(Some("b"), Role::Nothing, Kind::Service),
    who(None, Role::Nothing, Kind::Anonymous),
    who(None, Role::Nothing, Kind::Malformed),
];

impl Who {
    /// Returns the caller as the engine knows it.
    pub(super) fn caller(&self) -> Caller {
        let project = self
            .project
            .map(|it| ProjectId::new(it).expect("a project"));
        let caller = match self.kind {
            Kind::Plain => Caller::authenticated(project),
            Kind::Service => Caller::authenticated(project).with_service_role("service"),
            Kind::Anonymous => Caller::anonymous(),
            Kind::Malformed => return Caller::project(""),
        };
        match self.role {
            Role::Nothing => caller,
            Role::Reader => caller.with_role("Reader"),
            Role::Member => caller.with_role("member"),
            Role::Admin => caller.with_role("ADMIN"),
        }
    }
}

/// An image, as a call names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// By an id that callers choose.
    Pool(usize),
    /// By the same in upper case.
    Upper(usize),
    /// By an id that the engine made, counted around.
    Made(usize),
    /// One of those that are there, counted around.
    There(usize),
    /// One of those in a status, counted around.
    In(Status, usize),
}

/// A project that an image is or might be shared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Party {
    Named(String),
    /// One of the members of the image, counted around.
    Entry(usize),
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    /// One of [`CALLERS`].
    Fixed(usize),
    /// Somebody whom the call suits: a writer of the project that owns the image, or of the member.
    Suited,
}

/// Returns an id of the pool.
pub(super) fn pool(number: usize) -> ImageId {
    let digit = u8::try_from(number % POOL).expect("small");
    let mut bytes = [0xab; 16];
    bytes[0] = digit * 7;
    bytes[15] = digit;
    ImageId::from_bytes(bytes)
}

/// How a request reaches the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// By the calls of a builder, where these can say it.
    Built,
    /// By the text of a body.
    Json,
}

/// A request for an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct New {
    pub(super) route: Route,
    pub(super) id: Option<Which>,
    pub(super) name: Option<String>,
    /// `None` leaves it to the engine; the empty text is nobody.
    pub(super) owner: Option<String>,
    pub(super) visibility: Option<Visibility>,
    pub(super) protected: bool,
    pub(super) hidden: bool,
    pub(super) disk_format: Option<DiskFormat>,
    pub(super) container_format: Option<ContainerFormat>,
    pub(super) min_disk: i64,
    pub(super) min_ram: i64,
    pub(super) tags: Vec<String>,
    pub(super) properties: Vec<(String, String)>,
}

/// One operation of a patch, as a body says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Op {
    pub(super) verb: &'static str,
    pub(super) path: String,
    pub(super) value: Option<Value>,
}

/// What a caller knows of the revision that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    Unguarded,
    Right,
    Wrong,
}

/// A filter of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// A text with its operator.
    Text(&'static str, Words),
    /// A time, an operator and a number of seconds after the beginning of the sequence.
    Time(&'static str, &'static str, i64),
    /// A number, what follows its name, and a bound.
    Number(&'static str, &'static str, i64),
    /// Any of those that test for one word.
    Is(&'static str, String),
    Tag(String),
    Property(String, String),
    /// `None` is all.
    Visibility(Option<Visibility>),
    /// `None` is all.
    MemberStatus(Option<MemberStatus>),
    Hidden(bool),
    /// A parameter that is refused, with the name of the code.
    Bad(&'static str, &'static str, &'static str),
}

/// What a text is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Words {
    Plain(String),
    Eq(String),
    In(Vec<String>),
}

/// How a list is sorted, with the words of the API.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sort {
    /// `sort=key:direction,...`
    New(Vec<(&'static str, Option<&'static str>)>),
    /// `sort_key=...&sort_dir=...`
    Old(Vec<&'static str>, Vec<&'static str>),
}

/// A question for a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) filters: Vec<Filter>,
    pub(super) sort: Sort,
    pub(super) limit: Option<u64>,
    pub(super) marker: Option<Which>,
}

/// How far a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    Page,
    ToTheEnd,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    Create(New),
    Show(Which),
    Update(Which, Dialect, Route, Vec<Op>, Guard),
    Delete(Which),
    Deactivate(Which),
    Reactivate(Which),
    Upload(usize, Which),
    Finish(usize, usize),
    Abort(usize),
    Open(Which),
    AddTag(Which, String),
    RemoveTag(Which, String),
    AddMember(Which, Party),
    ListMembers(Which),
    ShowMember(Which, Party),
    SetMember(Which, Party, MemberStatus),
    RemoveMember(Which, Party),
    List(Ask, Walk),
    Restore(Which),
    Scrub,
    Collect,
    /// Close, and open again.
    Reopen,
    /// Drop without closing, and open again.
    Leave,
    /// Compare everything that everybody can see, and have the engine verify itself.
    Inspect,
}

impl Call {
    /// Returns the image that the call is about.
    pub(super) fn which(&self) -> Option<Which> {
        match self {
            Self::Show(it)
            | Self::Update(it, ..)
            | Self::Delete(it)
            | Self::Deactivate(it)
            | Self::Reactivate(it)
            | Self::Upload(_, it)
            | Self::Open(it)
            | Self::AddTag(it, _)
            | Self::RemoveTag(it, _)
            | Self::AddMember(it, _)
            | Self::ListMembers(it)
            | Self::ShowMember(it, _)
            | Self::SetMember(it, ..)
            | Self::RemoveMember(it, _) => Some(*it),
            _ => None,
        }
    }

    /// Returns the name under which calls are counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Show(_) => "show",
            Self::Update(.., Guard::Unguarded) => "update",
            Self::Update(..) => "update_if",
            Self::Delete(_) => "delete",
            Self::Deactivate(_) => "deactivate",
            Self::Reactivate(_) => "reactivate",
            Self::Upload(..) => "upload",
            Self::Finish(..) => "finish",
            Self::Abort(_) => "abort",
            Self::Open(_) => "open",
            Self::AddTag(..) => "tags.add",
            Self::RemoveTag(..) => "tags.remove",
            Self::AddMember(..) => "members.add",
            Self::ListMembers(_) => "members.list",
            Self::ShowMember(..) => "members.show",
            Self::SetMember(..) => "members.set_status",
            Self::RemoveMember(..) => "members.remove",
            Self::List(_, Walk::Page) => "list",
            Self::List(_, Walk::ToTheEnd) => "list to the end",
            Self::Restore(_) => "restore",
            Self::Scrub => "scrub",
            Self::Collect => "collect",
            Self::Reopen => "reopen",
            Self::Leave => "leave",
            Self::Inspect => "inspect",
        }
    }
}

/// A call, who makes it, and how far the clock moves before it, in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) who: Actor,
    pub(super) passes: i64,
    pub(super) call: Call,
}
