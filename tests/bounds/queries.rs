//! Query strings that no client prints.

use smalti::ErrorCode as Code;

use crate::{Case, Input, list};

fn query(text: impl Into<String>) -> Input {
    Input::Query(text.into())
}

pub(crate) fn cases() -> Vec<Case> {
    let repeat = |text: &str, count: usize| {
        let all = vec![text; count];
        query(all.join("&"))
    };
    let each = |count: usize, name: fn(usize) -> String| {
        let all: Vec<_> = (0..count).map(name).collect();
        query(all.join("&"))
    };
    let keys = |count: usize| vec!["name:asc"; count].join(",");
    vec![
        Case(
            "500,000 parameters",
            repeat("a", 500_000),
            Err(Code::InvalidParameter),
        ),
        Case(
            "1 MiB of separators",
            query("&".repeat(1 << 20)),
            Ok("25 images"),
        ),
        Case(
            "4,096 tags",
            each(4_096, |n| format!("tag=t{n}")),
            Ok("0 images"),
        ),
        Case("4,096 equal tags", repeat("tag=x", 4_096), Ok("25 images")),
        Case(
            "4,097 tags",
            repeat("tag=x", 4_097),
            Err(Code::InvalidParameter),
        ),
        Case(
            "4,096 properties",
            each(4_096, |n| format!("p{n}=v")),
            Ok("0 images"),
        ),
        Case(
            "4,096 times a property",
            repeat("p=v", 4_096),
            Ok("25 images"),
        ),
        Case(
            "4,096 bounds of sizes",
            repeat("size_min=1", 4_096),
            Ok("0 images"),
        ),
        Case(
            "100,000 names",
            query(format!("name=in:{}", list(100_000, |n| n.to_string()))),
            Err(Code::InvalidFilterValue),
        ),
        Case(
            "16,000 names",
            query(format!(
                "name=in:{}",
                list(16_000, |n| format!("image%20{n}"))
            )),
            Ok("25 images"),
        ),
        Case(
            "16,000 ids",
            query(format!(
                "id=in:{}",
                list(16_000, |n| format!("{n:08x}-0000-0000-0000-000000000000"))
            )),
            Ok("0 images"),
        ),
        Case(
            "16,000 statuses",
            query(format!("status=in:{}", list(16_000, |_| "queued".into()))),
            Ok("25 images"),
        ),
        Case(
            "a list of quotes",
            query(format!("name=in:{}", "%22".repeat(300_000))),
            Err(Code::InvalidFilterValue),
        ),
        Case(
            "a list of commas",
            query(format!("name=in:{}", ",".repeat(1_000_000))),
            Err(Code::InvalidFilterValue),
        ),
        Case(
            "10,000 keys to sort by",
            query(format!("sort={}", keys(10_000))),
            Ok("25 images"),
        ),
        Case(
            "100,000 keys to sort by",
            query(format!("sort={}", keys(100_000))),
            Ok("25 images"),
        ),
        Case(
            "4,096 keys in the old form",
            repeat("sort_key=name", 4_096),
            Ok("25 images"),
        ),
        Case(
            "4,095 directions",
            query(format!(
                "sort_key=name&{}",
                vec!["sort_dir=asc"; 4_095].join("&")
            )),
            Err(Code::SortCountMismatch),
        ),
        Case(
            "a key to sort by of 1 MiB",
            query(format!("sort={}", "k".repeat(1_000_000))),
            Err(Code::InvalidSortKey),
        ),
        Case(
            "a limit of 1 MiB",
            query(format!("limit={}", "9".repeat(1_000_000))),
            Ok("50 images"),
        ),
        Case(
            "a number of 1 MiB",
            query(format!("size_min={}", "9".repeat(1_000_000))),
            Ok("0 images"),
        ),
        Case(
            "a marker of 1 MiB",
            query(format!("marker={}", "9".repeat(1_000_000))),
            Err(Code::InvalidMarker),
        ),
        Case(
            "a time of 1 MiB",
            query(format!("created_at=gt:{}", "9".repeat(1_000_000))),
            Err(Code::InvalidFilterValue),
        ),
        Case(
            "a value of 1 MiB",
            query(format!("p={}", "v".repeat(1_000_000))),
            Ok("0 images"),
        ),
        Case(
            "a name of 1 MiB",
            query(format!("{}=v", "p".repeat(1_000_000))),
            Ok("0 images"),
        ),
        Case(
            "signs of percent",
            query("%".repeat(1 << 20)),
            Ok("0 images"),
        ),
        Case(
            "no UTF-8",
            query("name=%ff%fe"),
            Err(Code::InvalidFilterValue),
        ),
        Case(
            "UTF-8 of a surrogate",
            query("name=%ed%a0%80"),
            Err(Code::InvalidFilterValue),
        ),
    ]
}
