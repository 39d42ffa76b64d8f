//! Answers before they are HTTP.

use hyper::StatusCode;
use serde_json::{Value, json};

/// Status and body of one answer, and what its log line needs.
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Body,
    /// The nonce that was asked with.
    pub nonce: String,
}

/// A body with its type.
pub enum Body {
    /// `application/json`.
    Json(Value),
    /// Prometheus text format.
    Metrics(String),
}

impl Answer {
    /// 200 with JSON.
    pub fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, Body::Json(body))
    }

    /// 200 with metrics.
    pub fn metrics(text: String) -> Self {
        Self::new(StatusCode::OK, Body::Metrics(text))
    }

    /// An error: `{"error": WHY}`.
    pub fn error(status: StatusCode, why: impl Into<String>) -> Self {
        Self::new(status, Body::Json(json!({"error": why.into()})))
    }

    /// The same answer, logged with this nonce.
    pub fn with_nonce(mut self, nonce: String) -> Self {
        self.nonce = nonce;
        self
    }

    fn new(status: StatusCode, body: Body) -> Self {
        Self { status, body, nonce: String::new() }
    }
}
