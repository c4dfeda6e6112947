//! What fuzz targets share, a module for each family of them.

pub mod bytes;
pub mod inspect;
pub mod manifest;
pub mod pack;
pub mod patch;
pub mod policy;
pub mod property;
pub mod query;
pub mod range;
pub mod record;
