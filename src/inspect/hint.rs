//! What bytes look like that are no format of a disk: for messages, and for nothing else.

use std::fmt;

/// What data looks like that is taken as raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// Compressed by gzip.
    Gzip,
    /// Compressed by bzip2.
    Bzip2,
    /// Compressed by xz.
    Xz,
    /// Compressed by zstd.
    Zstd,
    /// Compressed by lz4.
    Lz4,
    /// An archive of zip.
    Zip,
    /// An archive of 7z.
    SevenZip,
    /// An archive of lha.
    Lha,
    /// An archive of tar, as OVA and docker are.
    Tar,
    /// A disk of Virtuozzo or Parallels.
    Ploop,
    /// A disk of Virtual PC with its only footer behind, which is not recognised as vhd.
    FixedVhd,
    /// An image of Apple.
    Dmg,
}

/// Signatures by their places.
const SIGNATURES: &[(usize, &[u8], Hint)] = &[
    (0, b"\x1f\x8b", Hint::Gzip),
    (0, b"BZh", Hint::Bzip2),
    (0, b"\xfd7zXZ\0", Hint::Xz),
    (0, b"\x28\xb5\x2f\xfd", Hint::Zstd),
    (0, b"\x04\x22\x4d\x18", Hint::Lz4),
    (0, b"PK\x03\x04", Hint::Zip),
    (0, b"PK\x05\x06", Hint::Zip),
    (0, b"7z\xbc\xaf\x27\x1c", Hint::SevenZip),
    (2, b"-lh", Hint::Lha),
    (2, b"-lz", Hint::Lha),
    (257, b"ustar", Hint::Tar),
    (0, b"WithoutFreeSpace", Hint::Ploop),
    (0, b"WithouFreSpacExt", Hint::Ploop),
];

impl Hint {
    /// Looks at the first and the last bytes.
    pub(super) fn of(head: &[u8], tail: &[u8]) -> Option<Self> {
        let front = SIGNATURES.iter().find(|(at, signature, _)| {
            let rest = head.get(*at..);
            rest.is_some_and(|rest| rest.starts_with(signature))
        });
        let trailer = tail.len().checked_sub(512).map(|at| &tail[at..]);
        let behind = || match trailer? {
            [b'c', b'o', b'n', b'e', b'c', b't', b'i', b'x', ..] => Some(Self::FixedVhd),
            [b'k', b'o', b'l', b'y', ..] => Some(Self::Dmg),
            _ => None,
        };
        front.map(|&(_, _, hint)| hint).or_else(behind)
    }

    /// Returns the words for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "data compressed by gzip",
            Self::Bzip2 => "data compressed by bzip2",
            Self::Xz => "data compressed by xz",
            Self::Zstd => "data compressed by zstd",
            Self::Lz4 => "data compressed by lz4",
            Self::Zip => "an archive of zip",
            Self::SevenZip => "an archive of 7z",
            Self::Lha => "an archive of lha",
            Self::Tar => "an archive of tar",
            Self::Ploop => "a disk of ploop",
            Self::FixedVhd => "a fixed vhd, whose footer behind the data is not looked at",
            Self::Dmg => "a dmg",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
