//! Every bound in one place.

/// One KiB, in bytes.
pub const KIB: u64 = 1 << 10;
/// One MiB, in bytes.
pub const MIB: u64 = 1 << 20;
/// One GiB, in bytes.
pub const GIB: u64 = 1 << 30;
/// One TiB, in bytes.
pub const TIB: u64 = 1 << 40;

/// Block on whose borders chunks are cut and data is laid, in bytes.
pub const BLOCK_LEN_BYTES: usize = 4096;
/// Smallest chunk of data that the cutters make away from borders of zero runs, in bytes.
pub const CHUNK_MIN_BYTES: usize = 16 << 10;
/// Average chunk, in bytes.
pub const CHUNK_AVG_BYTES: usize = 64 << 10;
/// Largest chunk, in bytes.
pub const CHUNK_MAX_BYTES: usize = 256 << 10;

/// Buffer that the ingest pipeline passes between its lanes, in bytes.
pub const BUFFER_LEN_BYTES: usize = 1 << 20;

/// Longest image, in bytes: in a manifest, a length shares 64 bits with a tag of two.
pub const IMAGE_MAX_BYTES: u64 = (1 << 62) - 1;

/// Longest policy file or file of property protections, in bytes.
pub const POLICY_MAX_BYTES: usize = 1 << 20;
/// Most names and values in one policy file, and most roles in a file of property protections.
pub const POLICY_VALUES_MAX: usize = 16_384;
/// Most rules of all policy files together.
pub const POLICY_RULES_MAX: usize = 4_096;
/// Longest text of one rule, in bytes.
pub const RULE_MAX_BYTES: usize = 64 << 10;
/// Most sections of a file of property protections.
pub const PROTECTIONS_MAX: usize = 64;
/// Longest expression of a file of property protections, in bytes.
pub const EXPRESSION_MAX_BYTES: usize = 1_024;

/// Longest name, owner, member id, tag or property name, in characters.
pub const NAME_MAX_CHARS: usize = 255;
/// Longest property value, in bytes.
pub const PROPERTY_MAX_BYTES: usize = 65_535;

/// Longest signature over the data of an image, in bytes: that of an RSA key of 16,384 bits.
pub const SIGNATURE_MAX_BYTES: usize = 2_048;
/// Longest certificate that is read, in bytes, as DER or PEM.
pub const CERTIFICATE_MAX_BYTES: usize = 64 << 10;

/// Longest uri of a download, in bytes: what RFC 9110, section 4.1, wants everybody to take.
pub const URI_MAX_BYTES: usize = 8_000;
/// Most addresses of one host that are tried.
pub const ADDRESSES_MAX: usize = 32;

/// Most parameters of the query of a list. A query string of the usual longest 8 KiB has fewer.
pub const QUERY_PARAMS_MAX: usize = 4096;
/// Most values in the `in:` list of a filter.
pub const QUERY_LIST_MAX: usize = 16_384;
/// Longest JSON body, in bytes.
pub const JSON_MAX_BYTES: usize = 16 << 20;
/// Most values of a JSON body, nested ones counted: 1 MiB of the smallest values stays a tree of a
/// few MiB.
pub const JSON_MAX_VALUES: usize = 1 << 16;
