//! One file per command: its arguments (`Args`) and its work (`run`).

pub mod list;
