//! The Images API v2 over HTTP (feature `http`): requests become calls of the engine, and answers
//! become documents.
//!
//! It decides nothing about images: who may do what, in which order a request is refused and what
//! an answer holds is settled in the engine and in [`wire`](crate::wire). What is decided here is
//! of HTTP alone: routes, headers, bodies, identity, limits, and when to stop.
//!
//! - [`router`] answers every route of the API, for a server of the host's own.
//! - [`Server`] is a server with limits, for those who have none.
//!
//! # Examples
//! ```
//! use smalti::Engine;
//! use smalti::http::{HttpSettings, Identity, router};
//!
//! # fn main() -> smalti::Result<()> {
//! let engine = Engine::in_memory()?;
//! let settings = HttpSettings {
//!     identity: Identity::SingleUser,
//!     ..HttpSettings::default()
//! };
//! let images = router(engine, settings);
//! // The host's own routes stand beside those of the API.
//! let app: axum::Router = axum::Router::new().nest("/image", images);
//! # Ok(())
//! # }
//! ```

mod answer;
mod authority;
mod body;
mod cache;
mod call;
mod data;
mod dispatch;
mod download;
mod identity;
mod images;
mod import;
mod info;
mod locations;
mod memory;
mod metrics;
mod op;
mod openapi;
mod printed;
mod refusal;
mod request_id;
mod rest;
mod route;
mod running;
mod server;
mod settings;
mod sharing;
mod site;
mod stores;
mod stream;
mod target;
mod tasks;
mod versions;

pub use dispatch::router;
pub use info::UsageDocument;
pub use metrics::record_stats;
pub use openapi::openapi;
pub use route::{Route, routes};
pub use server::{Server, ServerSettings};
pub use settings::{HttpSettings, Identity};
pub use stores::{StoreDepth, StoresDocument};
