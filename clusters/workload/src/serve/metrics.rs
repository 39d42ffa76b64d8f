//! Prometheus metrics, text format 0.0.4.

use std::time::Duration;

use anyhow::Context;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Upper bounds of the histogram in seconds: fine around the 800 ms objective
/// of the scaling labs.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.5, 5.0, 10.0];

/// All metrics of the server.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: HistogramVec,
    model: IntGaugeVec,
    inflight: IntGauge,
}

impl Metrics {
    /// Registers the metrics.
    pub fn new() -> anyhow::Result<Self> {
        let requests = Opts::new("ms_requests_total", "Requests answered.");
        let duration = HistogramOpts::new(
            "ms_request_duration_seconds",
            "Time from a request's head to its answer, in seconds.",
        );
        let model = Opts::new("ms_model_info", "The loaded model; the value is always 1.");
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(requests, &["path", "code", "version"])?,
            duration: HistogramVec::new(duration.buckets(BUCKETS.to_vec()), &["path", "version"])?,
            model: IntGaugeVec::new(model, &["version", "digest"])?,
            inflight: IntGauge::new("ms_inflight", "Requests being answered.")?,
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.duration.clone()))?;
        metrics.registry.register(Box::new(metrics.model.clone()))?;
        metrics.registry.register(Box::new(metrics.inflight.clone()))?;
        Ok(metrics)
    }

    /// Names the loaded model.
    pub fn set_model(&self, version: &str, digest: &str) {
        self.model.with_label_values(&[version, digest]).set(1);
    }

    /// Counts one answered request. `path` is a known route, so that a scan
    /// of random paths cannot grow the number of series.
    pub fn observe(&self, path: &str, code: u16, version: &str, took: Duration) {
        self.requests.with_label_values(&[path, code.to_string().as_str(), version]).inc();
        self.duration.with_label_values(&[path, version]).observe(took.as_secs_f64());
    }

    /// The page that Prometheus scrapes.
    pub fn render(&self, inflight: i64) -> anyhow::Result<String> {
        self.inflight.set(inflight);
        TextEncoder::new().encode_to_string(&self.registry.gather()).context("cannot render the metrics")
    }
}
