//! One binary of integration tests, a module for each flow.

#[cfg(feature = "tokio")]
mod asyncio;
#[cfg(feature = "testing")]
mod bad_input;
mod check;
mod gc;
mod range;
#[cfg(feature = "testing")]
mod rot;
#[cfg(feature = "testing")]
mod rot_index;
mod source;
mod support;
mod tidy;
mod upload;
