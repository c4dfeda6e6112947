//! The operations of a patch, as they stand in the body.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, ErrorCode, Result};
use crate::json::{self, Json, Object};
use crate::patch::{Dialect, Pointer};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Puts a value where none is; what is there already, the dialect decides.
    Add,
    /// Puts a value in the place of another.
    Replace,
    /// Takes a value away.
    Remove,
}

const VERBS: [(&str, Verb); 3] = [
    ("add", Verb::Add),
    ("replace", Verb::Replace),
    ("remove", Verb::Remove),
];

impl Verb {
    /// Returns the word of the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

/// One operation. Whether its depth is right, and then whether it has its value, is for whoever
/// knows the document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) verb: Verb,
    pub(crate) pointer: Pointer,
    value: Option<Json<'a>>,
}

/// Reads a body as operations, each when it is asked for, so that the first error is that of the
/// first wrong operation.
///
/// # Errors
/// As [`json::array`]; then, from the iterator, `UnexpectedBody` for what is no object,
/// `UnknownOperation`, `InvalidPointer`.
pub(crate) fn operations(
    dialect: Dialect,
    body: &[u8],
) -> Result<impl ExactSizeIterator<Item = Result<Operation<'_>>>> {
    let items = json::array(body)?.into_iter();
    Ok(items.map(move |item| Operation::read(dialect, item)))
}

impl<'a> Operation<'a> {
    /// Makes an operation; one that removes has no value.
    pub(crate) fn new(
        dialect: Dialect,
        verb: Verb,
        pointer: Pointer,
        value: impl Into<Option<Json<'a>>>,
    ) -> Self {
        Self {
            dialect,
            verb,
            pointer,
            value: value.into(),
        }
    }

    fn read(dialect: Dialect, item: Json<'a>) -> Result<Self> {
        let mut object = match item {
            Json::Object(object) => object,
            other => {
                let message = format!("operation is {}, and must be an object", other.kind());
                return Err(Error::new(ErrorCode::UnexpectedBody, message));
            }
        };
        let (verb, path) = match dialect {
            Dialect::V2_0 => verb_and_path_v20(&mut object)?,
            Dialect::V2_1 => verb_and_path_v21(&mut object)?,
        };
        let pointer = match path {
            Some(Json::Text(path)) => path.parse()?,
            Some(other) => return Err(no_path(&format!("is {}", other.kind()))),
            None => return Err(no_path("is missing")),
        };
        let value = object.take("value").filter(|_| verb != Verb::Remove);
        Ok(Self::new(dialect, verb, pointer, value))
    }

    /// Returns the value, which add and replace must have.
    ///
    /// # Errors
    /// `MissingValue`.
    pub(crate) fn into_value(self) -> Result<Json<'a>> {
        self.value.ok_or_else(|| {
            let message = format!("operation {} has no value", self.verb.as_str());
            Error::new(ErrorCode::MissingValue, message)
        })
    }
}

type VerbAndPath<'a> = (Verb, Option<Json<'a>>);

fn verb_and_path_v20<'a>(object: &mut Object<'a>) -> Result<VerbAndPath<'a>> {
    let mut found = VERBS
        .into_iter()
        .filter_map(|(word, verb)| Some((verb, object.take(word)?)));
    let (first, second) = (found.next(), found.next());
    match (first, second) {
        (Some((verb, path)), None) => Ok((verb, Some(path))),
        (None, _) => Err(unknown("operation has none of add, replace and remove")),
        (Some(_), Some(_)) => Err(unknown(
            "operation has more than one of add, replace and remove",
        )),
    }
}

fn verb_and_path_v21<'a>(object: &mut Object<'a>) -> Result<VerbAndPath<'a>> {
    let word: Cow<'_, str> = match object.take("op") {
        Some(Json::Text(word)) => word,
        Some(other) => return Err(unknown(&format!("op is {}", other.kind()))),
        None => return Err(unknown("op is missing")),
    };
    match VERBS.into_iter().find(|(name, _)| *name == word) {
        Some((_, verb)) => Ok((verb, object.take("path"))),
        None => {
            let shown: String = word.chars().take(64).collect();
            let message = format!("op {shown:?} is not one of add, replace, remove");
            Err(unknown(&message))
        }
    }
}

fn unknown(message: &str) -> Error {
    Error::new(ErrorCode::UnknownOperation, message)
}

fn no_path(what: &str) -> Error {
    Error::new(
        ErrorCode::InvalidPointer,
        format!("path of an operation {what}"),
    )
}

/// Prints the object that reads back as the operation.
impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.pointer.to_string();
        let (verb, path) = (self.verb.as_str(), Json::text(&path));
        match self.dialect {
            Dialect::V2_0 => write!(f, "{{\"{verb}\":{path}")?,
            Dialect::V2_1 => write!(f, "{{\"op\":\"{verb}\",\"path\":{path}")?,
        }
        if let Some(value) = &self.value {
            write!(f, ",\"value\":{value}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Dialect = Dialect::V2_0;
    const NEW: Dialect = Dialect::V2_1;

    fn read(dialect: Dialect, body: &str) -> Result<Vec<Operation<'_>>> {
        operations(dialect, body.as_bytes())?.collect()
    }

    #[track_caller]
    fn refused(dialect: Dialect, body: &str, code: ErrorCode) {
        let error = read(dialect, body).expect_err(body);
        assert_eq!(error.code(), code, "{body}");
    }

    #[test]
    fn operations_print_and_read_back() {
        for (dialect, body) in [
            (NEW, r#"[{"op":"add","path":"/a~1b","value":"x\"y"}]"#),
            (
                NEW,
                r#"[{"op":"replace","path":"/a","value":null},{"op":"remove","path":"/locations/-"}]"#,
            ),
            (
                NEW,
                r#"[{"op":"add","path":"/n","value":{"f":[1.5,2.0,true]}}]"#,
            ),
            (OLD, r#"[{"add":"/a","value":{"b":[1,2]}}]"#),
            (OLD, r#"[{"remove":"/a"}]"#),
        ] {
            let operations = read(dialect, body).unwrap();
            let printed: Vec<String> = operations.iter().map(Operation::to_string).collect();
            assert_eq!(format!("[{}]", printed.join(",")), body);
        }
    }

    #[test]
    fn the_value_of_remove_and_unknown_members_are_ignored() {
        let body = r#"[{"op":"remove","path":"/a","value":5,"from":"/b"}]"#;
        let operations = read(NEW, body).unwrap();
        assert_eq!(operations[0].to_string(), r#"{"op":"remove","path":"/a"}"#);
        let body = r#"[{"op":"remove","path":1,"add":"/a","value":"x"}]"#;
        let mut operations = read(OLD, body).unwrap();
        let only = operations.remove(0);
        assert_eq!((only.verb, &only.pointer), (Verb::Add, &Pointer::of(["a"])));
        assert_eq!(only.into_value().unwrap(), Json::text("x"));
    }

    #[test]
    fn a_value_may_be_missing_until_it_is_asked_for() {
        let mut operations = read(NEW, r#"[{"op":"add","path":"/a"}]"#).unwrap();
        let error = operations.remove(0).into_value().unwrap_err();
        assert_eq!(error.code(), ErrorCode::MissingValue);
    }

    #[test]
    fn malformed_operations_have_their_codes_in_order() {
        use ErrorCode::{InvalidPointer, UnexpectedBody, UnknownOperation};
        refused(NEW, "{}", UnexpectedBody);
        refused(NEW, "[[]]", UnexpectedBody);
        refused(NEW, r#"[{"path":5}]"#, UnknownOperation);
        refused(NEW, r#"[{"op":5,"path":"/a"}]"#, UnknownOperation);
        refused(NEW, r#"[{"op":"Add","path":5}]"#, UnknownOperation);
        refused(NEW, r#"[{"op":"add"}]"#, InvalidPointer);
        refused(NEW, r#"[{"op":"add","path":null}]"#, InvalidPointer);
        refused(
            OLD,
            r#"[{"op":"add","path":"/a","value":1}]"#,
            UnknownOperation,
        );
        refused(OLD, r#"[{"add":5,"remove":"/a"}]"#, UnknownOperation);
        refused(OLD, r#"[{"add":5}]"#, InvalidPointer);
        // The first wrong operation is told, whatever follows.
        refused(NEW, r#"[{"op":"add","path":"a"},5]"#, InvalidPointer);
        refused(NEW, r#"[5,{"op":"add","path":"a"}]"#, UnexpectedBody);
    }
}
