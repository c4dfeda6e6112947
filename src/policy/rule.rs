//! The names of all rules that the engine asks, and their default texts.
//!
//! The texts are the defaults of the Images API v2 (Glance: `glance/policies/`), with the service
//! role of the calling service counted in `service_api` (DEV-F16).

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};
use crate::policy::shown;

/// Joins texts at compile time.
macro_rules! admin_or {
    ($($rest:expr)?) => { concat!("rule:context_is_admin", $(" or ", $rest)?) };
}

/// The role member in the project of the target.
macro_rules! member {
    () => {
        "(role:member and project_id:%(project_id)s)"
    };
}

/// Whoever sees an image, for a role.
macro_rules! seen_by {
    ($role:literal) => {
        concat!(
            "(role:",
            $role,
            " and (project_id:%(project_id)s or project_id:%(member_id)s",
            " or 'community':%(visibility)s or 'public':%(visibility)s",
            " or 'shared':%(visibility)s))"
        )
    };
}

/// The project that owns an image, or one that it is shared with.
macro_rules! owner_or_member {
    () => {
        "role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)"
    };
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $text:expr;)*) => {
        /// A rule of the engine: a question that policy answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the name that policy files use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Returns the text that holds where no policy file says otherwise.
            pub const fn default_text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

rules! {
    /// Nothing but the default of four rules that are never asked.
    Default = "default", "";
    /// Who is an administrator, for the whole engine.
    ContextIsAdmin = "context_is_admin", "role:admin";
    /// Who is another service of the cloud.
    ServiceApi = "service_api", "role:service or role:admin or service_roles:service";
    /// Create an image.
    AddImage = "add_image",
        admin_or!("(role:member and project_id:%(project_id)s and project_id:%(owner)s)");
    /// See an image.
    GetImage = "get_image", admin_or!(seen_by!("reader"));
    /// List images.
    GetImages = "get_images", admin_or!("(role:reader and project_id:%(project_id)s)");
    /// Change the record of an image.
    ModifyImage = "modify_image", admin_or!(member!());
    /// Make an image public.
    PublicizeImage = "publicize_image", admin_or!();
    /// Make an image one of the community.
    CommunitizeImage = "communitize_image", admin_or!(member!());
    /// Read the data of an image.
    DownloadImage = "download_image", admin_or!(seen_by!("member"));
    /// Choose the store that data is read from, after `download_image`.
    DownloadFromStore = "download_from_store", admin_or!(seen_by!("member"));
    /// Write the data of an image.
    UploadImage = "upload_image", admin_or!(member!());
    /// Delete an image.
    DeleteImage = "delete_image", admin_or!(member!());
    /// Close the data of an image.
    Deactivate = "deactivate", admin_or!(member!());
    /// Open the data of an image again.
    Reactivate = "reactivate", admin_or!(member!());
    /// Copy the data of an image to further stores.
    CopyImage = "copy_image", admin_or!();
    /// See where the data of an image is.
    GetImageLocation = "get_image_location",
        admin_or!("(role:reader and project_id:%(project_id)s)");
    /// Remove a place of the data of an image.
    DeleteImageLocation = "delete_image_location", admin_or!();
    /// Add or replace places of the data of an image by a patch.
    SetImageLocation = "set_image_location", admin_or!(member!());
    /// Add a place of the data of an image by a call of its own.
    AddImageLocation = "add_image_location",
        "rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
    /// Read the places of the data of an image by a call of its own.
    FetchImageLocation = "fetch_image_location", "rule:service_api";
    /// Share an image.
    AddMember = "add_member", admin_or!(member!());
    /// Take an image back from a member.
    DeleteMember = "delete_member", admin_or!(member!());
    /// List the members of an image.
    GetMembers = "get_members", admin_or!(owner_or_member!());
    /// See a member of an image.
    GetMember = "get_member", admin_or!(owner_or_member!());
    /// Accept or reject a shared image.
    ModifyMember = "modify_member", admin_or!("(role:member and project_id:%(member_id)s)");
    /// Have an image cached.
    CacheImage = "cache_image", admin_or!();
    /// See what is cached.
    CacheList = "cache_list", admin_or!();
    /// Remove images from the cache.
    CacheDelete = "cache_delete", admin_or!();
    /// Remove broken and stalled copies from the cache.
    CacheClean = "cache_clean", admin_or!();
    /// Bring the cache back to its size.
    CachePrune = "cache_prune", admin_or!();
    /// See which nodes cache an image.
    ListCachedNodes = "list_cached_nodes", admin_or!();
    /// Use the old paths of the cache.
    ManageImageCache = "manage_image_cache", admin_or!();
    /// Use the tasks of the API.
    TasksApiAccess = "tasks_api_access", admin_or!();
    /// Never asked; files may name it.
    GetTask = "get_task", "rule:default";
    /// Never asked; files may name it.
    GetTasks = "get_tasks", "rule:default";
    /// Never asked; files may name it.
    AddTask = "add_task", "rule:default";
    /// Never asked; files may name it.
    ModifyTask = "modify_task", "rule:default";
    /// See the stores with their details.
    StoresInfoDetail = "stores_info_detail", admin_or!("rule:service_api");
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads the exact name; case counts. Anything else is `InvalidPolicy`.
impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|rule| rule.name() == text);
        found.copied().ok_or_else(|| {
            let message = format!("{} is no rule of the engine", shown(text));
            Error::new(ErrorCode::InvalidPolicy, message)
        })
    }
}

/// Tells whether a name is one of the rules on metadata definitions, which are accepted in files
/// and without effect.
pub(super) fn is_metadef(name: &str) -> bool {
    const PLAIN: [&str; 4] = [
        "metadef_default",
        "metadef_admin",
        "list_metadef_resource_types",
        "get_metadef_resource_type",
    ];
    const OBJECTS: [&str; 5] = ["namespace", "object", "property", "tag", "tags"];
    const ASSOCIATIONS: [&str; 2] = [
        "add_metadef_resource_type_association",
        "remove_metadef_resource_type_association",
    ];
    if PLAIN.contains(&name) || ASSOCIATIONS.contains(&name) {
        return true;
    }
    let Some((verb, object)) = name.split_once("_metadef_") else {
        return false;
    };
    match verb {
        "get" => {
            OBJECTS.contains(&object) || ["namespaces", "objects", "properties"].contains(&object)
        }
        "add" => OBJECTS.contains(&object),
        "modify" => ["namespace", "object", "property", "tag"].contains(&object),
        "delete" => ["namespace", "object", "tag", "tags"].contains(&object),
        "remove" => object == "property",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_print_and_parse_back() {
        for &rule in Rule::ALL {
            assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
            assert!(!is_metadef(rule.name()), "{rule}");
        }
        for text in ["", "Get_Image", "get_image ", "copy_from"] {
            let error = text.parse::<Rule>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidPolicy, "{text:?}");
        }
    }

    #[test]
    fn rules_stand_in_the_order_of_their_numbers() {
        for (at, &rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(rule as usize, at);
        }
    }

    #[test]
    fn metadata_definition_rules_are_known() {
        for name in "metadef_default metadef_admin get_metadef_namespace get_metadef_namespaces \
                     add_metadef_namespace modify_metadef_namespace delete_metadef_namespace \
                     get_metadef_object get_metadef_objects add_metadef_object \
                     modify_metadef_object delete_metadef_object list_metadef_resource_types \
                     get_metadef_resource_type add_metadef_resource_type_association \
                     remove_metadef_resource_type_association get_metadef_property \
                     get_metadef_properties add_metadef_property modify_metadef_property \
                     remove_metadef_property get_metadef_tag get_metadef_tags add_metadef_tag \
                     add_metadef_tags modify_metadef_tag delete_metadef_tag delete_metadef_tags"
            .split_whitespace()
        {
            assert!(is_metadef(name), "{name}");
        }
        for name in [
            "get_metadef_",
            "delete_metadef_property",
            "metadef",
            "remove_metadef_tag",
        ] {
            assert!(!is_metadef(name), "{name}");
        }
    }
}
