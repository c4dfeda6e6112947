//! What fuzz targets share, a module for each family of them.

pub mod bytes;
pub mod manifest;
pub mod pack;
pub mod patch;
pub mod property;
pub mod policy;
pub mod range;
pub mod record;
