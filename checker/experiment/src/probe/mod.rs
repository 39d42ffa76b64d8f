//! What `ms load`, the prober, is told and what it reports. Where it runs is
//! the target's business.

pub(crate) mod columns;
pub(crate) mod proof;
pub(crate) mod report;
