//! The members of a JSON object.

use std::borrow::Cow;

use crate::json::Json;

/// The members of an object, ascending by name; of a name that is repeated the last value counts.
///
/// A sorted list and not a map: a body may hold very many small objects.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    /// Takes members in the order of the body.
    pub(crate) fn new(mut members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        // The sort is stable, so the last of equal names is the last of the body.
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        members.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        members.shrink_to_fit();
        Self(members)
    }

    /// Returns the value of a member.
    #[cfg(test)]
    pub(crate) fn member(&self, name: &str) -> Option<&Json<'a>> {
        self.position(name).map(|at| &self.0[at].1)
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Json<'a>> {
        self.position(name).map(|at| self.0.remove(at).1)
    }

    /// Returns the members, ascending by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0
            .binary_search_by(|(member, _)| (**member).cmp(name))
            .ok()
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_repeated_name_counts() {
        let pair = |name, value: i64| (Cow::Borrowed(name), Json::from(value));
        let mut object = Object::new(vec![pair("b", 1), pair("a", 2), pair("b", 3), pair("b", 4)]);
        assert_eq!(object.iter().count(), 2);
        assert_eq!(object.member("b"), Some(&Json::from(4)));
        assert_eq!(object.take("a"), Some(Json::from(2)));
        assert_eq!((object.take("a"), object.member("c")), (None, None));
    }
}
