//! The formats that are told apart. Other than those that an image may claim: some of these are
//! recognised only to be refused.

use std::fmt;

/// A format that data is recognised as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Nothing else: bytes of a disk, or bytes of anything.
    Raw,
    /// QEMU copy-on-write disk; its first version counts as one of these too.
    Qcow2,
    /// Virtual PC disk with a footer in front, as dynamic ones have.
    Vhd,
    /// Hyper-V disk.
    Vhdx,
    /// VMware disk: a sparse extent, or a descriptor alone.
    Vmdk,
    /// VirtualBox disk.
    Vdi,
    /// QEMU enhanced disk, which nobody takes any more.
    Qed,
    /// Optical disc, ISO 9660 or UDF.
    Iso,
    /// A disk with a partition table, of either kind.
    Gpt,
    /// Encrypted disk.
    Luks,
}

impl Format {
    /// Every format, in the order in which an inspection names them.
    pub const ALL: &'static [Self] = &[
        Self::Raw,
        Self::Qcow2,
        Self::Vhd,
        Self::Vhdx,
        Self::Vmdk,
        Self::Vdi,
        Self::Qed,
        Self::Iso,
        Self::Gpt,
        Self::Luks,
    ];

    /// Returns the word for it, which is that of the API where an image may claim it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Qed => "qed",
            Self::Iso => "iso",
            Self::Gpt => "gpt",
            Self::Luks => "luks",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
