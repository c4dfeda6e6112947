//! One binary of integration tests, a module for each flow.

#[cfg(feature = "testing")]
mod crash;
mod gc;
mod range;
mod source;
mod support;
mod tidy;
mod upload;
