//! The command line as a learner meets it: the real binary in an environment
//! that holds nothing but what a test puts there.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod author;
mod broken_lab;
mod compose;
mod desk;
mod disk;
mod evidence;
mod findings;
mod grading;
mod kubeconfig;
mod labs;
mod outputs;
mod place;
mod post_scores;
mod postgres;
mod progress;
mod requests;
mod serve;
mod server;
mod shares;
mod store;
mod sweep;
mod tls;
mod usage;
