//! The reference for patches: `patch.md`, phase by phase.

use serde_json::Value;
use smalti::patch::Dialect;
use smalti::{ErrorCode, ImageId, Status, Visibility};

use super::calls::{Op, Who};
use super::outcome::Shown;
use super::reference::{Answer, PROPERTIES_MAX, TAGS_MAX, World, expect, no};
use super::schema::{
    BASE, check_bound, check_property, check_tag, check_text, is_read_only, is_reserved,
};

impl World {
    pub(super) fn update(
        &mut self,
        who: &Who,
        id: &ImageId,
        (dialect, ops): (Dialect, &[Op]),
        revision: Option<u64>,
    ) -> Answer<Shown> {
        ops.iter().try_for_each(check)?;
        who.expect_usable()?;
        who.expect_writer()?;
        let now = self.now;
        let record = self.lookup(who, id)?;
        let is_known = revision.is_none_or(|known| known == record.shown.revision);
        expect(is_known, ErrorCode::RevisionMismatch)?;
        let mut work = record.shown.clone();
        for op in ops {
            apply(who, dialect, op, &mut work)?;
        }
        check_result(ops, &record.shown, &work)?;
        record.shown = work;
        if !ops.is_empty() {
            record.touch(now);
        }
        Ok(Self::answer(who, record))
    }
}

/// Phase A: what is wrong with an operation whatever the image is.
fn check(op: &Op) -> Answer<()> {
    let verbs = ["add", "replace", "remove"];
    expect(verbs.contains(&op.verb), ErrorCode::UnknownOperation)?;
    let tokens = tokens(&op.path)?;
    let depth = match (op.verb, tokens[0].as_str()) {
        ("add" | "remove", "locations") => 2,
        _ => 1,
    };
    expect(tokens.len() == depth, ErrorCode::InvalidPointer)?;
    let takes_value = op.verb != "remove";
    let has_value = op.value.is_some();
    expect(has_value || !takes_value, ErrorCode::MissingValue)?;
    let name = tokens[0].as_str();
    expect(!is_read_only(name), ErrorCode::ReadOnlyProperty)?;
    expect(!is_reserved(name), ErrorCode::ReservedProperty)?;
    match &op.value {
        Some(value) if takes_value => check_value(name, value),
        _ => Ok(()),
    }
}

/// Reads a pointer: blanks around a token do not count, `~1` is a slash, `~0` a tilde.
fn tokens(path: &str) -> Answer<Vec<String>> {
    let bad = no(ErrorCode::InvalidPointer);
    let rest = path.strip_prefix('/').ok_or(bad)?;
    let mut tokens = Vec::new();
    for token in rest.split('/') {
        let token = token.trim();
        let escapes = token.matches("~0").count() + token.matches("~1").count();
        if token.is_empty() || escapes != token.matches('~').count() {
            return Err(bad);
        }
        tokens.push(token.replace("~1", "/").replace("~0", "~"));
    }
    Ok(tokens)
}

/// Tests the type of a value, and then its length.
fn check_value(name: &str, value: &Value) -> Answer<()> {
    let text = value.as_str();
    let is_right = match name {
        "name" | "owner" => value.is_null() || value.is_string(),
        "visibility" => text.is_some_and(|word| word.parse::<Visibility>().is_ok()),
        "protected" | "os_hidden" => value.is_boolean(),
        "disk_format" | "container_format" => {
            let words = ["raw", "qcow2", "iso", "bare", "ova", "ami"];
            let of_the_other = match name {
                "disk_format" => ["bare", "ova"],
                _ => ["raw", "qcow2"],
            };
            let is_word = |word: &str| words.contains(&word) && !of_the_other.contains(&word);
            value.is_null() || text.is_some_and(is_word)
        }
        "min_disk" | "min_ram" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "tags" => value
            .as_array()
            .is_some_and(|tags| tags.iter().all(Value::is_string)),
        "locations" => true,
        _ => value.is_string(),
    };
    expect(is_right, ErrorCode::SchemaViolation)?;
    match name {
        "name" | "owner" => check_text(text.unwrap_or_default()),
        "tags" => tags_of(value).iter().try_for_each(|tag| check_tag(tag)),
        _ if name == "locations" || BASE.contains(&name) => Ok(()),
        _ => check_property(name, text.unwrap_or_default()),
    }
}

/// Phase C: one operation on the working copy.
fn apply(who: &Who, dialect: Dialect, op: &Op, work: &mut Shown) -> Answer<()> {
    let name = tokens(&op.path)?.remove(0);
    let value = op.value.as_ref().filter(|_| op.verb != "remove");
    let owner = work.owner.clone();
    let writes = || expect(who.writes_for(owner.as_deref()), ErrorCode::Forbidden);
    let adds_anew = dialect == Dialect::V2_0 && op.verb == "add";
    if name == "locations" {
        return refuse_locations(who, op, owner.as_deref());
    }
    let Some(value) = value else {
        writes()?;
        expect(!BASE.contains(&name.as_str()), ErrorCode::NotRemovable)?;
        let found = work.properties.remove(&name);
        return expect(found.is_some(), ErrorCode::PropertyMissing);
    };
    if name == "owner" {
        expect(who.is_admin(), ErrorCode::Forbidden)?;
    }
    if name == "visibility" && value == "public" {
        expect(who.is_admin(), ErrorCode::Forbidden)?;
    }
    writes()?;
    if BASE.contains(&name.as_str()) {
        expect(!adds_anew, ErrorCode::PropertyExists)?;
        return set(&name, value, work);
    }
    let is_there = work.properties.contains_key(&name);
    expect(!(adds_anew && is_there), ErrorCode::PropertyExists)?;
    let is_right = is_there || op.verb == "add";
    expect(is_right, ErrorCode::PropertyMissing)?;
    work.properties.insert(name, text_of(value));
    Ok(())
}

/// Locations are not shown here, so no patch of them is taken; what is said first is the question.
fn refuse_locations(who: &Who, op: &Op, owner: Option<&str>) -> Answer<()> {
    let clears = op.verb == "replace" && op.value == Some(Value::Array(Vec::new()));
    expect(!clears, ErrorCode::LastLocation)?;
    let may = match op.verb {
        "remove" => who.is_admin(),
        _ => who.writes_for(owner),
    };
    expect(may, ErrorCode::Forbidden)?;
    Err(no(ErrorCode::LocationsHidden))
}

/// Sets a base property.
fn set(name: &str, value: &Value, work: &mut Shown) -> Answer<()> {
    let text = value.as_str().map(str::to_owned);
    let is_open = matches!(work.status, Status::Queued | Status::Importing);
    let open = || expect(is_open, ErrorCode::FormatFrozen);
    match name {
        "name" => work.name = text,
        "visibility" => work.visibility = text_of(value).parse().expect("tested before"),
        "protected" => work.protected = value == true,
        "os_hidden" => work.hidden = value == true,
        "owner" => work.owner = text.filter(|owner| !owner.is_empty()),
        "disk_format" => {
            open()?;
            work.disk_format = text.map(|word| word.parse().expect("tested before"));
        }
        "container_format" => {
            open()?;
            work.container_format = text.map(|word| word.parse().expect("tested before"));
        }
        "min_disk" => work.min_disk = number_of(value)?,
        "min_ram" => work.min_ram = number_of(value)?,
        _ => work.tags = tags_of(value).into_iter().collect(),
    }
    Ok(())
}

/// Phase D: the quotas of the result.
fn check_result(ops: &[Op], before: &Shown, after: &Shown) -> Answer<()> {
    let sets_tags = ops
        .iter()
        .any(|op| op.path.trim_matches([' ', '/']) == "tags");
    if sets_tags {
        expect(after.tags.len() <= TAGS_MAX, ErrorCode::TagLimitExceeded)?;
    }
    let mut names = after.properties.keys();
    if names.any(|name| !before.properties.contains_key(name)) {
        let count = after.properties.len();
        expect(count <= PROPERTIES_MAX, ErrorCode::PropertyLimitExceeded)?;
    }
    Ok(())
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn tags_of(value: &Value) -> Vec<String> {
    let tags = value.as_array().into_iter().flatten();
    tags.map(text_of).collect()
}

fn number_of(value: &Value) -> Answer<i64> {
    let number = value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        number.to_string().parse().ok()
    });
    let number = number.ok_or(no(ErrorCode::InvalidParameter))?;
    check_bound(number)?;
    Ok(number)
}
