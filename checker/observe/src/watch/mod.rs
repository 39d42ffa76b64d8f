//! Watches: what changed, as soon as the server says so.

mod follow;

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use indexmap::IndexMap;
use lab_spec::{Look, Observation, Request};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{Inner, Observer, clock::wall_ms, compose};
use follow::Watched;

/// Changes that come within this time of the first are one look: a controller
/// touches several kinds at once.
const COALESCE: Duration = Duration::from_millis(5);
/// Changes waiting for a slow reader, before the watches wait too.
const WAITING: usize = 16;

/// One answer's new state.
pub(crate) struct Change {
    pub(crate) key: String,
    pub(crate) observation: Observation,
    pub(crate) gap: bool,
}

impl Observer {
    /// Follows LISTs from where they were read: each is a request, the
    /// resourceVersion of its answer and the items, as a look gave them. An
    /// empty resourceVersion, as of a list that could not be read, means to
    /// read it anew. Parts of a compose project are followed by Docker's
    /// events, and inspected anew. Other requests are passed over.
    ///
    /// Each look holds the lists that changed, whole. `gap` says that some
    /// watch could not resume and its list had to be read anew. While the
    /// server cannot be asked, the lists are unavailable; the stream goes on.
    /// Dropping it ends the watches.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn watch(&self, from: &[(Request, String, Vec<Value>)]) -> impl Stream<Item = Look> + Send + use<> {
        let (sender, changes) = mpsc::channel(WAITING);
        let mut watches = JoinSet::new();
        for (request, version, items) in from {
            if let Some(watched) = Watched::new(Arc::clone(&self.inner), request, version, items) {
                watches.spawn(watched.run(sender.clone()));
            }
        }
        let of_docker = from.iter().map(|(request, ..)| request);
        let of_docker: Vec<_> =
            of_docker.filter(|request| matches!(request, Request::Docker { .. })).cloned().collect();
        if !of_docker.is_empty() {
            watches.spawn(compose::follow(Arc::clone(&self.inner), of_docker, sender.clone()));
        }
        let state = State { inner: Arc::clone(&self.inner), changes, _watches: watches };
        stream::unfold(state, |mut state| async {
            let look = state.next_look().await?;
            Some((look, state))
        })
    }
}

struct State {
    inner: Arc<Inner>,
    changes: mpsc::Receiver<Change>,
    /// Aborted when dropped.
    _watches: JoinSet<()>,
}

impl State {
    async fn next_look(&mut self) -> Option<Look> {
        let first = self.changes.recv().await?;
        let until = Instant::now() + COALESCE;
        let mut gap = first.gap;
        let mut observations = IndexMap::from([(first.key, first.observation)]);
        while let Ok(Some(change)) = timeout_at(until, self.changes.recv()).await {
            gap |= change.gap;
            observations.insert(change.key, change.observation);
        }
        Some(Look { at_ms: self.inner.clock.at_ms(), wall_ms: wall_ms(), gap, observations })
    }
}
