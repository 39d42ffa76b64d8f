//! Following a project: Docker's events say that something changed, and a
//! look says what.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt as _;
use lab_spec::{Observation, Request};
use tokio::{sync::mpsc, time::Instant};

use super::engine::PROJECT;
use crate::{Inner, watch::Change};

/// Events that come within this time of the first are one look.
const COALESCE: Duration = Duration::from_millis(50);
/// Between a stream that broke and the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks anew at these parts of projects whenever an event concerns them,
/// until nobody listens any more.
pub(crate) async fn follow(inner: Arc<Inner>, requests: Vec<Request>, changes: mpsc::Sender<Change>) {
    let Some(project) = &inner.project else { return };
    let projects = requests.iter().filter_map(|request| match request {
        Request::Docker { project, .. } => Some(format!("{PROJECT}={project}")),
        _ => None,
    });
    let mut labels: Vec<_> = projects.collect();
    labels.dedup();
    // From a second ago: what happened since the last look is not missed.
    let mut since = now().saturating_sub(1);
    let mut gap = false;
    loop {
        let filters = HashMap::from([("label", labels.clone())]);
        let options = EventsOptionsBuilder::new().since(&since.to_string()).filters(&filters).build();
        let mut events = std::pin::pin!(project.engine.client.events(Some(options)));
        while let Some(Ok(event)) = events.next().await {
            // Every health check is an exec, and changes nothing by itself.
            if event.action.as_deref().is_some_and(|action| action.starts_with("exec_")) {
                continue;
            }
            since = event.time.and_then(|time| u64::try_from(time).ok()).unwrap_or(since);
            let until = Instant::now() + COALESCE;
            while let Ok(Some(Ok(_))) = tokio::time::timeout_at(until, events.next()).await {}
            if !report(&inner, &requests, &changes, gap).await {
                return;
            }
            gap = false;
        }
        // The daemon went, or the stream broke: what is seen now says so.
        if !report(&inner, &requests, &changes, gap).await {
            return;
        }
        gap = true;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends a new look at everything; whether anybody listens.
async fn report(inner: &Inner, requests: &[Request], changes: &mpsc::Sender<Change>, gap: bool) -> bool {
    let channel = inner.channel();
    for request in requests {
        let (key, mut observation): (String, Observation) =
            inner.observe(channel.as_ref().ok(), request).await;
        inner.redactor.answer(request, &mut observation.outcome);
        if changes.send(Change { key, observation, gap }).await.is_err() {
            return false;
        }
    }
    true
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
