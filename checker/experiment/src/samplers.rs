//! Samplers: what runs beside the steps. Each is a task of its own that ends
//! when it is told to and then hands over what it recorded.

use std::time::Duration;

use indexmap::IndexMap;
use lab_spec::sample::Sample;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// How much longer than its longest answer a sampler may take to end.
const ENDING: Duration = Duration::from_secs(20);

/// The experiment's clock, for tasks that outlive a borrow of the setting's.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
    began_ms: u64,
}

/// A sampler at work.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Sample>,
    /// How long its last answer may take.
    patience: Duration,
}

/// All samplers at work, by name.
#[derive(Default)]
pub(crate) struct Samplers(IndexMap<String, Running>);

impl Clock {
    /// A clock that shows `now_ms` now.
    pub(crate) fn set(now_ms: u64) -> Self {
        Self { began: Instant::now(), began_ms: now_ms }
    }

    /// Milliseconds after the first look.
    pub(crate) fn ms(self, at: Instant) -> f64 {
        self.began_ms as f64 + at.saturating_duration_since(self.began).as_secs_f64() * 1000.0
    }

    /// Whole milliseconds after the first look.
    pub(crate) fn now_ms(self) -> u64 {
        self.ms(Instant::now()) as u64
    }
}

impl Running {
    /// Starts a task that ends soon after the token is cancelled.
    pub(crate) fn spawn<F>(patience: Duration, task: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = Sample> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(task(stop.clone())), stop, patience }
    }

    /// Ends it and waits for what it recorded.
    pub(crate) async fn end(mut self) -> Sample {
        self.stop.cancel();
        let limit = self.patience + ENDING;
        match timeout(limit, &mut self.task).await {
            Ok(Ok(sample)) => sample,
            Ok(Err(error)) => Sample::Unavailable { why: format!("the sampler failed: {error}") },
            Err(_) => {
                Sample::Unavailable { why: format!("the sampler did not end within {} s", limit.as_secs()) }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A task that has ended is not touched by this.
        self.task.abort();
    }
}

impl Samplers {
    pub(crate) fn add(&mut self, name: &str, running: Running) {
        self.0.insert(name.to_owned(), running);
    }

    /// Takes out one of them; none if it was ended before.
    pub(crate) fn take(&mut self, name: &str) -> Option<Running> {
        self.0.shift_remove(name)
    }

    /// Ends all that are left, side by side.
    pub(crate) async fn end(&mut self) -> IndexMap<String, Sample> {
        let running = std::mem::take(&mut self.0);
        let ends = running.into_iter().map(|(name, running)| async move { (name, running.end().await) });
        futures::future::join_all(ends).await.into_iter().collect()
    }
}
