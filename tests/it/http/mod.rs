//! The front end over real sockets: a server on a port of its own, and a client that is written
//! here, so that it can also send what no client sends.

mod bodies;
pub(crate) mod client;
mod crowd;
mod ending;
mod garbage;
mod generated;
mod identity;
mod limits;
mod lists;
pub(crate) mod reply;
pub(crate) mod request;
mod routes;
mod scene;
pub(crate) mod server;
#[cfg(feature = "signature")]
mod signature;
mod single;
mod stores;
