//! Reading a query string: what each parameter means, and which may stand twice.
//!
//! Parameters are tested in their order, then the order of the list; the first fault is reported.
//! The last value of a repeated filter wins and the others are not looked at, as in Glance; for
//! what steers the list as a whole a second value is an error instead (DEV-L2).

use std::collections::BTreeMap;
use std::str::FromStr;

use super::filters::{
    MemberFilter, NumberField, NumberTest, Scope, TextField, TimeField, TimeTest,
};
use super::form::expect_few;
use super::link::MARKER;
use super::text::{split_operator, unknown_operator};
use super::whole::Whole;
use super::{ListQuery, bad_value, order, shown, time};
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::limits::QUERY_PARAMS_MAX;

/// What a parameter is, by its name.
enum Parameter {
    /// May be repeated; all of them count.
    Tag,
    /// Read as a whole, by `order`; only `sort` may stand just once.
    Sort,
    Limit,
    Marker,
    Visibility,
    MemberStatus,
    Hidden,
    Protected,
    Text(TextField),
    Time(TimeField),
    Number(NumberField, NumberTest),
    Owner,
    Checksum,
    HashAlgorithm,
    HashValue,
    /// Was a filter once, and is refused unless it is empty.
    Changes,
    /// Would be taken for something that it is not (DEV-L5).
    Tags,
    /// Means nothing: deleted images are never listed.
    Deleted,
    /// A name that no property has (DEV-L18), or one whose property is nobody's business (DEV-L16).
    Nothing,
    Property,
}

impl Parameter {
    fn of(name: &str) -> Self {
        match name {
            "tag" => Self::Tag,
            "sort" | "sort_key" | "sort_dir" => Self::Sort,
            "limit" => Self::Limit,
            "marker" => Self::Marker,
            "visibility" => Self::Visibility,
            "member_status" => Self::MemberStatus,
            "os_hidden" => Self::Hidden,
            "protected" => Self::Protected,
            "owner" => Self::Owner,
            "checksum" => Self::Checksum,
            "os_hash_algo" => Self::HashAlgorithm,
            "os_hash_value" => Self::HashValue,
            "changes-since" => Self::Changes,
            "tags" => Self::Tags,
            "deleted" => Self::Deleted,
            "self" | "file" | "schema" | "direct_url" | "locations" | "stores" => Self::Nothing,
            "os_glance_stage_host" | "os_glance_hash_op_host" => Self::Nothing,
            _ => Self::field(name).unwrap_or(Self::Property),
        }
    }

    fn field(name: &str) -> Option<Self> {
        let text = TextField::ALL.iter().find(|field| field.as_str() == name);
        let time = TimeField::ALL.iter().find(|field| field.as_str() == name);
        let number = || {
            let bounds = NumberField::ALL.iter().flat_map(|field| {
                let tests = NumberTest::ALL.iter();
                tests.map(move |test| (*field, *test))
            });
            let is_named = |(field, test): &(NumberField, NumberTest)| {
                name.strip_prefix(field.as_str()) == Some(test.suffix())
            };
            bounds.into_iter().find(is_named)
        };
        (text.map(|field| Self::Text(*field)))
            .or_else(|| time.map(|field| Self::Time(*field)))
            .or_else(|| number().map(|(field, test)| Self::Number(field, test)))
    }

    fn stands_once(&self, name: &str) -> bool {
        match self {
            Self::Sort => name == "sort",
            Self::Limit | Self::Marker | Self::Visibility => true,
            Self::MemberStatus | Self::Hidden | Self::Protected => true,
            _ => false,
        }
    }
}

/// Tells whether a parameter of this name asks for a custom property.
pub(super) fn is_property(name: &str) -> bool {
    matches!(Parameter::of(name), Parameter::Property)
}

/// Reads a query string, without its `?`.
///
/// Errors have the codes that the Images API gives to the parameters: `InvalidFilterValue` (also
/// for what is not UTF-8), `InvalidFilterOperator`, `InvalidVisibility`, `InvalidMemberStatus`,
/// `UnsupportedFilter`, `RepeatedParameter`, `InvalidLimit`, `InvalidMarker`, `InvalidSortKey`,
/// `InvalidSortDir`, `SortSyntaxMixed`, `SortCountMismatch`, and `InvalidParameter` for more
/// parameters than [`QUERY_PARAMS_MAX`], the marker aside.
impl FromStr for ListQuery {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut query = Self {
            parameters: text.parse()?,
            ..Self::default()
        };
        // Taken out, since the query is written to while they are read.
        let parameters = std::mem::take(&mut query.parameters);
        let asked = parameters.iter().filter(|(name, _)| *name != MARKER);
        expect_few(asked.count(), QUERY_PARAMS_MAX)?;
        let named = parameters.iter().enumerate();
        let last: BTreeMap<&str, usize> = named.map(|(at, (name, _))| (name, at)).collect();
        for (at, (name, value)) in parameters.iter().enumerate() {
            let parameter = Parameter::of(name);
            let is_last = last.get(name) == Some(&at);
            if !is_last && parameter.stands_once(name) {
                let message = format!("{name} stands there more than once");
                return Err(Error::new(ErrorCode::RepeatedParameter, message));
            }
            if is_last || matches!(parameter, Parameter::Tag) {
                query.take(&parameter, name, value)?;
            }
        }
        query.order = order::read(&parameters)?;
        query.parameters = parameters;
        Ok(query)
    }
}

impl ListQuery {
    /// Takes what a parameter asks for.
    fn take(&mut self, parameter: &Parameter, name: &str, value: &str) -> Result<()> {
        let filters = &mut self.filters;
        let text = || Some(value.to_owned());
        match parameter {
            Parameter::Tag => filters.add_tag(value.trim()),
            Parameter::Sort | Parameter::Deleted => {}
            Parameter::Limit => self.limit = Some(limit(value)?),
            Parameter::Marker => self.marker = Some(marker(value)?),
            Parameter::Visibility => filters.scope = scope(value)?,
            Parameter::MemberStatus => filters.member_status = member_status(value)?,
            Parameter::Hidden => filters.hidden = flag(name, &value.to_ascii_lowercase())?,
            Parameter::Protected => filters.protected = Some(flag(name, value)?),
            Parameter::Text(field) => filters.set_text(*field, value.parse()?),
            Parameter::Time(field) => {
                let (test, seconds) = time_test(name, value)?;
                filters.set_time(*field, test, seconds);
            }
            Parameter::Number(field, test) => {
                filters.set_number(*field, *test, number(name, value)?);
            }
            Parameter::Owner => filters.owner = text(),
            Parameter::Checksum => filters.checksum = text(),
            Parameter::HashAlgorithm => filters.os_hash_algo = text(),
            Parameter::HashValue => filters.os_hash_value = text(),
            Parameter::Changes if value.is_empty() => {}
            Parameter::Changes | Parameter::Tags => {
                let message = format!("lists have no filter {name}");
                return Err(Error::new(ErrorCode::UnsupportedFilter, message));
            }
            Parameter::Nothing => filters.nothing = true,
            Parameter::Property => {
                filters.properties.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }
}

fn limit(value: &str) -> Result<u64> {
    let limit = Whole::read(value).and_then(Whole::unsigned);
    let form = "a whole number, 0 or more";
    limit.ok_or_else(|| bad_value(ErrorCode::InvalidLimit, "limit", value, form))
}

/// Reads the id of a marker; that the caller sees it is tested when the list is made, and answered
/// alike (DEV-L4).
fn marker(value: &str) -> Result<ImageId> {
    value.parse().map_err(|_| {
        let message = format!("no image {:?} to continue after", shown(value));
        Error::new(ErrorCode::InvalidMarker, message)
    })
}

fn scope(value: &str) -> Result<Scope> {
    match (value, value.parse()) {
        ("all", _) => Ok(Scope::All),
        (_, Ok(visibility)) => Ok(Scope::Is(visibility)),
        (_, Err(_)) => {
            let (code, form) = (
                ErrorCode::InvalidVisibility,
                "one of public, community, shared, private, all",
            );
            Err(bad_value(code, "visibility", value, form))
        }
    }
}

fn member_status(value: &str) -> Result<MemberFilter> {
    match (value, value.parse()) {
        ("all", _) => Ok(MemberFilter::All),
        (_, Ok(status)) => Ok(MemberFilter::Is(status)),
        (_, Err(_)) => {
            let (code, form) = (
                ErrorCode::InvalidMemberStatus,
                "one of pending, accepted, rejected, all",
            );
            Err(bad_value(code, "member_status", value, form))
        }
    }
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let code = ErrorCode::InvalidFilterValue;
            Err(bad_value(code, name, value, "one of true, false"))
        }
    }
}

fn number(name: &str, value: &str) -> Result<i64> {
    let number = Whole::read(value).map(Whole::signed);
    let code = ErrorCode::InvalidFilterValue;
    number.ok_or_else(|| bad_value(code, name, value, "a whole number"))
}

/// Reads an operator and a time.
fn time_test(name: &str, value: &str) -> Result<(TimeTest, i64)> {
    let (operator, rest) = split_operator(value);
    let known = "gt, gte, lt, lte, eq, neq";
    let test = match operator {
        None => TimeTest::Eq,
        Some(word) => {
            let test = TimeTest::ALL.iter().find(|test| test.as_str() == word);
            *test.ok_or_else(|| unknown_operator(word, known))?
        }
    };
    let code = ErrorCode::InvalidFilterValue;
    let seconds = time::seconds_of(rest);
    let seconds = seconds.ok_or_else(|| bad_value(code, name, rest, "a time of ISO 8601"))?;
    Ok((test, seconds))
}
