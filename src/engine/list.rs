//! Lists of a caller. Each page comes from one snapshot; records are decoded for those who want them.

#[cfg(feature = "http")]
use std::ops::ControlFlow;

use super::images::answer;
use super::{Images, Page};
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::Image;
use crate::index::lists::{self, Ask, Reach, Row};
use crate::index::{Get, Kv, images};
use crate::policy::{Judge, Membership, Policy};
use crate::query::ListQuery;

impl Images {
    /// Returns a page of the images that the caller may list and that pass the filters of a query,
    /// in its order, from one snapshot.
    ///
    /// Costs what the page shows, and a little for each filter; `docs/benchmarks.md` has how much,
    /// and for which orders of very common values it is more.
    ///
    /// # Errors
    /// `Forbidden` unless policy lets the caller list; `InvalidMarker` if the marker is no image
    /// that the caller sees. A deleted marker is one of these: begin anew.
    pub fn list(&self, query: &ListQuery) -> Result<Page> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        let limit = self.page_len(query);
        let rows = self.rows(&*policy, &judge, query, usize::MAX)?.into_iter();
        let images =
            rows.map(|(row, membership)| Ok(answer(&judge, row.into_image()?, membership)));
        let images = images.collect::<Result<_>>()?;
        Ok(Page::new(query.clone(), images, limit))
    }

    /// Lends the images of a page one by one, as [`Images::list`] returns them, until `f` breaks or
    /// their records are longer than `most` bytes; returns whether the page was cut so.
    #[cfg(feature = "http")]
    pub(crate) fn list_each(
        &self,
        query: &ListQuery,
        most: usize,
        mut f: impl FnMut(Listed<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<bool> {
        let policy = self.policy();
        let judge = &self.judge(&*policy);
        let rows = self.rows(&*policy, judge, query, most)?;
        let is_short = rows.len() < self.page_len(query);
        let is_cut = is_short && rows.iter().map(|(row, _)| row.len_bytes()).sum::<usize>() >= most;
        for (row, membership) in rows {
            let listed = Listed {
                judge,
                row,
                membership,
            };
            if f(listed)?.is_break() {
                return Ok(true);
            }
        }
        Ok(is_cut)
    }

    /// Tells whether a page costs no more than some look-ups: its rows stand beside each other in
    /// the index, all of them count, and they are few.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_short(&self, query: &ListQuery) -> bool {
        const SHORT: usize = 100;
        self.page_len(query) <= SHORT && query.is_plain() && !self.policy().may_hide_rows()
    }

    fn page_len(&self, query: &ListQuery) -> usize {
        let len = query.page_len(&self.engine().inner.settings.page);
        usize::try_from(len).unwrap_or(usize::MAX)
    }

    fn rows(
        &self,
        policy: &dyn Policy,
        judge: &Judge<'_>,
        query: &ListQuery,
        most_bytes: usize,
    ) -> Result<Vec<(Row, Membership)>> {
        judge.check_list()?;
        let project = judge.caller().project_id();
        let reach = match judge.is_admin() {
            true => Reach::Everything(project),
            false => Reach::Project(project),
        };
        let admit = |image: &Image, membership| judge.lists(image, membership);
        let filters = query.filters();
        let mut filtered = filters.properties.keys();
        let limit = match filtered.all(|name| judge.shows_property(name)) {
            true => self.page_len(query),
            false => 0,
        };
        self.readable()?.kv.read(|get| {
            let after = query.marker().map(|id| self.marker(get, judge, id));
            let after = after.transpose()?;
            let ask = Ask {
                reach,
                filters,
                order: query.order(),
                after: after.as_ref(),
                limit,
                most_bytes,
                admit: match policy.may_hide_rows() {
                    true => Some(&admit),
                    false => None,
                },
            };
            lists::page(get, &ask)
        })
    }

    fn marker(&self, get: &dyn Get, judge: &Judge<'_>, id: &ImageId) -> Result<Image> {
        let found = images::find(get, id)?;
        let seen = match found {
            Some(image) => {
                let membership = self.membership(get, &image)?;
                judge.sees(&image, membership).then_some(image)
            }
            None => None,
        };
        seen.ok_or_else(|| {
            let id = ImageId::from_bytes(*id.as_bytes());
            Error::new(ErrorCode::InvalidMarker, format!("marker {id} is no image"))
        })
    }
}

/// An image of a page, perhaps not decoded yet.
#[cfg(feature = "http")]
pub(crate) struct Listed<'a> {
    judge: &'a Judge<'a>,
    row: Row,
    membership: Membership,
}

#[cfg(feature = "http")]
impl Listed<'_> {
    /// Returns id and revision, which say what the record is.
    pub(crate) fn version(&self) -> (ImageId, u64) {
        (self.row.peek.id, self.row.peek.revision)
    }

    /// Tells whether the caller sees the properties of every image that it sees.
    pub(crate) fn sees_properties(&self) -> bool {
        !self.judge.protects_properties()
    }

    /// Returns what the caller may know of the image, and whether it has places, which the caller
    /// may know or not.
    pub(crate) fn image(self) -> Result<(Image, bool)> {
        let image = self.row.into_image()?;
        let has_places = !image.locations().is_empty();
        Ok((answer(self.judge, image, self.membership), has_places))
    }
}
