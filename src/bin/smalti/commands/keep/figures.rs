//! Figures of an engine, laid out for a reader.

use smalti::{GcPlan, GcReport, Stats, VerifyReport};

use crate::fault::plain;
use crate::size::Size;
use crate::table::table;

/// Rows of a name and what there is of it.
type Rows<'a> = &'a [(&'a str, String)];

fn lay(rows: Rows<'_>) -> String {
    let rows: Vec<[String; 2]> = rows
        .iter()
        .map(|(name, value)| [(*name).to_owned(), value.clone()])
        .collect();
    table(&rows)
}

/// Lays out what is stored.
pub(super) fn of_engine(stats: &Stats) -> String {
    let size = |bytes: u64| Size(bytes).to_string();
    let stored = stats.pack_bytes + stats.index_bytes + stats.log_bytes + stats.names_bytes;
    lay(&[
        ("images with data", stats.image_count.to_string()),
        ("logical", size(stats.logical_bytes)),
        ("  zero", size(stats.zero_bytes)),
        ("  shared", size(stats.shared_bytes)),
        ("  unique", size(stats.unique_bytes)),
        (
            "logical : in packs",
            ratio(stats.logical_bytes, stats.pack_bytes),
        ),
        (
            "packs",
            format!("{} in {} files", size(stats.pack_bytes), stats.pack_count),
        ),
        ("  chunks", stats.chunk_count.to_string()),
        ("  manifests", size(stats.page_bytes)),
        ("  garbage", size(stats.garbage_bytes)),
        ("  descriptors", size(stats.descriptor_bytes)),
        ("index", size(stats.index_bytes)),
        ("log", size(stats.log_bytes)),
        ("names", size(stats.names_bytes)),
        ("on disk", size(stored)),
    ])
}

/// Lays out what a collection would do.
pub(super) fn of_plan(plan: &GcPlan) -> String {
    lay(&[
        ("references to give back", plan.release_count.to_string()),
        (
            "chunks to remove",
            format!(
                "{}, {}",
                plan.unreferenced_chunks,
                Size(plan.unreferenced_bytes)
            ),
        ),
        (
            "packs to copy",
            format!("{}, {}", plan.compact_packs.len(), Size(plan.copy_bytes)),
        ),
        ("packs to unlink", plan.unlink_packs.len().to_string()),
        ("to be freed, at least", Size(plan.free_bytes).to_string()),
    ])
}

/// Lays out what a collection has done.
pub(super) fn of_collection(scrubbed: u64, report: &GcReport) -> String {
    lay(&[
        ("images deleted for good", scrubbed.to_string()),
        (
            "references given back",
            report.released_references.to_string(),
        ),
        (
            "chunks removed",
            format!("{}, {}", report.swept_chunks, Size(report.swept_bytes)),
        ),
        (
            "chunks copied",
            format!("{}, {}", report.copied_chunks, Size(report.copied_bytes)),
        ),
        (
            "packs unlinked",
            format!("{}, {}", report.unlinked_packs, Size(report.freed_bytes)),
        ),
    ])
}

/// Lays out what a check has found.
pub(super) fn of_verification(report: &VerifyReport) -> String {
    let mut text = lay(&[
        ("images", report.image_count.to_string()),
        ("packs", report.pack_count.to_string()),
        (
            "chunks proved",
            format!("{}, {}", report.chunk_count, Size(report.chunk_bytes)),
        ),
        ("damage", report.damage.len().to_string()),
    ]);
    for damage in &report.damage {
        text.push_str("\n  ");
        text.push_str(&plain(&damage.to_string()));
    }
    text
}

/// Shows how many bytes stand for one.
fn ratio(logical: u64, stored: u64) -> String {
    if stored == 0 {
        return "-".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio for reading")]
    let ratio = logical as f64 / stored as f64;
    format!("{ratio:.2} : 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_nothing_is_none() {
        assert_eq!(ratio(5, 0), "-");
        assert_eq!(ratio(10, 4), "2.50 : 1");
    }
}
