//! Watches of a real cluster.

use std::{pin::Pin, time::Instant};

use futures::{Stream, StreamExt};

use super::{proxy::Proxy, *};

type Looks = Pin<Box<dyn Stream<Item = Look> + Send>>;

/// A watch of these lists, from a look that was just taken.
async fn watch(observer: &Observer, requests: &[Request]) -> Looks {
    let look = observer.look(requests).await;
    let from: Vec<_> = requests
        .iter()
        .map(|request| {
            let version = look.observations[&request.key()].provenance.resource_version.clone();
            (request.clone(), version.unwrap(), items(&look, request).clone())
        })
        .collect();
    Box::pin(observer.watch(&from))
}

async fn next(looks: &mut Looks) -> Look {
    tokio::time::timeout(Duration::from_secs(10), looks.next()).await.expect("a look within 10 s").unwrap()
}

fn value<'a>(look: &'a Look, request: &Request, name: &str) -> Option<&'a str> {
    named(look, request, name)?["data"]["value"].as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_a_look_within_50_ms() {
    in_namespace("watch", |cluster| async move {
        cluster.configmap("m", "start").await;
        let observer = observer().await;
        let (maps, pods) = (cluster.list("ConfigMap"), cluster.list("Pod"));
        let mut looks = watch(&observer, &[maps.clone(), pods.clone()]).await;
        // The watches are open once the first change came through.
        cluster.set("m", "first").await;
        let first = next(&mut looks).await;
        assert_eq!(value(&first, &maps, "m"), Some("first"));

        let mut delays = Vec::new();
        for n in 0..20 {
            let (wanted, before) = (n.to_string(), Instant::now());
            cluster.set("m", &wanted).await;
            let look = next(&mut looks).await;
            // The server sends the event while it answers the change.
            delays.push(before.elapsed());
            assert_eq!(value(&look, &maps, "m"), Some(wanted.as_str()));
            assert!(!look.gap);
            assert_eq!(look.observations.len(), 1, "only what changed");
            assert!(items(&look, &maps).len() > 1, "the whole list: kube-root-ca.crt is there too");
        }
        delays.sort();
        println!("change to look: median {:?}, longest {:?}", delays[10], delays[19]);
        assert!(delays[10] < Duration::from_millis(50), "request and event together: {delays:?}");

        cluster.delete(&format!("{}/m", cluster.path("configmaps"))).await;
        assert_eq!(named(&next(&mut looks).await, &maps, "m"), None);
        let secret_env = json!([{"name": "X", "value": "s3cret"}]);
        let pod = json!({"metadata": {"name": "p"}, "spec": {"schedulingGates": [{"name": "labcheck.test/gate"}],
            "containers": [{"name": "c", "image": "labcheck/none:v1", "env": secret_env}]}});
        cluster.post(&cluster.path("pods"), pod).await;
        let look = next(&mut looks).await;
        let text = serde_json::to_string(&look).unwrap();
        assert!(named(&look, &pods, "p").is_some());
        assert!(!text.contains("s3cret") && !text.contains("managedFields"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_watch_resumes_without_a_gap() {
    in_namespace("resume", |cluster| async move {
        cluster.configmap("m", "start").await;
        let proxy = Proxy::start().await;
        let observer = proxy.observer().await;
        let maps = cluster.list("ConfigMap");
        let mut looks = watch(&observer, std::slice::from_ref(&maps)).await;
        cluster.set("m", "one").await;
        assert_eq!(value(&next(&mut looks).await, &maps, "m"), Some("one"));

        proxy.stop().await;
        let down = next(&mut looks).await;
        assert_reason(&down, &maps, Reason::Unreachable);
        assert!(!down.gap);
        // Changed behind our back, twice.
        cluster.set("m", "two").await;
        cluster.configmap("new", "x").await;
        proxy.resume().await;
        let mut gap = false;
        let last = loop {
            let look = next(&mut looks).await;
            gap |= look.gap;
            if named(&look, &maps, "new").is_some() {
                break look;
            }
        };
        assert_eq!(value(&last, &maps, "m"), Some("two"));
        assert!(!gap, "every event came, late");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_version_is_a_gap() {
    in_namespace("expired", |cluster| async move {
        cluster.configmap("m", "start").await;
        let maps = cluster.list("ConfigMap");
        let observer = observer().await;
        // Version 1 is older than what any server remembers; an empty one is none.
        for version in ["1", ""] {
            let mut looks: Looks = Box::pin(observer.watch(&[(maps.clone(), version.to_owned(), vec![])]));
            let look = next(&mut looks).await;
            assert!(look.gap, "from version `{version}`: {look:?}");
            assert!(named(&look, &maps, "m").is_some());
        }
    })
    .await;
}
