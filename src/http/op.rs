//! What a request can ask for, as a table: its name, the status of success, and those of refusals.
//!
//! Pure. The dispatch takes from here what there is to do, the OpenAPI document what comes of it.

macro_rules! ops {
    ($($op:ident $name:literal $success:tt [$($refusal:literal)*];)*) => {
        /// What a request asks for; each has one handler.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Op { $($op,)* }

        impl Op {
            /// Returns the name that the OpenAPI document gives it.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$op => $name,)* }
            }

            /// Returns the status of success; none where it always refuses, for the feature behind
            /// it is switched off.
            pub(super) fn success(self) -> Option<u16> {
                match self { $(Self::$op => success!($success),)* }
            }

            /// Returns the statuses of refusals, beside those that any operation may have.
            pub(super) fn refusals(self) -> &'static [u16] {
                match self { $(Self::$op => &[$($refusal),*],)* }
            }
        }
    };
}

macro_rules! success {
    (off) => {
        None
    };
    ($status:literal) => {
        Some($status)
    };
}

ops! {
    ListVersions "listVersions" 200 [];
    Health "showHealth" 200 [];
    ImageSchema "showImageSchema" 200 [];
    ImagesSchema "showImagesSchema" 200 [];
    MemberSchema "showMemberSchema" 200 [];
    MembersSchema "showMembersSchema" 200 [];
    TaskSchema "showTaskSchema" 200 [];
    TasksSchema "showTasksSchema" 200 [];
    ListImages "listImages" 200 [];
    CreateImage "createImage" 201 [409 413];
    ShowImage "showImage" 200 [404];
    PatchImage "updateImage" 200 [404 409 413 415];
    DeleteImage "deleteImage" 204 [404 413];
    ListImageTasks "listImageTasks" 200 [404];
    Deactivate "deactivateImage" 204 [404 413];
    Reactivate "reactivateImage" 204 [404 413];
    Upload "uploadImageData" 204 [404 409 410 413 415];
    Download "downloadImageData" 200 [404 416];
    Stage "stageImageData" 204 [404 409 410 413 415];
    Import "importImage" 202 [404 409 413];
    AddLocation "addImageLocation" 202 [404 409];
    ListLocations "listImageLocations" 200 [404];
    PutTag "addImageTag" 204 [404 413];
    DeleteTag "deleteImageTag" 204 [404 413];
    ListMembers "listImageMembers" 200 [404];
    AddMember "addImageMember" 200 [404 409 413];
    ShowMember "showImageMember" 200 [404];
    SetMember "updateImageMember" 200 [404 413];
    DeleteMember "deleteImageMember" 204 [404 413];
    DeleteFromStore "deleteImageFromStore" 204 [404 409 413];
    ImportInfo "showImportInfo" 200 [];
    StoresInfo "showStoresInfo" 200 [404];
    StoresDetail "showStoresDetail" 200 [404];
    UsageInfo "showUsage" 200 [];
    ListTasks "listTasks" 200 [];
    CreateTask "createTask" off [];
    ShowTask "showTask" 200 [404];
    DeleteTask "deleteTask" off [405];
    ShowCache "showCache" 200 [404];
    ClearCache "clearCache" 204 [404 413];
    CacheImage "cacheImage" 202 [404 413];
    UncacheImage "uncacheImage" 204 [404 413];
    CacheNodes "listCacheNodes" off [404 409];
    CleanCache "cleanCache" 200 [404 413];
    PruneCache "pruneCache" 200 [404 413];
}
