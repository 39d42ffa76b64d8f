//! Live verdicts for the pages of `labcheck serve`: looks at the labs that are
//! started, and grades them when a page asks for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use lab_judge::{Judge, Limits};
use lab_serve::{Best, Feed, Source, Trouble};
use lab_spec::{Lab, Report, Target as Looks};
use tokio_util::sync::CancellationToken;

use crate::{
    collect::Collector,
    commands::{grade, unfinished},
    failure::Failure,
    labs,
    session::{Session, Target},
    state::{Started, State},
    watcher::Watcher,
};

/// Between two tries to look at what cannot be looked at.
const AGAIN: Duration = Duration::from_secs(1);

/// What pages are told comes from here.
pub struct Live {
    state: State,
    /// Of each lab, the file problems are told of.
    files: BTreeMap<String, String>,
}

impl Live {
    /// Looks with what is recorded in `state`; `files` names each lab's file.
    pub fn new(state: State, files: BTreeMap<String, String>) -> Self {
        Self { state, files }
    }

    fn file(&self, lab: &Lab) -> String {
        self.files.get(&lab.id).cloned().unwrap_or_default()
    }
}

impl Source for Live {
    fn progress(&self) -> Result<BTreeMap<String, Best>, Trouble> {
        let progress = self.state.progress().map_err(|failure| trouble(&failure))?;
        let labs = progress.labs.into_iter().map(|(lab, kept)| {
            (lab, Best { earned: kept.earned, points: kept.points, at: kept.at.to_string() })
        });
        Ok(labs.collect())
    }

    fn watch(&self, lab: Arc<Lab>, feed: Feed) -> BoxFuture<'static, ()> {
        let (state, file) = (self.state.clone(), self.file(&lab));
        Box::pin(async move {
            loop {
                if let Err(failure) = look(&state, &lab, &file, &feed).await {
                    feed.trouble(Some(trouble(&failure)));
                    tokio::time::sleep(AGAIN).await;
                }
            }
        })
    }

    fn grade(
        &self,
        lab: Arc<Lab>,
        feed: Feed,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Result<Report, Trouble>> {
        let (state, file) = (self.state.clone(), self.file(&lab));
        Box::pin(async move {
            grade(&state, &lab, &file, &feed, cancel).await.map_err(|failure| trouble(&failure))
        })
    }
}

fn trouble(failure: &Failure) -> Trouble {
    Trouble { message: failure.message().to_owned(), next: failure.next_step().map(str::to_owned) }
}

/// A connection to what the lab was started on, and the attempt it is about.
async fn open(state: &State, lab: &Lab) -> Result<(Session, Started), Failure> {
    let Some(started) = state.lab(&lab.id)? else {
        return Err(Failure::usage(format!("{} is not started yet", lab.id))
            .next(format!("labcheck start {}", lab.id)));
    };
    let target = Target { directory: started.directory.clone(), ..Target::default() };
    let session = Session::open(&target, lab, state).await?;
    if let Some(cluster) = started.cluster.as_ref().filter(|_| lab.has(Looks::Kind))
        && cluster.ca_sha256 != session.observer.ca_sha256()
    {
        return Err(Failure::unobservable(format!(
            "{} was started on `{}`, and context `{}` leads elsewhere",
            lab.id,
            cluster.name,
            session.observer.context()
        ))
        .next(format!("switch back, or `labcheck start {}` on this one", lab.id)));
    }
    Ok((session, started))
}

/// Looks at a lab until it is started anew or its cluster is another.
async fn look(state: &State, lab: &Lab, file: &str, feed: &Feed) -> Result<(), Failure> {
    let judge = Judge::new(file, lab).map_err(|problems| labs::broken(&problems))?;
    let (session, started) = open(state, lab).await?;
    let clusters = state.clusters()?;
    let collector = Collector {
        session: &session,
        lab,
        judge: &judge,
        state,
        confirmed: false,
        say: &|_| {},
        cancel: CancellationToken::new(),
    };
    let limits = Limits { wait_ms: 0, experiments: false };
    let mut watcher = Watcher::begin(&collector, limits).await;
    loop {
        feed.looked(watcher.report(), why_not(&watcher, lab));
        watcher.changed().await;
        if state.lab(&lab.id)?.as_ref() != Some(&started) || state.clusters()? != clusters {
            return Ok(());
        }
    }
}

/// Why what the report says is not what it would be, if something stands
/// between.
fn why_not(watcher: &Watcher<'_>, lab: &Lab) -> Option<Trouble> {
    if let Some(why) = watcher.blind() {
        return Some(Trouble { message: why.to_owned(), next: Some("labcheck doctor".to_owned()) });
    }
    let unmet = watcher.unmet();
    (!unmet.is_empty()).then(|| trouble(&grade::unjudged(&lab.id, &unmet)))
}

/// Grades a lab as `labcheck LAB` does, experiments and all. Nobody can be
/// asked to allow them elsewhere, so they run on what labcheck made.
async fn grade(
    state: &State,
    lab: &Lab,
    file: &str,
    feed: &Feed,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let judge = Judge::new(file, lab).map_err(|problems| labs::broken(&problems))?;
    let (session, _) = open(state, lab).await?;
    unfinished::undo(&session, lab, state).await;
    // Told once, however often it is said.
    let last = Mutex::new(String::new());
    let say = |line: &str| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != line {
            line.clone_into(&mut last);
            feed.checking(line);
        }
    };
    let collector =
        Collector { session: &session, lab, judge: &judge, state, confirmed: false, say: &say, cancel };
    grade::conclude(&judge, &collector.run(Limits::default()).await, state)
}
