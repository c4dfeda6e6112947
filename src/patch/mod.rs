//! The two patch languages of the Images API: operations and pointers, read and printed.
//!
//! Pure, and knows nothing of images: what a patch does to one is in `image`.
