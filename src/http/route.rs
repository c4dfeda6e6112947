//! The routes of the Images API v2 as a table: what a path is, and what may be done with it.
//!
//! Pure. The dispatch, the header `Allow` and the OpenAPI document all come from here.

use super::op::Op;

/// A method of a path.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) op: Op,
    /// Whether a body is refused.
    pub(super) bodyless: bool,
    /// The minor version of the API that brought it.
    pub(super) since: u8,
}

/// A path, and its methods in the order of the header `Allow`.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) path: &'static str,
    pub(super) rows: &'static [Row],
}

impl Resource {
    /// Returns the row of a method.
    pub(super) fn row(&self, method: &str) -> Option<&'static Row> {
        self.rows.iter().find(|row| row.method == method)
    }

    /// Returns the value of the header `Allow`.
    pub(super) fn allow(&self) -> String {
        let methods: Vec<&str> = self.rows.iter().map(|row| row.method).collect();
        methods.join(", ")
    }
}

const fn row(method: &'static str, op: Op, since: u8) -> Row {
    Row {
        method,
        op,
        bodyless: false,
        since,
    }
}

/// A row that refuses a body.
const fn bare(method: &'static str, op: Op, since: u8) -> Row {
    Row {
        bodyless: true,
        ..row(method, op, since)
    }
}

macro_rules! resources {
    ($($name:ident $path:literal [$($row:expr),*];)*) => {
        $(static $name: Resource = Resource { path: $path, rows: &[$($row),*] };)*

        /// Every path of the API.
        pub(super) static RESOURCES: &[&Resource] = &[$(&$name),*];
    };
}

resources! {
    VERSIONS "/versions" [row("GET", Op::ListVersions, 0)];
    HEALTH "/healthcheck" [row("GET", Op::Health, 0)];
    IMAGE_SCHEMA "/v2/schemas/image" [bare("GET", Op::ImageSchema, 0)];
    IMAGES_SCHEMA "/v2/schemas/images" [bare("GET", Op::ImagesSchema, 0)];
    MEMBER_SCHEMA "/v2/schemas/member" [bare("GET", Op::MemberSchema, 1)];
    MEMBERS_SCHEMA "/v2/schemas/members" [bare("GET", Op::MembersSchema, 1)];
    TASK_SCHEMA "/v2/schemas/task" [row("GET", Op::TaskSchema, 2)];
    TASKS_SCHEMA "/v2/schemas/tasks" [row("GET", Op::TasksSchema, 2)];
    IMAGES "/v2/images" [row("GET", Op::ListImages, 0), row("POST", Op::CreateImage, 0)];
    IMAGE "/v2/images/{image_id}" [
        bare("GET", Op::ShowImage, 0),
        row("PATCH", Op::PatchImage, 0),
        bare("DELETE", Op::DeleteImage, 0)
    ];
    IMAGE_TASKS "/v2/images/{image_id}/tasks" [bare("GET", Op::ListImageTasks, 12)];
    DEACTIVATE "/v2/images/{image_id}/actions/deactivate" [bare("POST", Op::Deactivate, 3)];
    REACTIVATE "/v2/images/{image_id}/actions/reactivate" [bare("POST", Op::Reactivate, 3)];
    FILE "/v2/images/{image_id}/file" [
        bare("GET", Op::Download, 0),
        row("PUT", Op::Upload, 0)
    ];
    STAGE "/v2/images/{image_id}/stage" [row("PUT", Op::Stage, 6)];
    IMPORT "/v2/images/{image_id}/import" [row("POST", Op::Import, 6)];
    LOCATIONS "/v2/images/{image_id}/locations" [
        row("GET", Op::ListLocations, 17),
        row("POST", Op::AddLocation, 17)
    ];
    TAG "/v2/images/{image_id}/tags/{tag}" [
        bare("PUT", Op::PutTag, 0),
        bare("DELETE", Op::DeleteTag, 0)
    ];
    MEMBERS "/v2/images/{image_id}/members" [
        bare("GET", Op::ListMembers, 1),
        row("POST", Op::AddMember, 1)
    ];
    MEMBER "/v2/images/{image_id}/members/{member_id}" [
        bare("GET", Op::ShowMember, 1),
        row("PUT", Op::SetMember, 1),
        bare("DELETE", Op::DeleteMember, 1)
    ];
    STORE_COPY "/v2/stores/{store_id}/{image_id}" [bare("DELETE", Op::DeleteFromStore, 10)];
    IMPORT_INFO "/v2/info/import" [bare("GET", Op::ImportInfo, 6)];
    STORES_INFO "/v2/info/stores" [bare("GET", Op::StoresInfo, 8)];
    STORES_DETAIL "/v2/info/stores/detail" [bare("GET", Op::StoresDetail, 15)];
    USAGE_INFO "/v2/info/usage" [row("GET", Op::UsageInfo, 13)];
    TASKS "/v2/tasks" [row("GET", Op::ListTasks, 2), row("POST", Op::CreateTask, 2)];
    TASK "/v2/tasks/{task_id}" [
        row("GET", Op::ShowTask, 2),
        row("DELETE", Op::DeleteTask, 2)
    ];
    CACHE "/v2/cache" [
        bare("GET", Op::ShowCache, 14),
        row("DELETE", Op::ClearCache, 14)
    ];
    CACHE_CLEAN "/v2/cache/clean" [row("POST", Op::CleanCache, 18)];
    CACHE_PRUNE "/v2/cache/prune" [row("POST", Op::PruneCache, 18)];
    CACHED "/v2/cache/{image_id}" [
        row("DELETE", Op::UncacheImage, 14),
        row("PUT", Op::CacheImage, 14)
    ];
    CACHE_NODES "/v2/cache/nodes/{image_id}" [bare("GET", Op::CacheNodes, 18)];
}

/// A route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with its variable parts in braces.
    pub path: &'static str,
    /// The minor version of the API that brought it.
    pub since: u8,
    /// Whether a body is refused.
    pub bodyless: bool,
}

/// Returns every route that [`router`](super::router) serves, apart from the list of versions at
/// paths without one.
pub fn routes() -> impl Iterator<Item = Route> {
    RESOURCES.iter().flat_map(|resource| {
        let route = |row: &Row| Route {
            method: row.method,
            path: resource.path,
            since: row.since,
            bodyless: row.bodyless,
        };
        resource.rows.iter().map(route)
    })
}

/// Finds what a path below `/v2` is, and its variable parts.
pub(super) fn find<'p>(parts: &[&'p str]) -> Option<(&'static Resource, [&'p str; 2])> {
    let is_empty = |part: &&str| part.is_empty();
    match *parts {
        // An empty tag is a tag that is refused.
        [_, id, "tags", _] if !id.is_empty() => {}
        _ if parts.iter().any(is_empty) => return None,
        _ => {}
    }
    Some(match *parts {
        ["images"] => (&IMAGES, [""; 2]),
        ["images", id] => (&IMAGE, [id, ""]),
        ["images", id, "file"] => (&FILE, [id, ""]),
        ["images", id, "members"] => (&MEMBERS, [id, ""]),
        ["images", id, "members", member] => (&MEMBER, [id, member]),
        ["images", id, "tags", tag] => (&TAG, [id, tag]),
        ["images", id, "tasks"] => (&IMAGE_TASKS, [id, ""]),
        ["images", id, "actions", "deactivate"] => (&DEACTIVATE, [id, ""]),
        ["images", id, "actions", "reactivate"] => (&REACTIVATE, [id, ""]),
        ["images", id, "stage"] => (&STAGE, [id, ""]),
        ["images", id, "import"] => (&IMPORT, [id, ""]),
        ["images", id, "locations"] => (&LOCATIONS, [id, ""]),
        _ => return find_rest(parts),
    })
}

fn find_rest<'p>(parts: &[&'p str]) -> Option<(&'static Resource, [&'p str; 2])> {
    Some(match *parts {
        ["schemas", "image"] => (&IMAGE_SCHEMA, [""; 2]),
        ["schemas", "images"] => (&IMAGES_SCHEMA, [""; 2]),
        ["schemas", "member"] => (&MEMBER_SCHEMA, [""; 2]),
        ["schemas", "members"] => (&MEMBERS_SCHEMA, [""; 2]),
        ["schemas", "task"] => (&TASK_SCHEMA, [""; 2]),
        ["schemas", "tasks"] => (&TASKS_SCHEMA, [""; 2]),
        ["stores", store, id] => (&STORE_COPY, [store, id]),
        ["info", "import"] => (&IMPORT_INFO, [""; 2]),
        ["info", "stores"] => (&STORES_INFO, [""; 2]),
        ["info", "stores", "detail"] => (&STORES_DETAIL, [""; 2]),
        ["info", "usage"] => (&USAGE_INFO, [""; 2]),
        ["tasks"] => (&TASKS, [""; 2]),
        ["tasks", id] => (&TASK, [id, ""]),
        ["cache"] => (&CACHE, [""; 2]),
        ["cache", "clean"] => (&CACHE_CLEAN, [""; 2]),
        ["cache", "prune"] => (&CACHE_PRUNE, [""; 2]),
        ["cache", id] => (&CACHED, [id, ""]),
        ["cache", "nodes", id] => (&CACHE_NODES, [id, ""]),
        _ => return None,
    })
}

/// Returns a path outside of the versions.
pub(super) fn find_apart(part: &str) -> Option<&'static Resource> {
    match part {
        "versions" => Some(&VERSIONS),
        "healthcheck" => Some(&HEALTH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_found_by_its_own_parts() {
        for resource in RESOURCES {
            let Some(path) = resource.path.strip_prefix("/v2/") else {
                let found = find_apart(&resource.path[1..]).expect("found");
                assert_eq!(found.path, resource.path);
                continue;
            };
            let parts: Vec<&str> = path.split('/').collect();
            let (found, variable) = find(&parts).expect(path);
            assert_eq!(found.path, resource.path);
            let given: Vec<&str> = parts
                .iter()
                .filter(|p| p.starts_with('{'))
                .copied()
                .collect();
            assert_eq!(variable[..given.len()], given[..], "{path}");
        }
    }

    #[test]
    fn paths_with_empty_parts_are_unknown_except_for_tags() {
        for path in [
            "images/",
            "images//file",
            "tasks/",
            "",
            "cache/",
            "images/a/members/",
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            assert!(find(&parts).is_none(), "{path}");
        }
        let (found, parts) = find(&["images", "a", "tags", ""]).expect("a tag");
        assert_eq!((found.path, parts), (TAG.path, ["a", ""]));
    }

    #[test]
    fn what_is_allowed_is_named_in_the_order_of_the_table() {
        assert_eq!(IMAGE.allow(), "GET, PATCH, DELETE");
        assert_eq!(LOCATIONS.allow(), "GET, POST");
        assert_eq!(TASK.allow(), "GET, DELETE");
    }
}
