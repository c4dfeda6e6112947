//! The filters of a list, and whether an image passes them.
//!
//! All of them hold at once. Which images a caller may list at all, and what `visibility` and
//! `member_status` make of that, is not tested here: it takes the caller.

use std::collections::{BTreeMap, BTreeSet};

use crate::image::{Image, MemberStatus, Visibility};

/// What is asked of the images in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filters {
    /// At most one for each field.
    pub(crate) texts: Vec<(TextField, TextTest)>,
    /// At most one for each field; whole seconds since the epoch.
    pub(crate) times: Vec<(TimeField, TimeTest, i64)>,
    /// At most one for each field and test.
    pub(crate) numbers: Vec<(NumberField, NumberTest, i64)>,
    pub(crate) protected: Option<bool>,
    /// Whether hidden images are listed, and only these.
    pub(crate) hidden: bool,
    pub(crate) owner: Option<String>,
    pub(crate) checksum: Option<String>,
    pub(crate) os_hash_algo: Option<String>,
    pub(crate) os_hash_value: Option<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) scope: Scope,
    pub(crate) member_status: MemberFilter,
    /// Whether some filter is such that no image passes it.
    pub(crate) nothing: bool,
}

/// Which part of what a caller may list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scope {
    /// What is listed without a word on visibility.
    #[default]
    Default,
    /// Images of one visibility.
    Is(Visibility),
    /// The default ones, and community images of other projects.
    All,
}

/// Which images that are shared with the caller are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberFilter {
    /// Those of which it has decided this.
    Is(MemberStatus),
    /// Whatever it has decided.
    All,
}

impl Default for MemberFilter {
    fn default() -> Self {
        Self::Is(MemberStatus::Accepted)
    }
}

/// A text that filters with operators test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    Name,
    Id,
    Status,
    ContainerFormat,
    DiskFormat,
}

/// How a text is tested: exactly, case counts; no text never passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextTest {
    /// It is this.
    Is(String),
    /// It is one of these, which are ascending and distinct.
    In(Vec<String>),
}

/// A time of an image that filters test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an image has these two times")]
pub enum TimeField {
    /// When the record was made.
    CreatedAt,
    /// When the record changed last.
    UpdatedAt,
}

/// How a time is tested, in whole seconds (DEV-L10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the API has these six operators")]
pub enum TimeTest {
    /// Later than.
    Gt,
    /// Then or later.
    Gte,
    /// Earlier than.
    Lt,
    /// Then or earlier.
    Lte,
    /// In this second.
    Eq,
    /// Not in this second.
    Neq,
}

/// A number of an image that filters test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an image has these four numbers")]
pub enum NumberField {
    /// Length of the data, in bytes.
    Size,
    /// Size of the disk that the data describes, in bytes.
    VirtualSize,
    /// Least memory that the image boots with, in MB.
    MinRam,
    /// Smallest disk that the image boots from, in GB.
    MinDisk,
}

/// How a number is tested; one that is not known never passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the API has these three tests")]
pub enum NumberTest {
    /// It is this.
    Is,
    /// It is this or more.
    Min,
    /// It is this or less.
    Max,
}

impl Filters {
    /// Tells whether an image passes every filter but `visibility` and `member_status`.
    ///
    /// Properties that the caller may not read are to be taken from the image before (DEV-L17).
    pub(crate) fn matches(&self, image: &Image) -> bool {
        let passes = |(field, test): &(TextField, TextTest)| test.passes(*field, image);
        !self.nothing
            && self.hidden == image.is_hidden()
            && self
                .protected
                .is_none_or(|wanted| wanted == image.is_protected())
            && self.texts.iter().all(passes)
            && self.matches_times(image)
            && self.matches_numbers(image)
            && self.matches_words(image)
            && self.tags.iter().all(|tag| image.tags().contains(tag))
            && self.matches_properties(image)
    }

    fn matches_times(&self, image: &Image) -> bool {
        self.times.iter().all(|(field, test, bound)| {
            let stamp = match field {
                TimeField::CreatedAt => image.created_at(),
                TimeField::UpdatedAt => image.updated_at(),
            };
            test.passes(stamp.as_secs(), *bound)
        })
    }

    fn matches_numbers(&self, image: &Image) -> bool {
        self.numbers.iter().all(|(field, test, bound)| {
            let number = match field {
                NumberField::Size => image.size(),
                NumberField::VirtualSize => image.virtual_size(),
                NumberField::MinRam => Some(image.min_ram().into()),
                NumberField::MinDisk => Some(image.min_disk().into()),
            };
            number.is_some_and(|number| test.passes(number, *bound))
        })
    }

    /// Tests the texts that are only ever asked for whole.
    fn matches_words(&self, image: &Image) -> bool {
        let is = |wanted: &Option<String>, found: &dyn Fn() -> Option<String>| {
            wanted.is_none() || *wanted == found()
        };
        let owner = || image.owner().map(ToString::to_string);
        is(&self.owner, &owner)
            && is(&self.checksum, &|| {
                image.checksum().map(ToString::to_string)
            })
            && is(&self.os_hash_algo, &|| {
                image.os_hash_algo().map(str::to_owned)
            })
            && is(&self.os_hash_value, &|| {
                image.os_hash_value().map(ToString::to_string)
            })
    }

    fn matches_properties(&self, image: &Image) -> bool {
        let has = |(name, value): (&String, &String)| image.property(name) == Some(value);
        self.properties.iter().all(has)
    }

    /// Sets the one test of a field.
    pub(super) fn set_text(&mut self, field: TextField, test: TextTest) {
        self.texts.retain(|(other, _)| *other != field);
        self.texts.push((field, test));
    }

    /// Sets the one test of a field, in whole seconds.
    pub(super) fn set_time(&mut self, field: TimeField, test: TimeTest, seconds: i64) {
        self.times.retain(|(other, ..)| *other != field);
        self.times.push((field, test, seconds));
    }

    /// Sets the one bound of a field for a test.
    pub(super) fn set_number(&mut self, field: NumberField, test: NumberTest, bound: i64) {
        self.numbers.retain(|(f, t, _)| (*f, *t) != (field, test));
        self.numbers.push((field, test, bound));
    }

    /// Asks for one more tag. No image has the empty one.
    pub(super) fn add_tag(&mut self, tag: &str) {
        if tag.is_empty() {
            self.nothing = true;
        } else {
            self.tags.insert(tag.to_owned());
        }
    }
}

impl TextField {
    /// Every field.
    pub(super) const ALL: &'static [Self] = &[
        Self::Name,
        Self::Id,
        Self::Status,
        Self::ContainerFormat,
        Self::DiskFormat,
    ];

    /// Returns the name of the parameter.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id => "id",
            Self::Status => "status",
            Self::ContainerFormat => "container_format",
            Self::DiskFormat => "disk_format",
        }
    }
}

impl TimeField {
    /// Every field.
    pub(super) const ALL: &'static [Self] = &[Self::CreatedAt, Self::UpdatedAt];

    /// Returns the name of the parameter.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }
}

impl NumberField {
    /// Every field.
    pub(super) const ALL: &'static [Self] =
        &[Self::Size, Self::VirtualSize, Self::MinRam, Self::MinDisk];

    /// Returns the name of the parameter.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::VirtualSize => "virtual_size",
            Self::MinRam => "min_ram",
            Self::MinDisk => "min_disk",
        }
    }
}

impl TextTest {
    fn passes(&self, field: TextField, image: &Image) -> bool {
        match field {
            TextField::Name => image.name().is_some_and(|name| self.takes(name)),
            TextField::Id => self.takes(&image.id().to_string()),
            TextField::Status => self.takes(image.status().as_str()),
            TextField::ContainerFormat => {
                let format = image.container_format();
                format.is_some_and(|format| self.takes(format.as_str()))
            }
            TextField::DiskFormat => {
                let format = image.disk_format();
                format.is_some_and(|format| self.takes(format.as_str()))
            }
        }
    }

    fn takes(&self, text: &str) -> bool {
        match self {
            Self::Is(word) => word == text,
            Self::In(words) => words
                .binary_search_by(|word| word.as_str().cmp(text))
                .is_ok(),
        }
    }
}

impl TimeTest {
    /// Every operator.
    pub(super) const ALL: &'static [Self] = &[
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Eq,
        Self::Neq,
    ];

    /// Returns the word of the operator.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Eq => "eq",
            Self::Neq => "neq",
        }
    }

    pub(crate) fn passes(self, seconds: i64, bound: i64) -> bool {
        match self {
            Self::Gt => seconds > bound,
            Self::Gte => seconds >= bound,
            Self::Lt => seconds < bound,
            Self::Lte => seconds <= bound,
            Self::Eq => seconds == bound,
            Self::Neq => seconds != bound,
        }
    }
}

impl NumberTest {
    /// Every test.
    pub(super) const ALL: &'static [Self] = &[Self::Is, Self::Min, Self::Max];

    /// Returns what follows the name of the field in that of the parameter.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::Min => "_min",
            Self::Max => "_max",
        }
    }

    /// Tells whether a number passes.
    pub(crate) fn passes(self, number: u64, bound: i64) -> bool {
        // A bound below zero is below every number.
        let order = u64::try_from(bound).map_or(std::cmp::Ordering::Greater, |b| number.cmp(&b));
        match self {
            Self::Is => order.is_eq(),
            Self::Min => order.is_ge(),
            Self::Max => order.is_le(),
        }
    }
}
