//! The closed vocabularies of an image besides its status: visibility and the two formats.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

/// Makes an enum whose values are words of the API: `ALL`, `as_str`, `Display`, `FromStr`.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the API documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word of the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// Reads the exact word of the API; case counts. Anything else is `SchemaViolation`.
        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::image::words::unknown($what, text, &[$($word,)*])),
                }
            }
        }
    };
}
pub(super) use words;

/// Makes the error for a word outside the vocabulary.
pub(super) fn unknown(what: &str, text: &str, words: &[&str]) -> Error {
    let shown: String = text.chars().take(64).collect();
    let message = format!("{what} {shown:?} is not one of {}", words.join(", "));
    Error::new(ErrorCode::SchemaViolation, message)
}

words! {
    /// Who may read an image (Glance: `image_visibility` of `glance/db/sqlalchemy/models.py`).
    ///
    /// The set is closed: the Images API v2 defines these four.
    #[derive(Default)]
    #[expect(clippy::exhaustive_enums, reason = "the API defines these four")]
    Visibility, "visibility" {
        /// Every caller with the role reader reads it and finds it in the default list.
        Public = "public",
        /// As public, but only the owner finds it in the default list.
        Community = "community",
        /// The owner and the members of the image read it.
        #[default]
        Shared = "shared",
        /// The owner reads it.
        Private = "private",
    }
}

words! {
    /// The format of the disk that the bytes of an image describe (option `disk_formats`).
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[non_exhaustive]
    DiskFormat, "disk format" {
        /// Amazon machine image.
        Ami = "ami",
        /// Amazon ramdisk image.
        Ari = "ari",
        /// Amazon kernel image.
        Aki = "aki",
        /// Virtual PC disk.
        Vhd = "vhd",
        /// Hyper-V disk.
        Vhdx = "vhdx",
        /// VMware disk.
        Vmdk = "vmdk",
        /// Unstructured bytes of a disk.
        Raw = "raw",
        /// QEMU copy-on-write disk, version 2 or 3.
        Qcow2 = "qcow2",
        /// VirtualBox disk.
        Vdi = "vdi",
        /// Optical disc.
        Iso = "iso",
        /// Virtuozzo disk.
        Ploop = "ploop",
    }
}

words! {
    /// What stands around the disk (option `container_formats`).
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[non_exhaustive]
    ContainerFormat, "container format" {
        /// Amazon machine image.
        Ami = "ami",
        /// Amazon ramdisk image.
        Ari = "ari",
        /// Amazon kernel image.
        Aki = "aki",
        /// Nothing: the bytes are the disk.
        Bare = "bare",
        /// Open virtualization format, a descriptor file.
        Ovf = "ovf",
        /// Open virtualization format in a tar archive.
        Ova = "ova",
        /// Tar archive of a docker image.
        Docker = "docker",
        /// A compressed file.
        Compressed = "compressed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_print_and_parse_back() {
        for &v in Visibility::ALL {
            assert_eq!(v.to_string().parse::<Visibility>().unwrap(), v);
        }
        for &f in DiskFormat::ALL {
            assert_eq!(f.to_string().parse::<DiskFormat>().unwrap(), f);
        }
        for &f in ContainerFormat::ALL {
            assert_eq!(f.to_string().parse::<ContainerFormat>().unwrap(), f);
        }
        assert_eq!(Visibility::default(), Visibility::Shared);
    }

    #[test]
    fn other_words_and_other_case_are_refused() {
        for text in ["", "RAW", "Qcow2", "raw ", "qed", "gpt"] {
            let error = text.parse::<DiskFormat>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::SchemaViolation, "{text:?}");
        }
        let error = "hidden".parse::<Visibility>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "visibility \"hidden\" is not one of public, community, shared, private"
        );
        assert!("Bare".parse::<ContainerFormat>().is_err());
    }
}
