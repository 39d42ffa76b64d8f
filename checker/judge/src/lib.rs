//! Pure judging: a report is a function of lab and evidence.

pub mod cel;
