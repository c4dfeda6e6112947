//! Words of the command line that are more than text.

use smalti::ProjectId;

/// Reads `KEY=VALUE`; the value may be empty and may hold more signs of equality.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not KEY=VALUE")),
    }
}

/// Reads the id of a project.
pub(crate) fn project(text: &str) -> Result<ProjectId, String> {
    ProjectId::new(text).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_cut_at_the_first_sign() {
        let cut = |text: &str| pair(text).ok();
        let some = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        assert_eq!(cut("a=b"), some("a", "b"));
        assert_eq!(cut("a=b=c"), some("a", "b=c"));
        assert_eq!(cut("a="), some("a", ""));
        assert_eq!(cut("=b"), None);
        assert_eq!(cut("ab"), None);
    }
}
