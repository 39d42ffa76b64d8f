//! The server over real HTTP, with a source that tells what a test says; what
//! is told are reports recorded on a real cluster.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod events;
mod guard;
mod place;
