//! What calls answer, in a form in which reference and engine can be compared.

use std::collections::{BTreeMap, BTreeSet};

use smalti::engine::Page;
use smalti::image::{Member, MemberStatus};
use smalti::{ContainerFormat, DiskFormat, Error, ErrorCode, Image, Status, Visibility};

/// Everything that an image shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) revision: u64,
    pub(super) name: Option<String>,
    pub(super) status: Status,
    pub(super) visibility: Visibility,
    pub(super) protected: bool,
    pub(super) hidden: bool,
    pub(super) owner: Option<String>,
    pub(super) disk_format: Option<DiskFormat>,
    pub(super) container_format: Option<ContainerFormat>,
    pub(super) min_disk: i64,
    pub(super) min_ram: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) size: Option<u64>,
    pub(super) virtual_size: Option<u64>,
    pub(super) checksum: Option<String>,
    pub(super) os_hash_algo: Option<String>,
    pub(super) os_hash_value: Option<String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) locations: Vec<String>,
}

/// Everything that a member shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared {
    pub(super) image: String,
    pub(super) project: String,
    pub(super) status: MemberStatus,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// What a call answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Image(Box<Shown>),
    /// The images of a page, and the marker of the next one.
    Page(Vec<Shown>, Option<String>),
    Member(Shared),
    Members(Vec<Shared>),
    Count(u64),
    Data(Option<Vec<u8>>),
    Done,
    /// A refusal: its code, and the status of HTTP.
    Refused(ErrorCode, u16),
}

impl From<&Image> for Shown {
    fn from(image: &Image) -> Self {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let digest = |value: Option<&smalti::Digest>| value.map(ToString::to_string);
        let places = image.locations().iter();
        Self {
            id: image.id().to_string(),
            revision: image.revision(),
            name: text(image.name()),
            status: image.status(),
            visibility: image.visibility(),
            protected: image.is_protected(),
            hidden: image.is_hidden(),
            owner: image.owner().map(ToString::to_string),
            disk_format: image.disk_format(),
            container_format: image.container_format(),
            min_disk: i64::from(image.min_disk()),
            min_ram: i64::from(image.min_ram()),
            created_at: image.created_at().as_micros(),
            updated_at: image.updated_at().as_micros(),
            size: image.size(),
            virtual_size: image.virtual_size(),
            checksum: digest(image.checksum()),
            os_hash_algo: text(image.os_hash_algo()),
            os_hash_value: digest(image.os_hash_value()),
            tags: image.tags().iter().map(str::to_owned).collect(),
            properties: (image.properties().iter())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            locations: places.map(|place| place.url().to_owned()).collect(),
        }
    }
}

impl From<&Member> for Shared {
    fn from(member: &Member) -> Self {
        Self {
            image: member.image_id().to_string(),
            project: member.member_id().to_string(),
            status: member.status(),
            created_at: member.created_at().as_micros(),
            updated_at: member.updated_at().as_micros(),
        }
    }
}

impl From<Image> for Outcome {
    fn from(image: Image) -> Self {
        Self::Image(Box::new(Shown::from(&image)))
    }
}

impl From<Page> for Outcome {
    fn from(page: Page) -> Self {
        let next = page.next_marker().map(ToString::to_string);
        Self::Page(page.images().iter().map(Shown::from).collect(), next)
    }
}

impl From<Member> for Outcome {
    fn from(member: Member) -> Self {
        Self::Member(Shared::from(&member))
    }
}

impl From<Vec<Member>> for Outcome {
    fn from(members: Vec<Member>) -> Self {
        Self::Members(members.iter().map(Shared::from).collect())
    }
}

impl From<Shown> for Outcome {
    fn from(shown: Shown) -> Self {
        Self::Image(Box::new(shown))
    }
}

impl From<Shared> for Outcome {
    fn from(member: Shared) -> Self {
        Self::Member(member)
    }
}

impl From<Vec<Shared>> for Outcome {
    fn from(members: Vec<Shared>) -> Self {
        Self::Members(members)
    }
}

impl From<u64> for Outcome {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Option<Vec<u8>>> for Outcome {
    fn from(data: Option<Vec<u8>>) -> Self {
        Self::Data(data)
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Self::Refused(error.code(), error.http_status())
    }
}

impl<T: Into<Self>, E: Into<Self>> From<Result<T, E>> for Outcome {
    fn from(result: Result<T, E>) -> Self {
        result.map_or_else(Into::into, Into::into)
    }
}
