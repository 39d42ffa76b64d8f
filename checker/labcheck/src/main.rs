//! `labcheck`, the grader's command line.

fn main() {}
