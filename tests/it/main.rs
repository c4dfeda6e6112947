//! One binary of integration tests, a module for each flow.

#![allow(
    clippy::cast_possible_truncation,
    reason = "tests run on 64-bit machines, on lengths that fit"
)]

#[cfg(feature = "tokio")]
mod asyncio;
#[cfg(feature = "testing")]
mod bad_input;
#[cfg(feature = "testing")]
mod cache;
mod check;
#[cfg(feature = "testing")]
mod crash;
#[cfg(feature = "testing")]
mod fault;
mod gc;
#[cfg(all(feature = "http", feature = "testing"))]
mod http;
mod imports;
#[cfg(feature = "testing")]
mod inspect;
#[cfg(feature = "testing")]
mod kill;
mod linear;
mod locations;
#[cfg(feature = "testing")]
mod medium;
#[cfg(feature = "testing")]
mod model;
mod quotas;
mod range;
#[cfg(feature = "testing")]
mod rot;
#[cfg(feature = "testing")]
mod rot_index;
mod rules;
mod semantics;
mod signature;
mod source;
mod starved;
mod stores;
mod support;
mod tidy;
#[cfg(feature = "cli")]
mod tool;
mod upload;
#[cfg(feature = "testing")]
mod vectors;
