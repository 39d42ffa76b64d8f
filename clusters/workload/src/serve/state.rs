//! What all requests share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::faults;
use super::label::Label;
use super::metrics::Metrics;
use crate::model::Model;

/// A dependency that takes longer to accept counts as down. Below the default
/// time-out of a kubelet probe, 1 s, so that the probe sees the reason.
const DEPENDENCY_TIMEOUT: Duration = Duration::from_millis(700);

/// State of one server.
pub struct State {
    /// Node name, if it was given.
    pub node: Option<String>,
    /// The version answers carry, if not the model's.
    pub label: Option<Label>,
    /// Faults asked for.
    pub faults: faults::Faults,
    /// Counters and histograms.
    pub metrics: Metrics,
    model: OnceLock<Model>,
    draining: AtomicBool,
    hang: watch::Sender<bool>,
    inflight: AtomicI64,
    predictions: AtomicU64,
}

impl State {
    /// A server that has not loaded its model.
    pub fn new(node: Option<String>, label: Option<Label>, faults: faults::Faults) -> anyhow::Result<Self> {
        Ok(Self {
            node: node.filter(|node| !node.is_empty()),
            label,
            faults,
            metrics: Metrics::new()?,
            model: OnceLock::new(),
            draining: AtomicBool::new(false),
            hang: watch::Sender::new(false),
            inflight: AtomicI64::new(0),
            predictions: AtomicU64::new(0),
        })
    }

    /// Puts the model into service.
    pub fn set_model(&self, model: Model) {
        self.metrics.set_model(model.version().name(), model.digest());
        let _ = self.model.set(model);
    }

    /// The model, once it is loaded.
    pub fn model(&self) -> Option<&Model> {
        self.model.get()
    }

    /// From now on the server is not ready.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether SIGTERM has come.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// From now on nothing is answered.
    pub fn hang(&self) {
        self.hang.send_replace(true);
    }

    /// Whether nothing is answered any more.
    pub fn hung(&self) -> bool {
        *self.hang.borrow()
    }

    /// Waits until nothing is answered any more.
    pub async fn hanging(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.hang.subscribe().wait_for(|hung| *hung).await;
    }

    /// Counts one served prediction and returns the count.
    pub fn count_prediction(&self) -> u64 {
        self.predictions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Requests being answered.
    pub fn inflight(&self) -> i64 {
        self.inflight.load(Ordering::Relaxed)
    }

    /// Counts a request as in flight until the guard is dropped, which also
    /// happens when the client goes away.
    pub fn enter(&self) -> InFlight<'_> {
        self.inflight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Why the server is not ready, if it is not.
    pub async fn not_ready(&self) -> Option<String> {
        if self.draining() {
            return Some("draining: the server was asked to stop".to_owned());
        }
        let Some(model) = self.model() else {
            return Some("the model is still loading".to_owned());
        };
        if let Some(defect) = model.defect() {
            return Some(defect);
        }
        for target in &self.faults.depends_on {
            match tokio::time::timeout(DEPENDENCY_TIMEOUT, target.connect()).await {
                Ok(Ok(_)) => {}
                Ok(Err(why)) => return Some(format!("dependency `{target}`: {why}")),
                Err(_) => {
                    let limit = DEPENDENCY_TIMEOUT.as_millis();
                    return Some(format!("dependency `{target}`: no answer in {limit} ms"));
                }
            }
        }
        None
    }
}

/// One request in flight.
pub struct InFlight<'a>(&'a State);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.inflight.fetch_sub(1, Ordering::Relaxed);
    }
}
