//! Every lab, judged again on its recorded evidence, without a cluster.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod causes;
mod course;
mod holes;
mod states;
mod traffic;
