//! The generator: a route, a caller, names, headers and a body, each right more often than not.

use serde_json::{Value, json};
use smalti::{Caller, ImageId};

use super::Known;
use super::words::{FILTERS, RANGES, TYPES, WORDS};
use crate::http::request::{OCTETS, PATCH, Request, escaped};
use crate::http::routes::table::{ROUTES, Route};
use crate::support::{Pattern, Rng, bytes};

/// What a request does if it is let through.
#[derive(Debug)]
pub(super) enum Effect {
    None,
    Creates,
    Fills(ImageId, Vec<u8>),
    Deletes(ImageId),
}

pub(super) struct Maker {
    rng: Rng,
}

impl Maker {
    pub(super) fn new(rng: Rng) -> Self {
        Self { rng }
    }

    /// Makes a request, with what it does.
    pub(super) fn next(&mut self, known: &Known) -> (Request, Effect) {
        let Route(method, template, _) = self.route();
        let method = match self.one_in(15) {
            true => self.pick(&["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "BREW"]),
            false => *method,
        };
        let image = self.image(known);
        let path = self.path(template, &image);
        let mut request = Request::new(method, path);
        if !self.one_in(30) {
            request = request.by(&self.caller());
        }
        request = self.with_headers(request, template);
        let id = || image.parse::<ImageId>().expect("an id");
        let body = self.body(method, template);
        let request = self.with_body(request, template, body.as_deref());
        let effect = match (method, *template) {
            ("POST", "/v2/images") => Effect::Creates,
            ("DELETE", "/v2/images/{image_id}") if image.len() == 36 => Effect::Deletes(id()),
            ("PUT", "/v2/images/{image_id}/file") if image.len() == 36 => {
                Effect::Fills(id(), body.unwrap_or_default())
            }
            _ => Effect::None,
        };
        (request, effect)
    }

    /// Returns a route; those that do something come more often.
    fn route(&mut self) -> &'static Route {
        let often = [10, 11, 12, 17, 17, 17, 18, 18, 18, 23, 26, 28, 9, 10, 10];
        let at = match self.one_in(3) {
            true => self.rng.below(ROUTES.len() as u64) as usize,
            false => self.pick(&often),
        };
        &ROUTES[at]
    }

    fn image(&mut self, known: &Known) -> String {
        if self.one_in(8) {
            return escaped(self.pick(&WORDS));
        }
        let at = self.rng.below(known.len().max(1) as u64) as usize;
        let id = known.keys().nth(at);
        id.map_or_else(|| "none".to_owned(), ToString::to_string)
    }

    fn path(&mut self, template: &str, image: &str) -> String {
        let word = |this: &mut Self| escaped(this.pick(&WORDS));
        let path = template.replace("{image_id}", image);
        let path = path.replace("{tag}", &word(self));
        let path = path.replace("{member_id}", &word(self));
        let mut path = path
            .replace("{task_id}", image)
            .replace("{store_id}", "fast");
        if self.one_in(50) {
            path += self.pick(&["/", "//", "/x", "%", "%2f..", "?"]);
        }
        if self.one_in(4) || template == "/v2/images" {
            let count = self.rng.below(4);
            let filters: Vec<&str> = (0..count).map(|_| self.pick(&FILTERS)).collect();
            path = format!("{path}?{}", filters.join("&"));
        }
        path
    }

    fn caller(&mut self) -> Caller {
        let owner = Caller::project("a");
        match self.rng.below(12) {
            0 => Caller::reader("a"),
            1 => Caller::project("p2"),
            2 => Caller::admin(),
            3 => Caller::project("ops").with_role("admin"),
            4 => owner.with_service_role("service"),
            5 => Caller::project("p9").with_role("auditor"),
            6 => Caller::anonymous(),
            _ => owner,
        }
    }

    fn with_headers(&mut self, mut request: Request, template: &str) -> Request {
        let is_file = template.ends_with("/file");
        if is_file && self.one_in(2) {
            request = request.header("Range", self.pick(&RANGES));
        }
        if is_file && self.one_in(6) {
            let size = self.pick(&["0", "10", "-1", "x", "99999999999999999999"]);
            request = request.header("X-OpenStack-Image-Size", size);
        }
        if self.one_in(30) {
            let len = self.pick(&[1, 64, 65, 300]);
            request = request.header("X-OpenStack-Request-ID", "r".repeat(len));
        }
        if self.one_in(40) {
            let catalog = self.pick(&["[]", "{", "", "[{\"type\": 5}]"]);
            request = request.header("X-Service-Catalog", catalog);
        }
        if self.one_in(20) {
            request = request.header("Accept", "application/vnd.openstack.images-v2.7");
        }
        request
    }

    fn with_body(&mut self, request: Request, template: &str, body: Option<&[u8]>) -> Request {
        let usual = match (&*request.method, template.ends_with("/file")) {
            (_, true) => OCTETS,
            ("PATCH", _) => PATCH,
            _ => "application/json",
        };
        let media_type = if self.one_in(15) {
            self.pick(&TYPES)
        } else {
            usual
        };
        match body {
            None => request,
            Some(body) if self.one_in(4) => {
                let request = request.header("Content-Type", media_type);
                request.chunked(body, 1 + self.rng.below(5_000) as usize)
            }
            Some(body) => request.header("Content-Type", media_type).body(body),
        }
    }

    /// Makes the body that a route takes; now and then another, or none.
    fn body(&mut self, method: &str, template: &str) -> Option<Vec<u8>> {
        if template.ends_with("/file") && method == "PUT" {
            let (of, len) = (
                self.rng.below(9),
                self.pick(&[0, 1, 10, 5_000, 70_000, 300_000]),
            );
            return Some(bytes(Pattern::Mixed(of), len));
        }
        let end = template.rsplit('/').next().unwrap_or_default();
        let takes = matches!(method, "POST" | "PATCH") || (method, end) == ("PUT", "{member_id}");
        if !takes && !self.one_in(25) || takes && self.one_in(25) {
            return None;
        }
        let word = self.pick(&WORDS);
        let mut body = match end {
            "images" => self.document(),
            "{image_id}" => (0..self.rng.below(4)).map(|_| self.operation()).collect(),
            "members" => json!({ "member": word }),
            "{member_id}" => json!({ "status": self.pick(&["accepted", "rejected", "maybe"]) }),
            "import" => json!({ "method": { "name": word } }),
            "locations" => json!({ "url": word }),
            // Bodies where there is none.
            _ => return self.one_in(3).then(|| b"x".to_vec()),
        };
        if self.one_in(12) {
            body = self.pick(&[json!([]), json!({}), json!(null), json!(5), json!([[1]])]);
        }
        Some(self.spoiled(body.to_string().into_bytes()))
    }

    fn document(&mut self) -> Value {
        let mut document = json!({ "disk_format": "raw", "container_format": "bare" });
        for _ in 0..self.rng.below(4) {
            let (name, value) = self.property();
            document[name] = value;
        }
        document
    }

    fn property(&mut self) -> (&'static str, Value) {
        let word = self.pick(&WORDS);
        let many: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        match self.rng.below(14) {
            0 => ("name", json!(word)),
            1 => ("tags", json!([word, "b"])),
            2 => ("tags", json!(many)),
            3 => ("min_ram", json!(self.rng.next() as i32)),
            4 => (
                "visibility",
                json!(self.pick(&["public", "shared", "private", "community"])),
            ),
            5 => ("protected", json!(self.one_in(2))),
            6 => ("os_hidden", json!(self.one_in(2))),
            7 => ("owner", json!(word)),
            8 => ("status", json!("active")),
            9 => ("id", json!(word)),
            10 => ("disk_format", json!(word)),
            11 => ("name", json!({ "a": [word] })),
            _ => ("color", json!(word)),
        }
    }

    fn operation(&mut self) -> Value {
        let (name, value) = self.property();
        let op = self.pick(&["add", "replace", "replace", "remove", "move", ""]);
        let pointer = match self.one_in(12) {
            true => self
                .pick(&["", "/", "name", "/a/b", "/~2", "/locations/0", "/tags/0"])
                .to_owned(),
            false => format!("/{name}"),
        };
        json!({ "op": op, "path": pointer, "value": value })
    }

    /// Spoils a body now and then.
    fn spoiled(&mut self, mut body: Vec<u8>) -> Vec<u8> {
        if self.one_in(12) && !body.is_empty() {
            let at = self.rng.below(body.len() as u64) as usize;
            match self.one_in(2) {
                true => body.truncate(at),
                false => body[at] = self.rng.next() as u8,
            }
        }
        body
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.rng.below(count) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize].clone()
    }
}
