//! Every operation that policy decides, with the rules that it asks, in order.

use crate::policy::Rule;

/// What an operation does to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Read,
    /// Something: callers without identity never get here.
    Write,
    /// It writes the record of an image, so the caller is also an administrator or of the project
    /// that owns it, whatever the rules say.
    WriteRecord,
}

/// What is decided about an operation, apart from the lookup of the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) effect: Effect,
    /// The rules, in the order in which they are asked.
    pub(super) rules: &'static [Rule],
    /// The deed, as messages name it.
    pub(super) deed: &'static str,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $effect:ident, [$($rule:ident),*], $deed:literal;)*) => {
        /// What a caller asks to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub(super) const fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        effect: Effect::$effect,
                        rules: &[$(Rule::$rule),*],
                        deed: $deed,
                    },)*
                }
            }
        }
    };
}

actions! {
    /// Make a record. Its visibility may ask a further rule.
    Create: Write, [AddImage], "create the image";
    /// List images.
    List: Read, [GetImages], "list images";
    /// Read a record. The lookup asks `get_image`, here and for every other image.
    Show: Read, [], "see the image";
    /// Read the tasks of an image.
    ImageTasks: Read, [], "see the tasks of the image";
    /// Patch a record: each operation asks for itself, by the gate.
    Patch: Write, [], "change the image";
    /// Change a field of a record, within a patch.
    Modify: WriteRecord, [ModifyImage], "change the image";
    /// Make an image public, within a patch; changing the record is asked apart.
    Publicize: Write, [PublicizeImage], "make the image public";
    /// Make an image one of the community, within a patch; changing the record is asked apart.
    Communitize: Write, [CommunitizeImage], "make the image one of the community";
    /// Add or replace locations, within a patch.
    LocationSet: WriteRecord, [SetImageLocation], "set locations of the image";
    /// Remove a location, within a patch.
    LocationRemove: WriteRecord, [DeleteImageLocation], "remove a location of the image";
    /// Add a tag.
    TagPut: WriteRecord, [ModifyImage], "tag the image";
    /// Remove a tag.
    TagDelete: WriteRecord, [ModifyImage], "remove a tag of the image";
    /// Write the data.
    Upload: WriteRecord, [UploadImage], "upload data to the image";
    /// Write data that is to be imported.
    Stage: WriteRecord, [ModifyImage], "stage data for the image";
    /// Import by web-download, glance-direct or glance-download.
    Import: WriteRecord, [ModifyImage], "import data into the image";
    /// Import by copy-image, which works with the rights of the engine.
    CopyImage: Write, [CopyImage], "copy the data of the image";
    /// Read the data.
    Download: Read, [DownloadImage], "download the data of the image";
    /// Read the data from a store of choice.
    DownloadFromStore: Read, [DownloadImage, DownloadFromStore],
        "choose the store that the data of the image comes from";
    /// Delete an image.
    Delete: WriteRecord, [DeleteImage], "delete the image";
    /// Close the data.
    Deactivate: WriteRecord, [Deactivate], "deactivate the image";
    /// Open the data again.
    Reactivate: WriteRecord, [Reactivate], "reactivate the image";
    /// Remove the data from one store.
    StoreDelete: WriteRecord, [GetImageLocation, DeleteImageLocation],
        "remove the data of the image from a store";
    /// Add a location by a call of its own.
    LocationAdd: Write, [AddImageLocation], "add a location to the image";
    /// Read the locations by a call of their own.
    LocationsGet: Read, [FetchImageLocation], "read the locations of the image";
    /// Share an image.
    MemberAdd: Write, [AddMember], "share the image";
    /// List the members.
    MemberList: Read, [GetMembers], "list the members of the image";
    /// See a member.
    MemberShow: Read, [GetMember], "see the member";
    /// Accept or reject a shared image.
    MemberUpdate: Write, [GetMember, ModifyMember], "change the status of the member";
    /// Take an image back from a member.
    MemberDelete: Write, [GetMember, DeleteMember], "remove the member";
    /// Have an image cached.
    CachePut: Write, [CacheImage], "have the image cached";
    /// Remove an image from the cache.
    CacheDelete: Write, [CacheDelete], "remove the image from the cache";
    /// See what is cached.
    CacheList: Read, [CacheList], "see the cache";
    /// Empty the cache.
    CacheClear: Write, [CacheDelete], "empty the cache";
    /// Remove broken and stalled copies from the cache.
    CacheClean: Write, [CacheClean], "clean the cache";
    /// Bring the cache back to its size.
    CachePrune: Write, [CachePrune], "prune the cache";
    /// See which nodes cache an image.
    CachedNodes: Read, [ListCachedNodes], "see the nodes that cache the image";
    /// Read the cache by its old paths.
    CacheLegacyRead: Read, [ManageImageCache], "see the cache";
    /// Change the cache by its old paths.
    CacheLegacyWrite: Write, [ManageImageCache], "change the cache";
    /// List or show tasks.
    Tasks: Read, [TasksApiAccess], "see tasks";
    /// Create or delete tasks.
    TaskWrite: Write, [TasksApiAccess], "change tasks";
    /// See the stores with their details.
    StoresDetail: Read, [StoresInfoDetail], "see the details of the stores";
}

impl Action {
    /// Tells whether the action changes anything, which callers without identity never may.
    pub fn is_write(self) -> bool {
        self.row().effect != Effect::Read
    }

    /// Tells whether the action is about the members of an image, which only shared ones have.
    pub(super) fn is_on_members(self) -> bool {
        matches!(
            self,
            Self::MemberAdd
                | Self::MemberList
                | Self::MemberShow
                | Self::MemberUpdate
                | Self::MemberDelete
        )
    }

    /// Tells whether the action reads data.
    pub(super) fn is_on_data(self) -> bool {
        matches!(self, Self::Download | Self::DownloadFromStore)
    }
}
