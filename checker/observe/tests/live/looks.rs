//! Looks at a real cluster.

use super::*;

/// A pod that never starts: its image is on no node and is not pulled.
fn pod(env: Value) -> Value {
    json!({"metadata": {"name": "p", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"s3cret\":1}"}},
           "spec": {"containers": [{"name": "c", "image": "labcheck/no-such-image:v1", "imagePullPolicy": "Never", "env": env}]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_seen_whole_but_for_what_is_redacted() {
    in_namespace("redact", |cluster| async move {
        let secret =
            json!({"metadata": {"name": "s"}, "stringData": {"password": "s3cret", "other": "0ther"}});
        cluster.post(&cluster.path("secrets"), secret).await;
        let env = json!([{"name": "COPY", "value": "s3cret"}, {"name": "LOG_LEVEL", "value": "debug"}]);
        cluster.post(&cluster.path("pods"), pod(env)).await;
        cluster.configmap("m", "plain").await;

        let requests = [cluster.list("Secret"), cluster.list("Pod"), cluster.list("ConfigMap")];
        let observer =
            Observer::connect(Options { reveal_env: vec!["LOG_LEVEL".into()], ..options() }).await.unwrap();
        let look = observer.look(&requests).await;

        let secret = named(&look, &requests[0], "s").unwrap();
        let pod = named(&look, &requests[1], "p").unwrap();
        assert_eq!(pod["apiVersion"], "v1");
        assert_eq!(pod["kind"], "Pod");
        let env = &pod["spec"]["containers"][0]["env"];
        assert_eq!(env[0]["value"], secret["data"]["password"], "equal plaintexts, equal classes");
        assert_ne!(secret["data"]["password"], secret["data"]["other"]);
        assert_eq!(env[1]["value"], "debug");
        assert_eq!(named(&look, &requests[2], "m").unwrap()["data"]["value"], "plain");
        let text = serde_json::to_string(&look).unwrap();
        for leak in ["s3cret", "czNjcmV0", "0ther", "managedFields", "last-applied"] {
            assert!(!text.contains(leak), "`{leak}` in evidence");
        }
        let seen = &look.observations[&requests[1].key()].provenance;
        assert_eq!(seen.request, format!("GET /api/v1/namespaces/{}/pods?limit=500", cluster.namespace));
        assert!(seen.resource_version.as_ref().unwrap().parse::<u64>().unwrap() > 0);
        assert!(seen.skew_ms.abs() < 60_000, "{seen:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_after_a_change_sees_the_change() {
    in_namespace("fresh", |cluster| async move {
        let observer = observer().await;
        let request = cluster.list("ConfigMap");
        cluster.configmap("m", "start").await;
        for n in 0..50 {
            let value = n.to_string();
            cluster.set("m", &value).await;
            let look = observer.look(std::slice::from_ref(&request)).await;
            assert_eq!(named(&look, &request, "m").unwrap()["data"]["value"], value.as_str());
            assert_eq!(look.gap, n > 0, "only the first look has none before it");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_come_whole_and_in_order() {
    in_namespace("pages", |cluster| async move {
        let writer = cluster.clone();
        many(620, move |n| {
            let writer = writer.clone();
            async move { writer.configmap(&format!("m{n:04}"), "x").await }
        })
        .await;
        let request = cluster.list("ConfigMap");
        let look = observer().await.look(std::slice::from_ref(&request)).await;
        let names: Vec<_> =
            items(&look, &request).iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
        let ours: Vec<_> = names.iter().filter(|name| name.starts_with('m')).collect();
        assert_eq!(ours.len(), 620);
        assert!(ours.is_sorted());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_what_it_is_and_the_kubeconfig_where() {
    let observer = observer().await;
    let look = observer.look(&[Request::Version, Request::Reach, Request::Context]).await;
    let Outcome::Present(version) = outcome(&look, &Request::Version) else { panic!("{look:?}") };
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1."), "{version}");
    let ready = json!({"ready": true, "failed": [], "error": ""});
    assert_eq!(outcome(&look, &Request::Reach), &Outcome::Present(ready));
    let Outcome::Present(context) = outcome(&look, &Request::Context) else { panic!("{look:?}") };
    assert_eq!(context["name"], observer.context());
    assert_eq!(context["server"], observer.server());
    assert_eq!(observer.ca_sha256().len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_and_logs_are_read_through_the_server() {
    let observer = observer().await;
    let nodes = Request::List { kind: Kind::named("Node").unwrap(), namespace: None };
    let pods = Request::List { kind: Kind::named("Pod").unwrap(), namespace: Some("kube-system".into()) };
    let look = observer.look(&[nodes.clone(), pods.clone()]).await;
    let node = items(&look, &nodes)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let dns = items(&look, &pods)
        .iter()
        .find(|pod| pod["metadata"]["labels"]["k8s-app"] == "kube-dns")
        .expect("the cluster runs CoreDNS");
    let pod = dns["metadata"]["name"].as_str().unwrap().to_owned();

    let gauge =
        |node: &str, metric: &str| Request::Kubelet { node: node.to_owned(), metric: metric.to_owned() };
    let log = |container: &str, previous| Request::Logs {
        namespace: "kube-system".into(),
        pod: pod.clone(),
        container: container.into(),
        tail: 2,
        previous,
    };
    let requests = [
        gauge(&node, "kubelet_running_pods"),
        gauge(&node, "no_such_metric"),
        gauge("no-such-node", "kubelet_running_pods"),
        log("coredns", false),
        log("no-such-container", false),
    ];
    let look = observer.look(&requests).await;
    let Outcome::Present(pods) = outcome(&look, &requests[0]) else { panic!("{look:?}") };
    assert!(pods.as_u64().unwrap() >= 1, "{pods}");
    assert_eq!(outcome(&look, &requests[1]), &Outcome::Absent);
    assert_eq!(outcome(&look, &requests[2]), &Outcome::Absent);
    let Outcome::Present(lines) = outcome(&look, &requests[3]) else { panic!("{look:?}") };
    assert_eq!(lines.as_array().unwrap().len(), 2);
    assert_eq!(outcome(&look, &requests[4]), &Outcome::Absent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_has_not_started_has_no_log() {
    in_namespace("log", |cluster| async move {
        cluster.post(&cluster.path("pods"), pod(json!([]))).await;
        let namespace = cluster.namespace.clone();
        let log = |pod: &str, previous| Request::Logs {
            namespace: namespace.clone(),
            pod: pod.into(),
            container: "c".into(),
            tail: 5,
            previous,
        };
        let requests = [log("p", false), log("p", true), log("nobody", false)];
        let observer = observer().await;
        // Until the pod has a node the server answers differently.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let look = observer.look(&requests).await;
        for request in &requests {
            assert_eq!(outcome(&look, request), &Outcome::Absent, "{}", request.key());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_channel_refuses_is_unavailable_with_its_reason() {
    let pods = Request::List { kind: Kind::named("Pod").unwrap(), namespace: Some("default".into()) };
    let mut unserved = Kind::named("Pod").unwrap();
    unserved.api_version = "nothing.labcheck.test/v1".into();
    let unserved = Request::List { kind: unserved, namespace: Some("default".into()) };
    let requests = [pods.clone(), Request::Reach, unserved.clone()];

    let look = observer().await.look(&requests).await;
    assert_eq!(outcome(&look, &unserved), &Outcome::Absent);

    let nobody = altered(|config| user(config).impersonate = Some("nobody".into())).await;
    let look = nobody.look(&requests).await;
    assert_reason(&look, &pods, Reason::Forbidden);
    assert!(refusal(&look, &pods).message.contains("cannot list resource"), "{look:?}");

    let stranger = altered(|config| {
        *user(config) = serde_json::from_value(json!({"token": "s3cret"})).unwrap();
    })
    .await;
    let look = stranger.look(&requests).await;
    assert_reason(&look, &pods, Reason::Unauthorized);
    assert!(!serde_json::to_string(&look).unwrap().contains("s3cret"));

    let other_name = altered(|config| {
        config.clusters[0].cluster.as_mut().unwrap().tls_server_name = Some("other.labcheck.test".into());
    })
    .await;
    let look = other_name.look(&requests).await;
    assert_reason(&look, &pods, Reason::Tls);
    assert_reason(&look, &Request::Reach, Reason::Tls);
}

fn user(config: &mut Kubeconfig) -> &mut kube::config::AuthInfo {
    config.auth_infos[0].auth_info.as_mut().unwrap()
}
