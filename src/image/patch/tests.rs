//! Tests of patches: what hosts write equals what bodies say, prints read back, and the order of
//! the tests within one operation.

use super::*;
use crate::error::ErrorCode;
use crate::image::{ContainerFormat, DiskFormat, Visibility};

fn parse(dialect: Dialect, body: &str) -> Result<Patch> {
    Patch::parse(dialect, body.as_bytes(), &Limits::default())
}

#[track_caller]
fn refused(operation: &str, code: ErrorCode) {
    let error = parse(Dialect::V2_1, &format!("[{operation}]")).expect_err(operation);
    assert_eq!(error.code(), code, "{operation}: {error}");
}

fn everything() -> Patch {
    Patch::new()
        .set_name("a\"\\\n")
        .clear_name()
        .set_visibility(Visibility::Community)
        .set_protected(true)
        .set_hidden(false)
        .set_owner("p2")
        .set_disk_format(DiskFormat::Iso)
        .set_container_format(None::<ContainerFormat>)
        .set_min_disk(-1)
        .set_min_ram(i64::MAX)
        .set_tags(["b", "a", "b"])
        .set_property("~/.ssh/", "")
        .replace_property("k", "\u{e9}")
        .remove_property("k")
        .add_location("http://a/1")
        .remove_location(7)
}

#[test]
fn what_is_printed_reads_back_as_the_same_patch() {
    let patch = everything();
    assert_eq!((patch.len(), patch.is_empty()), (16, false));
    let printed = patch.to_string();
    assert_eq!(parse(Dialect::V2_1, &printed).unwrap(), patch, "{printed}");
    assert_eq!(Patch::new().to_string(), "[]");
    assert_eq!(parse(Dialect::V2_1, "[]").unwrap(), Patch::new());
    for body in [
        r#"[{"add":"/a","value":"b"},{"replace":"/tags","value":[]},{"remove":"/name"}]"#,
        r#"[{"remove":"/locations/x"},{"remove":"/locations/-"},{"remove":"/locations/3"}]"#,
        r#"[{"replace":"/locations","value":[{"metadata":{"k":"v"},"url":"u:"}]}]"#,
    ] {
        assert_eq!(parse(Dialect::V2_0, body).unwrap().to_string(), body);
    }
    let checksum = "0".repeat(32);
    let body = format!(
        r#"[{{"op":"add","path":"/locations/-","value":{{"metadata":{{}},"url":"u:","validation_data":{{"checksum":"{checksum}","os_hash_algo":"md5","os_hash_value":"00"}}}}}}]"#
    );
    assert_eq!(parse(Dialect::V2_1, &body).unwrap().to_string(), body);
}

#[test]
fn a_patch_of_a_host_is_tested_like_a_body() {
    let limits = Limits::default();
    let check = |patch: Patch| patch.check(&limits).err().map(|e| e.code());
    assert_eq!(check(everything()), None);
    for (name, code) in [
        ("status", ErrorCode::ReadOnlyProperty),
        ("stores", ErrorCode::ReadOnlyProperty),
        ("id", ErrorCode::ReadOnlyProperty),
        ("deleted", ErrorCode::ReservedProperty),
        ("os_glancer", ErrorCode::ReservedProperty),
        ("name", ErrorCode::SchemaViolation),
        ("locations", ErrorCode::SchemaViolation),
    ] {
        assert_eq!(
            check(Patch::new().set_property(name, "x")),
            Some(code),
            "{name}"
        );
        assert_eq!(
            check(Patch::new().remove_property(name)),
            Some(code),
            "{name}"
        );
    }
    let wide = Some(ErrorCode::UnsupportedCharacter);
    assert_eq!(check(Patch::new().set_name("\u{1f600}")), wide);
    assert_eq!(check(Patch::new().set_tags(["\u{1f600}"])), wide);
    assert_eq!(check(Patch::new().set_property("k", "\u{1f600}")), wide);
    assert_eq!(check(Patch::new().add_location("http://\u{1f600}")), wide);
    let open = Limits {
        reject_4byte_unicode: false,
        disk_formats: vec![DiskFormat::Raw],
        ..Limits::default()
    };
    assert!(Patch::new().set_name("\u{1f600}").check(&open).is_ok());
    let error = Patch::new().set_disk_format(DiskFormat::Iso).check(&open);
    assert_eq!(error.unwrap_err().code(), ErrorCode::SchemaViolation);
}

#[test]
fn the_tests_of_an_operation_come_in_the_order_of_the_api() {
    use ErrorCode::{InvalidPointer, MissingValue, PropertyNameTooLong, PropertyTooLong};
    use ErrorCode::{ReadOnlyProperty, ReservedProperty, SchemaViolation};
    let long = "k".repeat(256);
    let heavy = "v".repeat(65_536);
    refused(r#"{"op":"add","path":"/id/x"}"#, InvalidPointer);
    refused(r#"{"op":"add","path":"/id"}"#, MissingValue);
    refused(r#"{"op":"add","path":"/id","value":5}"#, ReadOnlyProperty);
    refused(
        r#"{"op":"add","path":"/os_glance_x","value":5}"#,
        ReservedProperty,
    );
    refused(
        &format!(r#"{{"op":"add","path":"/{long}","value":5}}"#),
        SchemaViolation,
    );
    refused(
        &format!(r#"{{"op":"add","path":"/{long}","value":"{heavy}"}}"#),
        PropertyNameTooLong,
    );
    refused(
        &format!(r#"{{"op":"add","path":"/k","value":"{heavy}"}}"#),
        PropertyTooLong,
    );
    refused(
        r#"{"op":"add","path":"/min_ram","value":5.5}"#,
        SchemaViolation,
    );
    refused(
        r#"{"op":"replace","path":"/locations/0","value":5}"#,
        InvalidPointer,
    );
    refused(r#"{"op":"remove","path":"/locations"}"#, InvalidPointer);
    for entry in [
        "5",
        r#"{"url":"http://a"}"#,
        r#"{"metadata":{}}"#,
        r#"{"url":5,"metadata":{}}"#,
        r#"{"url":"http://a","metadata":[]}"#,
        r#"{"url":"http://a","metadata":{"k":5}}"#,
        r#"{"url":"http://a","metadata":{},"validation_data":{"os_hash_algo":"md5"}}"#,
        r#"{"url":"http://a","metadata":{},"validation_data":{"os_hash_algo":"md5","os_hash_value":"0","checksum":"0"}}"#,
        r#"{"url":"http://a","metadata":{},"validation_data":{"os_hash_algo":"md5","os_hash_value":"0","x":"0"}}"#,
    ] {
        refused(
            &format!(r#"{{"op":"add","path":"/locations/-","value":{entry}}}"#),
            SchemaViolation,
        );
    }
}
