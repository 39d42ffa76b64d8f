//! Tests on a real cluster: `cargo test --workspace --test live_experiment`.
//!
//! LABCHECK_TEST_KUBECONFIG names the kubeconfig of a cluster that may be
//! changed; it must be set. On its nodes lie the images LABCHECK_TEST_IMAGE
//! (`ms:v1` unless set) and LABCHECK_TEST_PROBE_IMAGE (`labcheck/probe:0.1.0`
//! unless set). Everything happens in the namespaces `exp-dev…`.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod behaviour;
mod fence;
mod kill;
#[path = "../killed/mod.rs"]
mod killed;
mod support;
mod traffic;
mod undo;
