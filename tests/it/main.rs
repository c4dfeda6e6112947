//! One binary of integration tests, a module for each flow.

#[cfg(feature = "tokio")]
mod asyncio;
mod check;
mod gc;
mod range;
mod source;
mod support;
mod tidy;
mod upload;
