//! Tables `[limits.PROJECT]`: what projects may use.

use std::collections::BTreeMap;

use smalti::ProjectId;
use smalti::quota::{LimitSource, ProjectLimits};

use super::given::{Given, Value};
use crate::fault::{Exit, Fault, Outcome};

/// The key that the tables stand below.
pub(super) const KEY: &str = "limits";
/// The table for projects without one.
const DEFAULT: &str = "default";
/// Greatest limit: MiB of which the bytes still fit into 63 bits.
const MAX: i64 = i64::MAX >> 20;

/// The limits that are configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Limits {
    default: Option<ProjectLimits>,
    projects: BTreeMap<ProjectId, ProjectLimits>,
}

impl Limits {
    /// Reads the tables.
    pub(super) fn read(&mut self, given: &Given) -> Outcome {
        let Value::Table(tables) = &given.value else {
            return Err(given.not("tables [limits.PROJECT]"));
        };
        for table in tables {
            let limits = read(table)
                .map_err(|fault| fault.about(format_args!("limits of {:?}", table.key)))?;
            if table.key == DEFAULT {
                self.default = Some(limits);
                continue;
            }
            let project = ProjectId::new(table.key.as_str());
            let project = project.map_err(|error| table.wrong(error.message()))?;
            self.projects.insert(project, limits);
        }
        Ok(())
    }

    /// Tells whether there are any.
    pub(super) fn are_set(&self) -> bool {
        self.default.is_some() || !self.projects.is_empty()
    }
}

impl LimitSource for Limits {
    fn limits(&self, project: Option<&ProjectId>) -> ProjectLimits {
        let own = project.and_then(|project| self.projects.get(project));
        own.copied().or(self.default).unwrap_or_default()
    }
}

fn read(table: &Given) -> Outcome<ProjectLimits> {
    let Value::Table(members) = &table.value else {
        return Err(table.not("a table [limits.PROJECT]"));
    };
    let mut limits = ProjectLimits::default();
    for member in members {
        let limit = match member.key.as_str() {
            "image_size_total" => &mut limits.image_size_total,
            "image_stage_total" => &mut limits.image_stage_total,
            "image_count_total" => &mut limits.image_count_total,
            "image_count_uploading" => &mut limits.image_count_uploading,
            other => {
                let message = format!("there is no limit {other:?} ({})", member.origin);
                return Err(
                    Fault::new(Exit::Usage, "InvalidSettings", message).with_hint(
                        "limits are image_size_total and image_stage_total, in MiB, image_count_total \
                         and image_count_uploading",
                    ),
                );
            }
        };
        // -1 is no limit, as in the answers of the API.
        *limit = u64::try_from(member.number(-1..=MAX)?).ok();
    }
    Ok(limits)
}
