//! One binary of integration tests, a module for each flow.

mod range;
mod source;
mod tidy;
