//! Images that want something, each with what becomes of it.
//!
//! The binary `it` takes this module in, too: there it is seen that it does not matter how an image
//! is cut.

mod others;
mod qcow2;
mod vhdx;
mod vmdk;

use smalti::inspect::Inspection;
use smalti::testing::disks::set;

/// Name, image, outcome.
pub(crate) type Row = (&'static str, Vec<u8>, &'static str);

/// Returns every image.
pub(crate) fn all() -> Vec<Row> {
    let families = [
        qcow2::qcow2(),
        vmdk::texts(),
        vmdk::vmdk(),
        vmdk::streams(),
        vhdx::vhdx(),
        others::others(),
        others::tables_and_discs(),
        others::wrapped(),
    ];
    families.into_iter().flatten().collect()
}

/// Returns what an inspection found, in short: formats, and the first thing that is wrong.
pub(crate) fn outcome(inspection: &Inspection) -> String {
    let names: Vec<&str> = inspection.detected().iter().map(|it| it.as_str()).collect();
    let state = match inspection.finding() {
        None if names.len() > 1 => "several".to_owned(),
        Some(finding) if !finding.failures().is_empty() => {
            finding.failures()[0].check().to_string()
        }
        Some(finding) if finding.fault().is_some() => "malformed".to_owned(),
        _ => "ok".to_owned(),
    };
    format!("{} {state}", names.join("+"))
}

fn with(mut image: Vec<u8>, changes: &[(usize, &[u8])]) -> Vec<u8> {
    changes
        .iter()
        .for_each(|(at, new)| set(&mut image, *at, new));
    image
}
