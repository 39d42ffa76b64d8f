//! The sampler `http`: a prober pod that sends requests while the steps run.

use std::time::Duration;

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::{AttachParams, LogParams};
use kube::{Api, Client};
use lab_spec::sample::{Connections, Load as Record, Sample, Sampler};
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::manifest::{CONTAINER, Load, Probe};
use super::prober;
use super::{Change, Place, read, route};
use crate::halt::Halt;
use crate::journal::Entry;
use crate::probe::columns::Columns;
use crate::run::Run;
use crate::samplers::{Clock, Running};

/// How much longer than the experiment the pod may live, so that it ends even
/// if nobody is left to delete it.
const SPARE: Duration = Duration::from_secs(120);

/// How long the prober may take from starting to its first line.
const FIRST_LINE: Duration = Duration::from_secs(10);

/// How much longer than its longest answer the prober may take to end.
const ENDING: Duration = Duration::from_secs(10);

/// Starts a load; returns once its first request is due.
pub(crate) async fn start(
    run: &mut Run<'_, '_>,
    place: &Place,
    name: &str,
    sampler: &Sampler,
    url: &str,
    rate: u32,
) -> Result<(Running, String), Halt> {
    route::known(run, place, url).await?;
    let pod = prober::name();
    let patience: Duration = sampler.patience().into();
    let probe = Probe {
        name: &pod,
        namespace: &place.namespace,
        run: run.id(),
        image: &place.probe_image,
        args: arguments(&run.setting.nonce, name, sampler, url, rate, run.left()),
        labels: sampler.from.as_ref().map(|from| &from.labels),
        load: Load::Heavy,
        at_most: run.left() + patience + SPARE,
    };
    let manifest = probe.manifest();
    run.journal(Entry::Kubernetes(Change::Probe { name: pod.clone() }))?;
    run.tell(&format!("asking {url} {rate} times a second from pod/{pod}"));
    let created = Instant::now();
    prober::start(run, place, &manifest, &pod).await?;
    let record = Record {
        url: url.to_owned(),
        rate,
        timeout_ms: sampler.patience().as_ms(),
        nonce: sampler.nonce,
        ..Record::default()
    };
    let (first, begun) = oneshot::channel();
    let follow = Follow {
        client: place.cluster.client.clone(),
        namespace: place.namespace.clone(),
        pod: pod.clone(),
        created,
        clock: run.clock,
        patience,
        first: Some(first),
        record,
    };
    let running = Running::spawn(patience + ENDING, |stop| follow.run(stop));
    match run.unless_cancelled(timeout(FIRST_LINE, begun)).await? {
        Ok(Ok(())) => {}
        // The task has ended, and knows why.
        Ok(Err(_)) => {
            let why = match running.end().await {
                Sample::Unavailable { why } => why,
                _ => format!("the prober `{pod}` ended at once"),
            };
            return Err(Halt::Unavailable(why));
        }
        Err(_) => {
            return Err(Halt::Unavailable(format!(
                "the prober `{pod}` of load `{name}` wrote nothing in time"
            )));
        }
    }
    Ok((running, format!("load `{name}` began: {url}, {rate} requests a second")))
}

fn arguments(
    nonce: &str,
    name: &str,
    sampler: &Sampler,
    url: &str,
    rate: u32,
    longest: Duration,
) -> Vec<String> {
    let connections = match sampler.connections.unwrap_or(Connections::Fresh) {
        Connections::Fresh => "fresh",
        Connections::Keepalive => "keep-alive",
    };
    let most = u64::from(rate) * longest.as_secs().max(1);
    let mut arguments = vec![
        "load".to_owned(),
        format!("--url={url}"),
        format!("--rate={rate}"),
        format!("--duration={}ms", longest.as_millis()),
        format!("--max-requests={most}"),
        format!("--connections={connections}"),
        format!("--timeout={}ms", sampler.patience().as_ms()),
        "--lines=compact".to_owned(),
    ];
    if sampler.nonce {
        arguments.push(format!("--nonce={nonce}-{name}"));
    }
    arguments
}

/// The task that reads what the prober writes.
struct Follow {
    client: Client,
    namespace: String,
    pod: String,
    /// Before the pod was created: the prober started later.
    created: Instant,
    clock: Clock,
    patience: Duration,
    /// Told when the prober has written its first line.
    first: Option<oneshot::Sender<()>>,
    record: Record,
}

/// What is known of the prober's start on our clock.
struct Began {
    /// No later than this.
    latest: Option<Instant>,
    columns: Columns,
}

impl Follow {
    async fn run(mut self, stop: CancellationToken) -> Sample {
        let mut began = Began { latest: None, columns: Columns::default() };
        match self.follow(&mut began, stop).await {
            Ok(()) => {}
            Err(why) => return self.unavailable(&why),
        }
        let Some(latest) = began.latest else { return self.unavailable("it reported no request") };
        self.place(&began.columns, latest);
        match began.columns.fill(&mut self.record) {
            Ok(()) => Sample::Load(Box::new(self.record)),
            Err(why) => self.unavailable(&why),
        }
    }

    fn unavailable(&self, why: &str) -> Sample {
        Sample::Unavailable { why: format!("the prober `{}` did not do its work: {why}", self.pod) }
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Reads until the prober's last line; asks it to end once `stop` is
    /// cancelled.
    async fn follow(&mut self, began: &mut Began, stop: CancellationToken) -> Result<(), String> {
        let params =
            LogParams { container: Some(CONTAINER.to_owned()), follow: true, ..LogParams::default() };
        let stream = self.pods().log_stream(&self.pod, &params).await;
        let mut lines = stream.map_err(|error| format!("its log: {}", read::words(&error)))?.lines();
        let mut limit = None;
        loop {
            let line = tokio::select! {
                line = lines.try_next() => line.map_err(|error| format!("its log broke off: {error}"))?,
                () = stop.cancelled(), if limit.is_none() => {
                    self.ask_to_end().await?;
                    limit = Some(Instant::now() + self.patience + ENDING);
                    continue;
                }
                () = until(limit) => return Err("it did not end in time".to_owned()),
            };
            let Some(line) = line else { return Err("its log ended before it did".to_owned()) };
            self.read(began, &line);
            if began.columns.is_over() {
                // Its requests would be taken for all of the experiment's time.
                return match stop.is_cancelled() {
                    true => Ok(()),
                    false => Err("it ended before it was asked to".to_owned()),
                };
            }
        }
    }

    fn read(&mut self, began: &mut Began, line: &str) {
        let now = Instant::now();
        if let Some(request) = began.columns.read(line) {
            // The line was written after the request ended, so the start lies
            // no later than this; of many lines the quickest says it best.
            let since = Duration::from_secs_f64(request.ended_ms(self.record.rate).max(0.0) / 1000.0);
            let start = now.checked_sub(since).unwrap_or(now);
            began.latest = Some(began.latest.map_or(start, |latest| latest.min(start)));
        }
        if began.columns.start.is_some()
            && let Some(first) = self.first.take()
        {
            // Nobody waits any more if the run was stopped meanwhile.
            let _ = first.send(());
        }
    }

    /// Puts the prober's start on our clock. Its wall clock is believed if
    /// that lies where it can: after its pod was made, and before its
    /// quickest line says it was at work. Otherwise (the node's clock is
    /// another) the lines decide.
    fn place(&mut self, columns: &Columns, latest: Instant) {
        let (created, latest) = (self.clock.ms(self.created), self.clock.ms(latest));
        let wall = columns.start.as_deref().and_then(|start| start.parse::<Timestamp>().ok());
        let ago = wall.map(|wall| Timestamp::now().duration_since(wall).as_secs_f64() * 1000.0);
        let wall = ago.map(|ago| self.clock.ms(Instant::now()) - ago);
        let (start, uncertainty) = match wall {
            Some(wall) if wall >= created && wall <= latest => (wall, latest - wall),
            _ => (latest, latest - created),
        };
        self.record.start_ms = (start * 10.0).round() / 10.0;
        self.record.uncertainty_ms = (uncertainty * 10.0).round() / 10.0;
    }

    /// SIGTERM: the prober sends nothing more, waits for what is under way and
    /// writes its last line.
    async fn ask_to_end(&self) -> Result<(), String> {
        let params =
            AttachParams { container: Some(CONTAINER.to_owned()), stderr: true, ..AttachParams::default() };
        let failed = |why: String| format!("it could not be asked to end: {why}");
        let mut process = self
            .pods()
            .exec(&self.pod, ["/ms", "stop"], &params)
            .await
            .map_err(|error| failed(read::words(&error)))?;
        let mut said = String::new();
        if let Some(mut stderr) = process.stderr() {
            // What it says only explains a status that is no success.
            let _ = timeout(ENDING, stderr.read_to_string(&mut said)).await;
        }
        let status = process.take_status();
        let status = match status {
            Some(status) => timeout(ENDING, status).await.map_err(|_| failed("no answer".to_owned()))?,
            None => None,
        };
        match status {
            // The container may be gone before it can say how `ms stop` ended.
            None => Ok(()),
            Some(status) if status.status.as_deref() == Some("Success") => Ok(()),
            Some(status) => Err(failed(format!("{} {said}", status.message.unwrap_or_default()))),
        }
    }
}

async fn until(limit: Option<Instant>) {
    match limit {
        Some(limit) => tokio::time::sleep_until(limit).await,
        None => std::future::pending().await,
    }
}
