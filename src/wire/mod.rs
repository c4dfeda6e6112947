//! The JSON documents of the API: images, lists, members, tasks and schemas.
//!
//! Pure. Types of other rooms are never serialized as they are; the shapes here are made of them by
//! hand, so that neither can change the other.
