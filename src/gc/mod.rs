//! Collection (to come).
#[derive(Debug, Default)]
pub(crate) struct Collector;
