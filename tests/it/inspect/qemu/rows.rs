//! The images that `qemu-img` makes, and what becomes of each.

use smalti::inspect::Hint;

/// What an image becomes here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// The format that QEMU says, and its length, and no failure.
    Same,
    /// The format that QEMU says, and its length, but a safety check fails.
    Fails(&'static str),
    /// A descriptor without data: the format, no length.
    Descriptor,
    /// Nothing in particular, whatever QEMU calls it.
    Raw(Option<Hint>),
}

use Expected::{Descriptor, Fails, Raw, Same};

/// An image to make: format, options joined by commas, what it becomes.
pub(super) type Row = (&'static str, &'static str, Expected);

pub(super) const SIZES: [&str; 3] = ["65536", "10M", "3G"];

/// Images that are made of nothing, each in every size.
pub(super) const EMPTY: &[Row] = &[
    ("qcow2", "", Same),
    ("qcow2", "compat=0.10", Same),
    ("qcow2", "compat=1.1", Same),
    ("qcow2", "cluster_size=512", Same),
    ("qcow2", "cluster_size=4096", Same),
    ("qcow2", "cluster_size=2097152", Same),
    ("qcow2", "compat=0.10,cluster_size=1024", Same),
    ("qcow2", "lazy_refcounts=on", Same),
    ("qcow2", "refcount_bits=1", Same),
    ("qcow2", "refcount_bits=64", Same),
    ("qcow2", "compression_type=zstd", Same),
    ("qcow2", "compression_type=zlib", Same),
    ("qcow2", "preallocation=off", Same),
    ("qcow2", "preallocation=metadata", Same),
    (
        "qcow2",
        "extended_l2=on,cluster_size=128k",
        Fails("unknown_features"),
    ),
    ("qcow", "", Fails("unknown_features")),
    ("vmdk", "", Same),
    ("vmdk", "subformat=monolithicSparse", Same),
    ("vmdk", "subformat=streamOptimized", Same),
    ("vmdk", "adapter_type=ide", Same),
    ("vmdk", "adapter_type=buslogic", Same),
    ("vmdk", "adapter_type=lsilogic", Same),
    ("vmdk", "adapter_type=legacyESX", Same),
    ("vmdk", "hwversion=6", Same),
    ("vmdk", "compat6=on", Same),
    ("vmdk", "toolsversion=2147483647", Same),
    ("vmdk", "zeroed_grain=on", Same),
    ("vmdk", "subformat=monolithicFlat", Descriptor),
    ("vmdk", "subformat=twoGbMaxExtentSparse", Descriptor),
    ("vmdk", "subformat=twoGbMaxExtentFlat", Descriptor),
    ("vdi", "", Same),
    ("vdi", "static=off", Same),
    ("vpc", "", Same),
    ("vpc", "subformat=dynamic", Same),
    ("vpc", "force_size=on", Same),
    ("vhdx", "", Same),
    ("vhdx", "subformat=dynamic", Same),
    ("vhdx", "block_size=1048576", Same),
    ("vhdx", "block_size=67108864", Same),
    ("vhdx", "block_state_zero=off", Same),
    ("vhdx", "log_size=2097152", Same),
    ("qed", "", Fails("banned")),
    ("qed", "cluster_size=4096", Fails("banned")),
    ("qed", "table_size=2", Fails("banned")),
    ("parallels", "", Raw(Some(Hint::Ploop))),
    ("parallels", "cluster_size=65536", Raw(Some(Hint::Ploop))),
];

/// Images that are as long as their disk: made in the small sizes only.
pub(super) const FULL: &[Row] = &[
    ("raw", "", Raw(None)),
    ("raw", "preallocation=full", Raw(None)),
    ("qcow2", "preallocation=falloc", Same),
    ("qcow2", "preallocation=full", Same),
    (
        "qcow2",
        "data_file=other,data_file_raw=on",
        Fails("data_file"),
    ),
    ("qcow2", "data_file=other", Fails("data_file")),
    (
        "qcow2",
        "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
        Same,
    ),
    ("vdi", "static=on", Same),
    ("vpc", "subformat=fixed", Raw(Some(Hint::FixedVhd))),
    (
        "vpc",
        "subformat=fixed,force_size=on",
        Raw(Some(Hint::FixedVhd)),
    ),
    ("vhdx", "subformat=fixed", Same),
    ("luks", "key-secret=s,iter-time=10", Same),
    (
        "luks",
        "key-secret=s,iter-time=10,cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=plain64",
        Same,
    ),
    (
        "luks",
        "key-secret=s,iter-time=10,cipher-alg=twofish-256,hash-alg=sha512",
        Same,
    ),
    ("luks", "key-secret=s,iter-time=10,preallocation=full", Same),
];

/// Images that stand on another one.
pub(super) const BACKED: &[Row] = &[
    (
        "qcow2",
        "backing_file=base,backing_fmt=raw",
        Fails("backing_file"),
    ),
    (
        "qcow2",
        "compat=0.10,backing_file=base,backing_fmt=raw",
        Fails("backing_file"),
    ),
    (
        "qcow",
        "backing_file=base,backing_fmt=raw",
        Fails("backing_file"),
    ),
    (
        "vmdk",
        "backing_file=base.vmdk,backing_fmt=vmdk",
        Fails("descriptor"),
    ),
    ("qed", "backing_file=base,backing_fmt=raw", Fails("banned")),
];

/// Images that are made from data.
pub(super) const CONVERTED: &[Row] = &[
    ("qcow2", "", Same),
    ("qcow2", "compat=0.10", Same),
    ("qcow2", "compression_type=zstd", Same),
    ("vmdk", "subformat=monolithicSparse", Same),
    ("vmdk", "subformat=streamOptimized", Same),
    ("vmdk", "subformat=streamOptimized,compat6=on", Same),
    ("vdi", "", Same),
    ("vpc", "", Same),
    ("vpc", "subformat=fixed", Raw(Some(Hint::FixedVhd))),
    ("vhdx", "", Same),
    ("vhdx", "subformat=fixed", Same),
    ("qed", "", Fails("banned")),
    ("raw", "", Raw(None)),
    ("parallels", "", Raw(Some(Hint::Ploop))),
];
