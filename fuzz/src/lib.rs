//! What fuzz targets share, a module for each family of them.

pub mod range;
