//! `ms`, the multi-call workload of the labs.

fn main() {}
