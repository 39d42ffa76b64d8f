//! Running an experiment.

use std::time::Duration;

use indexmap::IndexMap;
use lab_spec::Experiment;
use lab_spec::experiment::{Action, ExperimentEnd, ExperimentRecord, Step, StepRecord};
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::halt::Halt;
use crate::journal::{Entry, Journal};
use crate::target::Stranger;
use crate::{Permission, Setting};

/// A run under way.
pub(crate) struct Run<'s, 'a> {
    pub(crate) setting: &'s Setting<'a>,
    /// Where the system under test was found at its limit, if it was.
    pub(crate) slow: Option<String>,
    journal: Journal,
    ends: Instant,
}

/// What a step did.
pub(crate) struct Told {
    /// In words, for people.
    pub(crate) what: String,
    /// What expressions read.
    pub(crate) result: Option<Value>,
}

/// Runs the steps in order, undoes what they did, and returns what they
/// recorded; the results of the steps before the one that ended it stay.
///
/// `budget.time` bounds all steps together; undo comes on top, since it must
/// not be cut short. A step that runs into a limit because the system under
/// test is slow (`wait`, and a pod that does not go) has a result that says
/// so, and if no time is left after it, the experiment is `Stopped`. Time used
/// up by our own means, such as a prober that is slow to start, makes it
/// `Unavailable`.
pub async fn run(setting: &Setting<'_>, name: &str, experiment: &Experiment) -> ExperimentRecord {
    let mut record = ExperimentRecord {
        started_ms: (setting.clock)(),
        ended: ExperimentEnd::Completed,
        results: IndexMap::new(),
        looks: IndexMap::new(),
        log: Vec::new(),
    };
    let mut run = match begin(setting, name, experiment).await {
        Ok(run) => run,
        Err(halt) => {
            record.ended = halt.end(0, None);
            return record;
        }
    };
    for (at, step) in experiment.steps.iter().enumerate() {
        let began = (setting.clock)();
        let outcome = run.step(at, step, &mut record).await;
        let what = match &outcome {
            Ok(what) => what.clone(),
            Err(halt) => format!("step {} did not come to its end: {}", at + 1, halt.words()),
        };
        run.log(&mut record, began, what);
        if let Err(halt) = outcome {
            record.ended = halt.end(at, run.slow.as_deref());
            break;
        }
    }
    run.undo(&mut record).await;
    record
}

/// The fence, and the start of the journal.
async fn begin<'s, 'a>(
    setting: &'s Setting<'a>,
    name: &str,
    experiment: &Experiment,
) -> Result<Run<'s, 'a>, Halt> {
    if let Permission::Refused(why) = &setting.permission {
        return Err(Halt::Unavailable(why.clone()));
    }
    let ends = Instant::now() + Duration::from(experiment.budget.time);
    let asked = experiment.steps.iter().filter_map(|step| step.ask.as_ref());
    let asked: u64 = asked.map(|ask| u64::from(ask.count)).sum();
    if asked > u64::from(experiment.budget.requests) {
        let budget = experiment.budget.requests;
        return Err(Halt::Unavailable(format!(
            "the steps send {asked} requests, `budget.requests` is {budget}"
        )));
    }
    let identified = tokio::select! {
        biased;
        () = setting.cancel.cancelled() => return Err(Halt::Interrupted),
        identified = setting.target.system().identify() => identified,
    };
    identified.map_err(|stranger| match stranger {
        Stranger::Unseen(halt) => halt,
        Stranger::Other(how) => {
            Halt::Unavailable(format!("this is not the system that may be changed: {how}"))
        }
    })?;
    let journal = Journal::create(setting, name).map_err(|error| Halt::Unavailable(error.to_string()))?;
    Ok(Run { setting, slow: None, journal, ends })
}

impl Run<'_, '_> {
    async fn step(&mut self, at: usize, step: &Step, record: &mut ExperimentRecord) -> Result<String, Halt> {
        if let Some(after) = step.after {
            let until = Instant::now() + Duration::from(after);
            self.tell(&format!("letting {after} pass"));
            self.unless_cancelled(sleep_until(until.min(self.ends))).await?;
        }
        self.may_go_on()?;
        let name = step.name.as_deref();
        let told = match step.action() {
            Some(Action::Look) => {
                self.tell("taking a look");
                let look =
                    timeout_at(self.ends, (self.setting.look)(self.setting.target.copy().map(str::to_owned)));
                let look = self.unless_cancelled(look).await?.map_err(|_| Halt::OutOfTime)?;
                let what = format!("took a look at {} lists", look.len());
                record.looks.insert(name.unwrap_or_default().to_owned(), look);
                Told { what, result: None }
            }
            Some(action) => {
                let target = &self.setting.target;
                target.step(self, at, action).await?
            }
            None => {
                let why = format!("step {} does not have exactly one action", at + 1);
                return Err(Halt::Unavailable(why));
            }
        };
        if let (Some(name), Some(result)) = (name, told.result) {
            record.results.insert(name.to_owned(), result);
        }
        Ok(told.what)
    }

    /// Undoes everything, the last change first. What cannot be undone now
    /// stays in the journal for `recover`.
    async fn undo(mut self, record: &mut ExperimentRecord) {
        let mut complete = true;
        self.setting.target.quiesce().await;
        while let Some(entry) = self.journal.entries.pop() {
            let began = (self.setting.clock)();
            match self.setting.target.system().undo(&self.journal.header, &entry).await {
                Ok(None) => {}
                Ok(Some(what)) => self.log(record, began, what),
                Err(why) => {
                    complete = false;
                    self.log(
                        record,
                        began,
                        format!("could not undo, will be tried at the next start: {why}"),
                    );
                }
            }
        }
        if complete {
            let began = (self.setting.clock)();
            // `Run` has no use for the journal after this, so it moves out.
            let Self { setting, journal, .. } = self;
            if let Err(error) = journal.remove() {
                let took_ms = (setting.clock)().saturating_sub(began);
                record.log.push(StepRecord { at_ms: began, took_ms, what: error.to_string() });
            }
        }
    }

    fn log(&self, record: &mut ExperimentRecord, began: u64, what: String) {
        self.tell(&what);
        let took_ms = (self.setting.clock)().saturating_sub(began);
        record.log.push(StepRecord { at_ms: began, took_ms, what });
    }

    /// The run's id, which what it creates carries.
    pub(crate) fn id(&self) -> &str {
        &self.journal.header.run
    }

    /// Tells the user what happens.
    pub(crate) fn tell(&self, what: &str) {
        (self.setting.progress)(what);
    }

    /// Writes down a change that is sent next.
    pub(crate) fn journal(&mut self, entry: Entry) -> Result<(), Halt> {
        self.may_go_on()?;
        self.journal.write(entry).map_err(|error| Halt::Unavailable(error.to_string()))
    }

    /// Undoes the last change at once. On failure it stays to be undone at the
    /// end.
    pub(crate) async fn undo_last(&mut self) {
        if let Some(entry) = self.journal.entries.last()
            && self.setting.target.system().undo(&self.journal.header, entry).await.is_ok()
        {
            self.journal.entries.pop();
        }
    }

    /// The end of a wait of this length, or of the experiment's time.
    pub(crate) fn limit(&self, at_most: Duration) -> Instant {
        self.ends.min(Instant::now() + at_most)
    }

    /// Whether the experiment's time has run out.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.ends
    }

    fn may_go_on(&self) -> Result<(), Halt> {
        if self.setting.cancel.is_cancelled() {
            return Err(Halt::Interrupted);
        }
        if self.is_over() { Err(Halt::OutOfTime) } else { Ok(()) }
    }

    /// Waits for something that changes nothing, unless the user stops it.
    pub(crate) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = self.setting.cancel.cancelled() => Err(Halt::Interrupted),
            value = work => Ok(value),
        }
    }
}

/// Callers may spawn a run: checked when this compiles.
const _: fn(&Setting<'_>, &Experiment) = |setting, experiment| {
    fn send(_: impl Send) {}
    send(run(setting, "", experiment));
};
