//! Bounded reading of JSON bodies: what serde_json takes, within bounds of size, depth and count.
//!
//! Pure, and knows nothing of images.
