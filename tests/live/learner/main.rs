//! What a learner does with labcheck, and what may go wrong on the way, on a
//! real cluster.
//!
//! ```text
//! LABCHECK_TEST_STATE=DIR cargo test --workspace --test live_learner -- --test-threads 1
//! ```
//!
//! - `LABCHECK_TEST_STATE`: the state directory of `labcheck up`, with one
//!   cluster in it. The tests work on copies of it and of its kubeconfig. They
//!   delete and make the namespace `lab01`, and stop and start the API server.
//! - `LABCHECK_KUBECTL`: kubectl, if it is not on PATH.
//! - `docker` must reach the node's container.
//!
//! The tests share the cluster, so they run one after the other. Nothing is
//! skipped: without a cluster they fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by failing there")]

mod access;
mod fence;
mod home;
mod outage;
mod stopped;
mod story;
mod watch;
