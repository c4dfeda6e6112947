//! JSON as text, without blanks; what is printed reads back to the same value.

use std::fmt::{self, Write};

use crate::json::{Json, Number};

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(Number::Integer(value)) => write!(f, "{value}"),
            // `Debug` keeps the point or the exponent, so that a float stays one.
            Self::Number(Number::Float(value)) => write!(f, "{value:?}"),
            Self::Text(text) => quote(text, f),
            Self::Array(items) => list(f, "[", items.iter(), "]", |item, f| item.fmt(f)),
            Self::Object(object) => list(f, "{", object.iter(), "}", |(name, value), f| {
                quote(name, f)?;
                f.write_char(':')?;
                value.fmt(f)
            }),
        }
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: impl Iterator<Item = T>,
    close: &str,
    print: impl Fn(T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.enumerate() {
        if at > 0 {
            f.write_char(',')?;
        }
        print(item, f)?;
    }
    f.write_str(close)
}

/// Writes a string with its quotes (RFC 8259, section 7).
fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    let mut rest = text;
    while let Some(at) = rest.find(|c| matches!(c, '"' | '\\' | '\0'..='\x1f')) {
        let (plain, special) = rest.split_at(at);
        f.write_str(plain)?;
        match special.as_bytes()[0] {
            byte @ (b'"' | b'\\') => write!(f, "\\{}", char::from(byte))?,
            byte => write!(f, "\\u{byte:04x}")?,
        }
        rest = &special[1..];
    }
    f.write_str(rest)?;
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use crate::json::parse;

    #[test]
    fn what_is_printed_reads_back() {
        for text in [
            "null",
            "[true,false,[],{}]",
            "[0,-1,9223372036854775807,1.5,5.0,-0.0,1e300,0.1,18446744073709552000.0]",
            r#"{"":"","a":{"b":["\"\\\u0000\u001f\u007f/"]}}"#,
            "\"\u{e9}\u{1f600}\"",
        ] {
            let value = parse(text.as_bytes()).unwrap();
            let printed = value.to_string();
            assert_eq!(parse(printed.as_bytes()).unwrap(), value, "{printed}");
        }
    }

    #[test]
    fn the_print_is_short_and_ordered() {
        let value = parse(br#" { "b" : [ 1 , 2.0 ] , "a" : "x\ty" } "#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":"x\u0009y","b":[1,2.0]}"#);
    }
}
