//! One binary of integration tests, a module for each flow.

mod gc;
mod range;
mod source;
mod support;
mod tidy;
mod upload;
