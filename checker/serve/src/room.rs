//! One lab: everybody who has its page open shares one watcher.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lab_spec::Lab;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Feed, Source, source::Trouble};

/// How long looking goes on after the last page was closed: a reload closes
/// and opens it.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) struct Room {
    pub(crate) lab: Arc<Lab>,
    pub(crate) feed: Feed,
    source: Arc<dyn Source>,
    watching: Mutex<bool>,
}

impl Room {
    pub(crate) fn new(lab: Arc<Lab>, source: Arc<dyn Source>) -> Self {
        let feed = Feed::new(&lab);
        Self { lab, feed, source, watching: Mutex::new(false) }
    }

    /// What is known, now and whenever it changes. The first to ask starts the
    /// watcher.
    pub(crate) fn join(self: &Arc<Self>, stop: &CancellationToken) -> watch::Receiver<Arc<str>> {
        let known = self.feed.subscribe();
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if !*watching {
            *watching = true;
            tokio::spawn(Arc::clone(self).keep_watching(stop.clone()));
        }
        known
    }

    /// Watches as long as anybody listens.
    async fn keep_watching(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let mut looking = tokio::spawn(self.source.watch(Arc::clone(&self.lab), self.feed.clone()));
            let ended = tokio::select! {
                ended = &mut looking => Some(ended.is_err()),
                () = self.deserted() => None,
                () = stop.cancelled() => None,
            };
            looking.abort();
            if ended.is_some() {
                // A source does not end by itself: it has failed, and is begun anew.
                let message = "looking at the lab has failed".to_owned();
                self.feed.trouble(Some(Trouble { message, next: None }));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
            if stop.is_cancelled() || !self.feed.has_listeners() {
                *watching = false;
                self.feed.forget();
                return;
            }
        }
    }

    /// Resolves when nobody has listened for a while.
    async fn deserted(&self) {
        loop {
            self.feed.unheard().await;
            tokio::time::sleep(GRACE).await;
            if !self.feed.has_listeners() {
                return;
            }
        }
    }
}
