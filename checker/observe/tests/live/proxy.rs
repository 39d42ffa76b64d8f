//! A forwarder between observer and API server, to break the way on purpose:
//! stopping the server itself would disturb whoever shares the cluster.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::*;

/// Forwards connections to the API server until it is stopped.
pub struct Proxy {
    target: String,
    pub port: u16,
    running: Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// Bytes of answers forwarded per connection, before it is cut.
    limit: Arc<AtomicU64>,
}

impl Proxy {
    pub async fn start() -> Self {
        let target = observer().await.server().trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let limit = Arc::new(AtomicU64::new(u64::MAX));
        let proxy = Self { target, port, running: Mutex::new(None), limit };
        proxy.serve(listener);
        proxy
    }

    fn serve(&self, listener: TcpListener) {
        let (target, limit) = (self.target.clone(), Arc::clone(&self.limit));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (target, limit) = (target.clone(), limit.load(Ordering::Relaxed));
                connections.spawn(forward(client, target, limit));
            }
        });
        *self.running.lock().unwrap() = Some(task);
    }

    /// Cuts every connection and refuses new ones.
    pub async fn stop(&self) {
        let task = self.running.lock().unwrap().take().unwrap();
        task.abort();
        let _ = task.await;
    }

    pub async fn resume(&self) {
        self.serve(TcpListener::bind(("127.0.0.1", self.port)).await.unwrap());
    }

    pub fn cut_after(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    pub async fn observer(&self) -> Observer {
        let server = format!("https://127.0.0.1:{}", self.port);
        altered(|config| config.clusters[0].cluster.as_mut().unwrap().server = Some(server)).await
    }
}

async fn forward(client: TcpStream, target: String, limit: u64) {
    let server = TcpStream::connect(target).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await };
    let down = async {
        let mut limited = from_server.take(limit);
        let copied = tokio::io::copy(&mut limited, &mut to_client).await;
        let _ = to_client.shutdown().await;
        copied
    };
    tokio::select! { _ = up => {}, _ = down => {} }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_cut_off_half_way_is_truncated() {
    in_namespace("cut", |cluster| async move {
        for n in 0..4 {
            cluster.configmap(&format!("m{n}"), &"x".repeat(200_000)).await;
        }
        let proxy = Proxy::start().await;
        proxy.cut_after(400_000);
        let request = cluster.list("ConfigMap");
        let look = proxy.observer().await.look(std::slice::from_ref(&request)).await;
        assert_reason(&look, &request, Reason::Truncated);
        proxy.cut_after(u64::MAX);
        let look = proxy.observer().await.look(std::slice::from_ref(&request)).await;
        assert!(items(&look, &request).len() >= 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_is_unreachable_at_once() {
    let proxy = Proxy::start().await;
    let observer = proxy.observer().await;
    let nodes = Request::List { kind: Kind::named("Node").unwrap(), namespace: None };
    let look = observer.look(std::slice::from_ref(&nodes)).await;
    assert!(!items(&look, &nodes).is_empty());
    proxy.stop().await;
    let look = observer.look(&[nodes.clone(), Request::Reach]).await;
    assert_reason(&look, &nodes, Reason::Unreachable);
    let Outcome::Present(reach) = outcome(&look, &Request::Reach) else { panic!("{look:?}") };
    assert_eq!(reach["ready"], false);
    proxy.resume().await;
    let look = observer.look(std::slice::from_ref(&nodes)).await;
    assert!(!items(&look, &nodes).is_empty());
}
