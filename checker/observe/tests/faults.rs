//! Faults of the channel that a real API server cannot be made to show, and
//! kubeconfigs that lead nowhere.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::StreamExt;
use lab_observe::{Observer, Options};
use lab_spec::{
    Kind, Outcome, Request,
    evidence::{Reason, Unavailable},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A server that gives these answers, one per connection, and then hangs.
struct FaultServer {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FaultServer {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..read]);
                log.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
                match answers.next() {
                    Some(answer) => {
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                    None => silent.push(stream),
                }
            }
        });
        Self { port, asked }
    }

    async fn observer(&self) -> Observer {
        observer(&format!("http://127.0.0.1:{}", self.port)).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn observer(server: &str) -> Observer {
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = dir.path().join("config");
    fs::write(&kubeconfig, config(server)).unwrap();
    let request_timeout = Duration::from_millis(500);
    let options = Options { kubeconfig: Some(kubeconfig), request_timeout, ..Options::default() };
    Observer::connect(options).await.unwrap()
}

fn config(server: &str) -> String {
    json!({
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
    })
    .to_string()
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn page(name: &str, next: &str) -> String {
    let list = json!({"metadata": {"resourceVersion": "9", "continue": next}, "items": [{"metadata": {"name": name}}]});
    http("200 OK", &list.to_string())
}

fn pods() -> Request {
    Request::List { kind: Kind::named("Pod").unwrap(), namespace: Some("lab".to_owned()) }
}

async fn look(server: &FaultServer, request: Request) -> Outcome {
    let look = server.observer().await.look(&[request]).await;
    look.observations.into_values().next().unwrap().outcome
}

fn refusal(outcome: Outcome) -> Unavailable {
    match outcome {
        Outcome::Unavailable(why) => why,
        other => panic!("expected unavailable, found {other:?}"),
    }
}

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    let server = FaultServer::start(vec![page("a", "to=ken&"), page("b", "")]).await;
    let Outcome::Present(items) = look(&server, pods()).await else { panic!("expected items") };
    assert_eq!(items[0]["metadata"]["name"], "a");
    assert_eq!(items[1]["metadata"]["name"], "b");
    assert_eq!(
        server.asked(),
        [
            "GET /api/v1/namespaces/lab/pods?limit=500 HTTP/1.1",
            "GET /api/v1/namespaces/lab/pods?limit=500&continue=to%3Dken%26 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn a_list_that_expires_between_pages_is_read_anew_once() {
    let gone = || http("410 Gone", r#"{"kind":"Status","code":410}"#);
    let server = FaultServer::start(vec![page("a", "t"), gone(), page("b", "")]).await;
    let Outcome::Present(items) = look(&server, pods()).await else { panic!("expected items") };
    assert_eq!(items.as_array().unwrap().len(), 1, "nothing of the first attempt is kept");
    assert_eq!(items[0]["metadata"]["name"], "b");

    let server = FaultServer::start(vec![page("a", "t"), gone(), page("b", "t"), gone()]).await;
    assert_eq!(refusal(look(&server, pods()).await).reason, Reason::Truncated);
}

#[tokio::test]
async fn answers_that_are_cut_off_or_no_list_are_told_apart() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"items\":[".to_owned();
    let complete_but_cut_json = http("200 OK", "{\"items\":[{}");
    let cases = [
        (cut, Reason::Truncated, "cut off"),
        (complete_but_cut_json, Reason::Truncated, "no list"),
        (http("200 OK", "<html>"), Reason::Failed, "no list"),
        (http("404 Not Found", "<html>nothing here</html>"), Reason::Failed, "HTTP 404"),
        (http("401 Unauthorized", "{}"), Reason::Unauthorized, "HTTP 401"),
        (http("403 Forbidden", r#"{"message":"pods is forbidden"}"#), Reason::Forbidden, "pods is forbidden"),
        (http("500 Oops", r#"{"message":"token=abcdef"}"#), Reason::Failed, "token=redacted"),
        (http("503 Busy", ""), Reason::Failed, "HTTP 503"),
        ("HTTP/1.1 nonsense\r\n\r\n".to_owned(), Reason::Unreachable, "no connection"),
        (String::new(), Reason::Unreachable, "no connection"),
    ];
    for (answer, reason, said) in cases {
        let server = FaultServer::start(vec![answer.clone()]).await;
        let why = refusal(look(&server, pods()).await);
        assert_eq!(why.reason, reason, "{answer:?}: {why:?}");
        assert!(why.message.contains(said), "{answer:?}: {why:?}");
    }
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_absent() {
    for body in ["404 page not found\n", r#"{"kind":"Status","code":404}"#] {
        let server = FaultServer::start(vec![http("404 Not Found", body)]).await;
        assert_eq!(look(&server, pods()).await, Outcome::Absent);
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_timeout_not_one_per_request() {
    let server = FaultServer::start(vec![]).await;
    let requests: Vec<_> = (0..20)
        .map(|n| Request::List { kind: Kind::named("Pod").unwrap(), namespace: Some(format!("ns{n}")) })
        .chain([Request::Reach])
        .collect();
    let started = Instant::now();
    let look = server.observer().await.look(&requests).await;
    assert!(started.elapsed() < Duration::from_millis(1500), "took {:?}", started.elapsed());
    assert_eq!(look.observations.len(), 21);
    for (key, observation) in look.observations {
        match observation.outcome {
            Outcome::Present(value) if key == "reach" => {
                assert_eq!(value["ready"], false);
                assert!(value["error"].as_str().unwrap().contains("did not answer within 0.5 s"), "{value}");
            }
            outcome => assert_eq!(refusal(outcome).reason, Reason::Timeout, "{key}"),
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable_but_an_answer_to_reach() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let look = observer(&format!("http://127.0.0.1:{port}"))
        .await
        .look(&[pods(), Request::Reach, Request::Context])
        .await;
    let outcome = |key: &str| look.observations[key].outcome.clone();
    let why = refusal(outcome("list v1 pods -n lab"));
    assert_eq!(why.reason, Reason::Unreachable);
    assert!(why.message.contains("refused"), "{why:?}");
    let Outcome::Present(reach) = outcome("reach") else { panic!("reach is an answer") };
    assert_eq!(reach["ready"], false);
    // The kubeconfig is gone by now; that asks no server.
    assert_eq!(outcome("context"), Outcome::Absent);
}

#[tokio::test]
async fn failed_readiness_checks_are_named() {
    let body = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\nreadyz check failed\n";
    let server = FaultServer::start(vec![http("500 Internal Server Error", body)]).await;
    let outcome = look(&server, Request::Reach).await;
    assert_eq!(outcome, Outcome::Present(json!({"ready": false, "failed": ["etcd"], "error": ""})));
    let server = FaultServer::start(vec![http("403 Forbidden", "{}")]).await;
    assert_eq!(refusal(look(&server, Request::Reach).await).reason, Reason::Forbidden);
}

#[tokio::test]
async fn an_expired_watch_reads_anew_and_says_gap() {
    let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410}}"#;
    let stream = |lines: &str| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{lines}\n");
    let added =
        r#"{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"lab","resourceVersion":"8"}}}"#;
    let server = FaultServer::start(vec![stream(added), stream(gone), page("b", "")]).await;
    let observer = server.observer().await;
    let mut looks = Box::pin(observer.watch(&[(pods(), "7".to_owned(), vec![])]));
    let first = looks.next().await.unwrap();
    assert!(!first.gap);
    let seen = &first.observations["list v1 pods -n lab"];
    assert_eq!(seen.provenance.resource_version.as_deref(), Some("8"));
    let second = looks.next().await.unwrap();
    assert!(second.gap);
    let Outcome::Present(items) = &second.observations["list v1 pods -n lab"].outcome else {
        panic!("items")
    };
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["metadata"]["name"], "b");
    let asked = server.asked();
    assert!(asked[1].contains("resourceVersion=8"), "resumes from the last event: {asked:?}");
}

async fn connect_error(kubeconfig: &Path, context: Option<&str>) -> String {
    let options = Options {
        kubeconfig: Some(kubeconfig.to_owned()),
        context: context.map(str::to_owned),
        ..Options::default()
    };
    match Observer::connect(options).await {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn kubeconfigs_that_lead_nowhere_say_where_and_what_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let missing = connect_error(&path, None).await;
    assert!(missing.starts_with("no kubeconfig at `") && missing.contains("labcheck up"), "{missing}");

    let contexts = "contexts: [{name: one, context: {cluster: c}}, {name: two, context: {cluster: d}}]\n\
                    clusters: [{name: d, cluster: {}}]\n";
    let exec = |command: &str| {
        let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": ["-c", "echo s3cret; exit 3"]});
        json!({"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
               "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
               "users": [{"name": "u", "user": {"exec": exec}}]})
        .to_string()
    };
    let bad_ca = json!({"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", "certificate-authority": "/nowhere/ca.crt"}}]})
    .to_string();
    let cases: Vec<(String, Option<&str>, &[&str])> = vec![
        ("a: [1\nusers: s3cret\n".into(), None, &["line ", "mend the file"]),
        ("contexts: 7\n".into(), None, &["line 1"]),
        (contexts.into(), None, &["no current context", "it has `one`, `two`", "--context"]),
        (contexts.into(), Some("three"), &["no context `three`", "it has `one`, `two`"]),
        (contexts.into(), Some("one"), &["context `one` names cluster `c`"]),
        (contexts.into(), Some("two"), &["cluster `d`", "has no `server`"]),
        (String::new(), None, &["no current context; it has none"]),
        (exec("sh"), None, &["credential plugin `sh` of context `x`", "exit status: 3"]),
        (exec("no-such-plugin"), None, &["credential plugin `no-such-plugin`", "could not be started"]),
        (bad_ca, None, &["context `x` cannot be used", "/nowhere/ca.crt"]),
        (config("not a url"), None, &["context `here` cannot be used"]),
    ];
    for (text, context, said) in cases {
        fs::write(&path, &text).unwrap();
        let error = connect_error(&path, context).await;
        for part in said {
            assert!(error.contains(part), "expected `{part}` in: {error}");
        }
        assert!(!error.contains("s3cret"), "{error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}
