//! Bytes to values. The only file that names serde_json for reading.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, ErrorCode, Result};
use crate::json::{Json, Number, Object};
use crate::limits::{JSON_MAX_BYTES, JSON_MAX_VALUES};

/// Reads a value, and nothing behind it.
///
/// # Errors
/// `MalformedJson` for what is not JSON, for more than 16 MiB, 65,536 values or 128 levels.
pub(crate) fn parse(body: &[u8]) -> Result<Json<'_>> {
    let bad = |what: String| Error::new(ErrorCode::MalformedJson, what);
    let len = body.len();
    if len > JSON_MAX_BYTES {
        return Err(bad(format!("body is {len} bytes, limit {JSON_MAX_BYTES}")));
    }
    let count = Cell::new(0);
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = Reader(&count)
        .deserialize(&mut input)
        .and_then(|value| input.end().map(|()| value));
    // The text of serde_json names the place, and nothing of the body.
    value.map_err(|error| bad(format!("body is not JSON: {error}")).with_source(error))
}

/// Reads a body that must be an object.
///
/// # Errors
/// `BodyRequired` for an empty body; as [`parse`]; `SchemaViolation` for an array, `UnexpectedBody`
/// for any other value.
pub(crate) fn object(body: &[u8]) -> Result<Object<'_>> {
    match present(body)? {
        Json::Object(object) => Ok(object),
        other => {
            let code = match other {
                Json::Array(_) => ErrorCode::SchemaViolation,
                _ => ErrorCode::UnexpectedBody,
            };
            let message = format!("body is {}, and must be an object", other.kind());
            Err(Error::new(code, message))
        }
    }
}

/// Reads a body that must be an array.
///
/// # Errors
/// `BodyRequired` for an empty body; as [`parse`]; `UnexpectedBody` for any other value.
pub(crate) fn array(body: &[u8]) -> Result<Vec<Json<'_>>> {
    match present(body)? {
        Json::Array(items) => Ok(items),
        other => {
            let message = format!("body is {}, and must be an array", other.kind());
            Err(Error::new(ErrorCode::UnexpectedBody, message))
        }
    }
}

/// Tests that there is no body.
///
/// # Errors
/// `BodyNotAllowed`.
pub(crate) fn nothing(body: &[u8]) -> Result<()> {
    if body.is_empty() {
        return Ok(());
    }
    let message = format!("body is {} bytes, and there must be none", body.len());
    Err(Error::new(ErrorCode::BodyNotAllowed, message))
}

fn present(body: &[u8]) -> Result<Json<'_>> {
    if body.is_empty() {
        let message = "a body is required, and there is none";
        return Err(Error::new(ErrorCode::BodyRequired, message));
    }
    parse(body)
}

/// Reads one value, counting all of them.
#[derive(Clone, Copy)]
struct Reader<'c>(&'c Cell<usize>);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Json<'de>, D::Error> {
        let count = self.0.get() + 1;
        if count > JSON_MAX_VALUES {
            let message = format!("at least {count} values, limit {JSON_MAX_VALUES}");
            return Err(D::Error::custom(message));
        }
        self.0.set(count);
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        #[expect(clippy::cast_precision_loss, reason = "beyond every bound of the API")]
        let large = || Number::Float(value as f64);
        let number = i64::try_from(value).map_or_else(|_| large(), Number::Integer);
        Ok(Json::Number(number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::text(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(self)? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = input.next_key_seed(Name)? {
            members.push((name, input.next_value_seed(self)?));
        }
        Ok(Json::Object(Object::new(members)))
    }
}

/// Reads the name of a member, borrowed where that is possible.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Cow<'de, str>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: impl AsRef<[u8]>) -> String {
        let error = parse(body.as_ref()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedJson);
        error.message().to_owned()
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for body in [
            "",
            " ",
            "{",
            "[1,]",
            "{'a':1}",
            "nul",
            "1 2",
            "[] x",
            "\"\u{1}\"",
            "NaN",
            "01",
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            r#"{"\udfff":1}"#,
            "\u{feff}{}",
            "1e999",
        ] {
            refused(body);
        }
        refused(b"\"\xff\"");
        refused(b"\"\xed\xa0\x80\"");
        assert_eq!(
            parse(br#""\ud83d\ude00""#).unwrap(),
            Json::text("\u{1f600}")
        );
    }

    #[test]
    fn texts_borrow_from_the_body() {
        let Json::Object(object) =
            parse(br#"{"plain":"text","esc\u0061ped":"te\u0078t"}"#).unwrap()
        else {
            panic!("an object");
        };
        let is_borrowed = |name| matches!(object.member(name), Some(Json::Text(Cow::Borrowed(_))));
        assert!(is_borrowed("plain") && !is_borrowed("escaped"));
        assert_eq!(object.member("escaped"), Some(&Json::text("text")));
    }

    #[test]
    fn size_depth_and_count_are_bounded() {
        let array = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(parse(array(JSON_MAX_VALUES - 1).as_bytes()).is_ok());
        let message = refused(array(JSON_MAX_VALUES));
        assert!(
            message.contains("at least 65537 values, limit 65536"),
            "{message}"
        );
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(127).as_bytes()).is_ok());
        refused(nested(129));
        refused("[".repeat(1 << 20));
        let text = |len| format!("\"{}\"", "x".repeat(len));
        assert!(parse(text(JSON_MAX_BYTES - 2).as_bytes()).is_ok());
        let message = refused(text(JSON_MAX_BYTES - 1));
        assert_eq!(message, "body is 16777217 bytes, limit 16777216");
    }

    #[test]
    fn bodies_of_another_shape_have_their_codes() {
        let object = |body: &str| object(body.as_bytes()).err().map(|e| e.code());
        let array = |body: &str| array(body.as_bytes()).err().map(|e| e.code());
        assert_eq!((object("{}"), array("[]")), (None, None));
        assert_eq!(object(""), Some(ErrorCode::BodyRequired));
        assert_eq!(array(""), Some(ErrorCode::BodyRequired));
        assert_eq!(object("[]"), Some(ErrorCode::SchemaViolation));
        assert_eq!(object("null"), Some(ErrorCode::UnexpectedBody));
        assert_eq!(array("{}"), Some(ErrorCode::UnexpectedBody));
        assert_eq!(array("5"), Some(ErrorCode::UnexpectedBody));
        assert_eq!(object("{"), Some(ErrorCode::MalformedJson));
    }
}
