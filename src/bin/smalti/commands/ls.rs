//! `smalti ls`: the images that the caller may list.

use clap::Args;
use serde_json::{Value, json};
use smalti::wire::ImageAnswer;
use smalti::{ImageId, ListQuery};

use crate::at::At;
use crate::fault::{Fault, Outcome, plain};
use crate::place::{Listed, Need, Place, TOO_LONG};
use crate::shell::{Answer, Shell};
use crate::size::Size;
use crate::table::table;
use crate::words::pair;

const AFTER: &str =
    "Filters are those of the Images API: name, status, visibility, owner, tag, size_min, \
size_max, disk_format, os_hidden, member_status, created_at, any property, with in: and the like.

Examples:
  smalti ls --all --sort size:desc
  smalti ls --filter status=active --filter tag=stable --filter name=in:debian,fedora";

/// How many images of a long list one page brings.
const PAGE: u64 = 500;

/// List images
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Ls {
    /// Only images with this; may be repeated
    #[arg(long = "filter", value_name = "KEY=VALUE", value_parser = pair)]
    filters: Vec<(String, String)>,
    /// In this order: KEY or KEY:asc or KEY:desc, with commas between
    #[arg(long, value_name = "KEYS")]
    sort: Option<String>,
    /// At most so many images [default: a page of the place]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// All images, however many; as administrator those of the community of all projects, too
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Behind this image
    #[arg(long, value_name = "ID")]
    marker: Option<ImageId>,
    #[command(flatten)]
    at: At,
}

impl Ls {
    /// Answers with the images, page by page.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        let query = self.query()?;
        let list = self.at.on(Need::Read, |place| self.pages(place, query))?;
        if list.list.next.is_some() && !self.all && self.limit.is_none() {
            shell.note("there may be more: --all lists all of them");
        }
        let text = text(&list.list.images);
        Ok(Answer::new(list.json, text))
    }

    fn query(&self) -> Outcome<ListQuery> {
        let reserved = ["limit", "marker", "sort", "sort_key", "sort_dir"];
        if let Some((key, _)) = self
            .filters
            .iter()
            .find(|(key, _)| reserved.contains(&key.as_str()))
        {
            return Err(Fault::usage(format!("{key} is no filter"))
                .with_hint("use --limit, --marker and --sort"));
        }
        let sort = self.sort.iter().map(|sort| ("sort", sort.as_str()));
        let filters = self
            .filters
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let parts = filters
            .chain(sort)
            .map(|(key, value)| format!("{}={}", form(key), form(value)));
        let text = parts.collect::<Vec<_>>().join("&");
        let query: ListQuery = text.parse().map_err(|error: smalti::Error| {
            Fault::from(error).with_hint("`smalti ls --help` names filters and keys")
        })?;
        Ok(match self.marker {
            Some(marker) => query.with_marker(marker),
            None => query,
        })
    }

    /// Returns a page, or several as one.
    fn pages(&self, place: &dyn Place, query: ListQuery) -> Outcome<Listed> {
        let wanted = match (self.all, self.limit) {
            (true, _) => u64::MAX,
            (false, Some(limit)) => limit,
            (false, None) => return place.list(&query).map_err(hinted),
        };
        let names_some = self.filters.iter().any(|(key, _)| key == "visibility");
        let query = match self.all && !names_some && place.asks_for_all() {
            true => query.every_visibility(),
            false => query,
        };
        let mut pages = Pages {
            query,
            len: PAGE,
            list: &|query| place.list(query),
        };
        pages.collect(wanted)
    }
}

/// The pages of a list, as long as a place can give them.
struct Pages<'a> {
    query: ListQuery,
    /// How many images are asked for at once.
    len: u64,
    list: &'a dyn Fn(&ListQuery) -> Outcome<Listed>,
}

impl Pages<'_> {
    /// Returns so many images, or all that there are, as one page.
    fn collect(&mut self, wanted: u64) -> Outcome<Listed> {
        let mut whole = self.next(wanted)?;
        loop {
            let count = whole.list.images.len() as u64;
            let last = whole.list.images.last().map(|image| image.id);
            let (Some(last), true) = (last, whole.list.next.is_some() && count < wanted) else {
                return Ok(whole);
            };
            self.query = self.query.clone().with_marker(last);
            append(&mut whole, self.next(wanted - count)?);
        }
    }

    /// Returns the next page of at most so many images. Where the answer is too long, half of them
    /// are asked for, and no more from then on.
    fn next(&mut self, left: u64) -> Outcome<Listed> {
        loop {
            let asked = left.min(self.len);
            let query = self.query.clone().with_limit(asked);
            match (self.list)(&query) {
                Err(fault) if fault.code() == TOO_LONG && asked > 1 => self.len = asked / 2,
                listed => return listed,
            }
        }
    }
}

/// Says of a page that is too long how a shorter one is asked for.
fn hinted(fault: Fault) -> Fault {
    match fault.code() == TOO_LONG {
        true => fault.with_hint("list fewer images with --limit, or all with --all"),
        false => fault,
    }
}

/// Lays a page behind others: the images, and the link to the next page.
fn append(whole: &mut Listed, page: Listed) {
    let Listed { mut json, list } = page;
    let more = json["images"].take();
    if let (Some(images), Value::Array(more)) = (whole.json["images"].as_array_mut(), more) {
        images.extend(more);
    }
    match (&list.next, whole.json.as_object_mut()) {
        (Some(next), Some(object)) => drop(object.insert("next".to_owned(), json!(next))),
        (None, Some(object)) => drop(object.remove("next")),
        (_, None) => {}
    }
    whole.list.images.extend(list.images);
    whole.list.next = list.next;
}

/// Writes a text as a value of a form.
fn form(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn text(images: &[ImageAnswer]) -> String {
    let head = ["ID", "NAME", "STATUS", "SIZE", "FORMAT", "VISIBILITY"].map(str::to_owned);
    let rows = images.iter().map(row);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    table(&rows)
}

fn row(image: &ImageAnswer) -> [String; 6] {
    [
        image.id.to_string(),
        plain(image.name.as_deref().unwrap_or("-")),
        image.status.to_string(),
        image
            .size
            .map_or_else(|| "-".to_owned(), |bytes| Size(bytes).to_string()),
        plain(image.disk_format.as_deref().unwrap_or("-")),
        image.visibility.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Exit;

    #[test]
    fn values_of_filters_survive_the_form() {
        let query: ListQuery = format!("name={}", form("a&b=c +%\u{e9}")).parse().unwrap();
        assert_eq!(query, ListQuery::new().name("a&b=c +%\u{e9}"));
    }

    /// The document of an image, with this wherever text may stand.
    fn document(number: u8, text: &str) -> Value {
        json!({
            "id": ImageId::from_bytes([number; 16]).to_string(), "name": text, "status": "active",
            "visibility": "public", "protected": false, "os_hidden": false, "owner": null,
            "disk_format": text, "container_format": text, "min_disk": 0, "min_ram": 0,
            "tags": [text], "size": 5, "virtual_size": null, "checksum": null,
            "os_hash_algo": null, "os_hash_value": null, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", "self": text, "file": text, "schema": text,
        })
    }

    #[test]
    fn no_cell_commands_the_terminal() {
        let evil = "\u{1b}]0;x\u{7}\u{202e}";
        let image: ImageAnswer = serde_json::from_value(document(7, evil)).unwrap();
        let shown = text(&[image]);
        let escaped = "\\u{1b}]0;x\\u{7}\\u{202e}";
        assert_eq!(shown.matches(escaped).count(), 2, "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown}");
    }

    /// Lists ten images, on pages that are too long for more than `most`.
    fn listed(most: u64, wanted: u64) -> (Outcome<usize>, Vec<u64>) {
        let asked = std::cell::RefCell::new(Vec::new());
        let list = |query: &ListQuery| {
            let text = query.to_string();
            let value = |key| {
                let part = text.split('&').find_map(|part| part.strip_prefix(key));
                part.map(str::to_owned)
            };
            let limit: u64 = value("limit=").unwrap().parse().unwrap();
            asked.borrow_mut().push(limit);
            if limit > most {
                return Err(Fault::new(Exit::Failed, TOO_LONG, "long"));
            }
            let marker =
                value("marker=").map_or(0, |id| id.parse::<ImageId>().unwrap().as_bytes()[0]);
            let last = u8::try_from(limit)
                .unwrap_or(u8::MAX)
                .saturating_add(marker)
                .min(10);
            let images: Vec<_> = (marker + 1..=last)
                .map(|number| document(number, "a"))
                .collect();
            let mut page = json!({ "images": images, "first": "/v2/images", "schema": "s" });
            if last < 10 {
                page["next"] = json!("/v2/images?more");
            }
            Listed::read(page)
        };
        let mut pages = Pages {
            query: ListQuery::new(),
            len: PAGE,
            list: &list,
        };
        let listed = pages.collect(wanted).map(|whole| whole.list.images.len());
        (listed, asked.into_inner())
    }

    #[test]
    fn pages_are_halved_until_they_are_short_enough() {
        let every = u64::MAX;
        assert_eq!(listed(500, every), (Ok(10), vec![500]));
        assert_eq!(
            listed(4, every),
            (Ok(10), vec![500, 250, 125, 62, 31, 15, 7, 3, 3, 3, 3])
        );
        assert_eq!(listed(4, 6), (Ok(6), vec![6, 3, 3]));
        let (refused, asked) = listed(0, 4);
        assert_eq!(asked, [4, 2, 1], "one image alone is too long");
        assert_eq!(refused.unwrap_err().code(), TOO_LONG);
    }
}
