//! What to do about an error, by its code.

/// Returns what a user of the tool does about an error of this code, where there is something.
pub(super) fn of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "Locked" => {
            "another process has it open; if that is `smalti serve`, use --at http://HOST:PORT of it"
        }
        "UnknownFormat" => "name a directory of images, or an empty one, with --at",
        "NewerFormat" => "use the release of smalti that wrote it, or a newer one",
        "Poisoned" => "look at the disk and its log, then run the command again",
        "StorageFull" => "free space on the disk, or delete images and run `smalti gc`",
        "Corrupt" => "run `smalti verify` to see which images are touched",
        "ProtectedImage" => "run `smalti set ID --unprotect` first",
        "ImageDeactivated" => "let an administrator run `smalti reactivate ID` first",
        "NotShared" => "run `smalti set ID --visibility shared` first",
        "MissingFormat" => "set --disk-format and --container-format",
        "FormatFrozen" => "make a new image; formats are fixed once there is data",
        "RangeNotSatisfiable" => "`smalti show IMAGE` tells the size; bytes are counted from 0",
        "Duplicate" => "choose another one; ids of deleted images are never used again",
        "Unauthenticated" => "say who asks: --token, or --project and --role",
        "Forbidden" => "ask as the owner (--project) or as an administrator (--role admin)",
        "ReadOnlyCaller" => "say who asks: --token, or --project and --role",
        "InvalidSettings" => "mend the setting; `smalti serve --list-keys` shows all of them",
        _ => return None,
    })
}
