//! One binary of integration tests, a module for each flow.

#[cfg(feature = "testing")]
mod crash;
#[cfg(feature = "testing")]
mod fault;
mod gc;
#[cfg(feature = "testing")]
mod kill;
mod range;
mod source;
mod support;
mod tidy;
mod upload;
