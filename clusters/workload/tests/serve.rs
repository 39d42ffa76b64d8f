//! `ms serve` from outside: answers, readiness, metrics.

mod support;

use std::net::TcpListener;

use serde_json::json;
use support::{Process, get, ms, proof, request, serve};

#[test]
fn predicts_the_class_of_known_samples_with_a_proof() {
    let server = serve("--node node-1");
    let address = server.ready();
    let samples = [
        ([5.1, 3.5, 1.4, 0.2], "setosa", 0),
        ([6.4, 2.9, 4.3, 1.3], "versicolor", 1),
        ([6.3, 3.3, 6.0, 2.5], "virginica", 2),
    ];
    for (index, (features, class, label)) in samples.into_iter().enumerate() {
        let nonce = format!("nonce-{index}");
        let body = json!({"features": features, "nonce": nonce}).to_string();
        let answer = request(address, "POST", "/predict", &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        assert_eq!(answer["class"], class);
        assert_eq!(answer["label"], label);
        assert_eq!(answer["version"], "v1");
        assert_eq!(answer["nonce"], nonce);
        assert_eq!(answer["pod"], "pod-under-test");
        assert_eq!(answer["node"], "node-1");
        assert_eq!(answer["requests"], index + 1);
        let digest = answer["digest"].as_str().expect("a digest");
        assert_eq!(answer["proof"], proof(&nonce, class, digest));
        let logged = server.event("request");
        assert_eq!(logged["nonce"], nonce);
        assert_eq!(logged["status"], 200);
        assert_eq!(logged["path"], "/predict");
        assert!(logged["latency_ms"].is_f64() && logged["time"].is_string());
    }
    let by_url = get(address, "/predict?features=6.3,3.3,6.0,2.5&nonce=other").json();
    assert_eq!(by_url["class"], "virginica");
    let plain = get(address, "/predict").json();
    assert_eq!((&plain["class"], &plain["nonce"]), (&json!("setosa"), &json!("")));
    assert_ne!(plain["proof"], by_url["proof"]);
    assert_eq!(get(address, "/version").json()["digest"], plain["digest"]);
}

#[test]
fn digest_is_stable_per_version_and_the_environment_chooses_it() {
    let version = || support::run("version").1;
    let listed = version();
    assert_eq!(listed, version());
    let digests: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(digests.len(), 4, "{listed}");
    let server = Process::start(ms().env("MS_VERSION", "v2").args(["serve", "--listen", "127.0.0.1:0"]));
    let answer = get(server.ready(), "/predict").json();
    assert_eq!((&answer["version"], &answer["class"]), (&json!("v2"), &json!("setosa")));
    assert!(digests.contains(&("v2", answer["digest"].as_str().expect("a digest"))));
    let mut unique: Vec<_> = digests[1..].iter().map(|(_, digest)| digest).collect();
    unique.dedup();
    assert_eq!(unique.len(), 3, "{listed}");
}

#[test]
fn loading_is_alive_but_neither_started_nor_ready() {
    let server = serve("--load-delay 1s");
    let address = server.address();
    assert_eq!(get(address, "/healthz").status, 200);
    for path in ["/readyz", "/startupz", "/predict", "/version"] {
        let answer = get(address, path);
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.body.contains("loading"), "{}", answer.body);
    }
    server.event("model loaded");
    for path in ["/readyz", "/startupz", "/predict", "/version"] {
        assert_eq!(get(address, path).status, 200, "{path}");
    }
}

#[test]
fn bad_version_loads_and_never_becomes_ready() {
    let server = serve("--model-version v2-bad");
    let address = server.ready();
    assert_eq!(get(address, "/healthz").status, 200);
    assert_eq!(get(address, "/startupz").status, 200);
    let ready = get(address, "/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("self-test"), "{}", ready.body);
    assert_eq!(get(address, "/predict").status, 500);
}

#[test]
fn wrong_requests_get_clear_errors() {
    let server = serve("");
    let address = server.ready();
    for (method, path, body, status, part) in [
        ("POST", "/predict", "{\"features\":[1,2,3]}", 400, "expected 4 numbers"),
        ("POST", "/predict", "not json", 400, "body"),
        ("POST", "/predict", "", 400, "body"),
        ("POST", "/predict", "{\"features\":[1,2,3,4],\"nonce\":\"<b>\"}", 400, "nonce"),
        ("GET", "/predict?features=a,b,c,d", "", 400, "numbers"),
        ("GET", "/predict?featurs=1", "", 400, "unknown parameter"),
        ("GET", "/nowhere", "", 404, "no such path"),
        ("DELETE", "/predict", "", 405, "not allowed"),
        ("POST", "/readyz", "", 405, "not allowed"),
    ] {
        let answer = request(address, method, path, body);
        assert_eq!(answer.status, status, "{method} {path} {body}");
        let error = answer.json()["error"].as_str().expect("an error").to_owned();
        assert!(error.contains(part), "{error}");
    }
    let large = format!("{{\"features\":[{}1]}}", "1,".repeat(40_000));
    assert_eq!(request(address, "POST", "/predict", &large).status, 413);
    assert_eq!(get(address, "/predict").status, 200);
}

/// The value of a series in Prometheus text format.
fn series(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.rsplit(' ').next());
    let value = value.and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("no `{name}` in:\n{text}"))
}

#[test]
fn metrics_count_what_was_asked() {
    let server = serve("");
    let address = server.ready();
    for _ in 0..3 {
        get(address, "/predict");
    }
    get(address, "/predict?features=1");
    let answer = get(address, "/metrics");
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{}", answer.head);
    let text = &answer.body;
    let count = |code| format!("ms_requests_total{{code=\"{code}\",path=\"/predict\",version=\"v1\"}}");
    assert_eq!(series(text, &count(200)), 3.0);
    assert_eq!(series(text, &count(400)), 1.0);
    let labels = "path=\"/predict\",version=\"v1\"";
    let duration = "ms_request_duration_seconds";
    assert_eq!(series(text, &format!("{duration}_count{{{labels}}}")), 4.0);
    assert_eq!(series(text, &format!("{duration}_bucket{{{labels},le=\"+Inf\"}}")), 4.0);
    assert_eq!(series(text, "ms_inflight"), 1.0);
    assert_eq!(series(text, "ms_model_info{digest=\"sha256:"), 1.0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        assert!(value.is_some(), "{line}");
    }
}

#[test]
fn readiness_follows_the_dependency() {
    let dependency = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let target = dependency.local_addr().expect("its address");
    let server = serve(&format!("--depends-on {target}"));
    let address = server.ready();
    assert_eq!(get(address, "/readyz").status, 200);
    drop(dependency);
    let ready = get(address, "/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains(&target.to_string()), "{}", ready.body);
    assert_eq!(get(address, "/healthz").status, 200);
    assert_eq!(get(address, "/predict").status, 200);
}

#[test]
fn health_says_what_the_probe_saw() {
    let server = serve("--load-delay 1s");
    let address = server.address();
    let health = || support::run(&format!("health http://{address}/readyz"));
    let (code, out, _) = health();
    assert_eq!((code, out.lines().count()), (1, 1), "{out}");
    assert!(out.starts_with("unhealthy: ") && out.contains("503"), "{out}");
    server.event("model loaded");
    let (code, out, _) = health();
    assert_eq!((code, out.lines().count()), (0, 1), "{out}");
    assert!(out.starts_with("healthy: "), "{out}");
    let (code, out, _) = support::run(&format!("health tcp://{}", support::free_port()));
    assert_eq!(code, 1);
    assert!(out.contains("refused"), "{out}");
    let (code, _, err) = support::run("health ftp://nowhere");
    assert_eq!(code, 2);
    assert!(err.contains("expected `http://"), "{err}");
}

#[test]
fn wrong_flags_are_usage_errors() {
    for (args, part) in [
        ("serve --model-version v3", "v2-bad"),
        ("serve --latency 5", "duration"),
        ("serve --error-rate 2", "between 0 and 1"),
        ("serve --leak 1MB", "bytes per second"),
        ("serve --depends-on queue", "host:port"),
        ("serve --listen 127.0.0.1:1:1", "listen"),
    ] {
        let (code, out, err) = support::run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args}");
        assert!(err.contains(part), "{err}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = taken.local_addr().expect("its address");
    let (code, _, err) = support::run(&format!("serve --listen {address}"));
    assert_eq!(code, 2);
    assert!(err.contains("cannot listen on"), "{err}");
}
