//! From HTTP requests to answers, metrics and log lines.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::predict::{self, Query};
use super::state::State;
use crate::log::{self, Level};

/// Largest request body in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// What metrics and logs call a path that no route has.
const OTHER: &str = "other";

const ROUTES: [&str; 6] = ["/predict", "/healthz", "/readyz", "/startupz", "/metrics", "/version"];

/// Answers one request; writes its log line and counts it.
pub async fn handle(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let _inflight = state.enter();
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path();
    let path = ROUTES.into_iter().find(|route| *route == path).unwrap_or(OTHER);

    let answer = tokio::select! {
        // First, so that a hung server does not answer what it could.
        biased;
        () = state.hanging() => std::future::pending().await,
        answer = route(&state, request, path) => answer,
    };
    if state.hung() {
        std::future::pending::<()>().await;
    }

    let took = started.elapsed();
    let version = state.model().map_or("none", |model| model.version().name());
    let status = answer.status.as_u16();
    state.metrics.observe(path, status, version, took);
    log_request(&answer, &method, path, version, took.as_secs_f64() * 1000.0);
    let mut response = into_response(answer, path);
    if state.draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn route(state: &State, request: Request<Incoming>, path: &str) -> Answer {
    match (path, request.method()) {
        (OTHER, _) => {
            let known = ROUTES.join("`, `");
            Answer::error(StatusCode::NOT_FOUND, format!("no such path; known are `{known}`"))
        }
        ("/predict", &Method::GET) => {
            let query = request.uri().query().unwrap_or_default();
            predicted(state, Query::from_url(query)).await
        }
        ("/predict", &Method::POST) => {
            let query = request.uri().query().unwrap_or_default().to_owned();
            match Limited::new(request.into_body(), BODY_LIMIT).collect().await {
                Ok(body) => predicted(state, Query::from_body(&query, &body.to_bytes())).await,
                Err(why) => Answer::error(StatusCode::PAYLOAD_TOO_LARGE, format!("body: {why}")),
            }
        }
        (_, &Method::GET) => probe(state, path).await,
        (_, method) => Answer::error(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("method `{method}` is not allowed for `{path}`"),
        ),
    }
}

async fn predicted(state: &State, query: Result<Query, String>) -> Answer {
    match query {
        Ok(query) => predict::answer(state, query).await,
        Err(why) => Answer::error(StatusCode::BAD_REQUEST, why),
    }
}

/// The routes that kubelets and people ask.
async fn probe(state: &State, path: &str) -> Answer {
    let unavailable = |why: String| Answer::error(StatusCode::SERVICE_UNAVAILABLE, why);
    let loading = || unavailable("the model is still loading".to_owned());
    match path {
        "/healthz" => Answer::ok(json!({"status": "alive"})),
        "/readyz" => match state.not_ready().await {
            None => Answer::ok(json!({"status": "ready"})),
            Some(why) => unavailable(why),
        },
        "/startupz" if state.model().is_some() => Answer::ok(json!({"status": "started"})),
        "/metrics" => match state.metrics.render(state.inflight()) {
            Ok(text) => Answer::metrics(text),
            Err(why) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, format!("{why:#}")),
        },
        "/version" => state.model().map_or_else(loading, |model| {
            Answer::ok(json!({
                "version": model.version().name(),
                "digest": model.digest(),
                "accuracy": model.accuracy(),
                "binary": env!("CARGO_PKG_VERSION"),
            }))
        }),
        _ => loading(),
    }
}

fn log_request(answer: &Answer, method: &Method, path: &str, version: &str, latency_ms: f64) {
    let level = if answer.status.is_server_error() { Level::Error } else { Level::Info };
    let mut fields = json!({
        "method": method.as_str(),
        "path": path,
        "status": answer.status.as_u16(),
        "latency_ms": (latency_ms * 1000.0).round() / 1000.0,
        "version": version,
        "nonce": answer.nonce,
    });
    if let Body::Json(Value::Object(body)) = &answer.body
        && let Some(why) = body.get("error")
    {
        fields["error"] = why.clone();
    }
    log::write(level, "request", fields);
}

fn into_response(answer: Answer, path: &str) -> Response<Full<Bytes>> {
    let (kind, text) = match answer.body {
        Body::Json(body) => ("application/json", format!("{body}\n")),
        Body::Metrics(text) => ("text/plain; version=0.0.4; charset=utf-8", text),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if path == "/predict" { "GET, POST" } else { "GET" };
        headers.insert(ALLOW, HeaderValue::from_static(allowed));
    }
    response
}
