//! Running an experiment.

use std::time::Duration;

use indexmap::IndexMap;
use lab_spec::Experiment;
use lab_spec::experiment::{Action, ExperimentEnd, ExperimentRecord, Step, StepRecord};
use lab_spec::sample::{Sample, Sampler};
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::halt::Halt;
use crate::journal::{Entry, Journal};
use crate::samplers::{Clock, Samplers};
use crate::target::Stranger;
use crate::{Permission, Setting};

/// A run under way.
pub(crate) struct Run<'s, 'a> {
    pub(crate) setting: &'s Setting<'a>,
    /// Where the system under test was found at its limit, if it was.
    pub(crate) slow: Option<String>,
    /// The clock of records.
    pub(crate) clock: Clock,
    samplers: Samplers,
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
        samples: IndexMap::new(),
        log: Vec::new(),
    };
    let mut run = match begin(setting, name, experiment).await {
        Ok(run) => run,
        Err(halt) => {
            record.ended = halt.end(0, None);
            return record;
        }
    };
    if let Err(halt) = run.samplers(experiment, &mut record).await {
        record.ended = halt.end(0, None);
    } else {
        run.steps(experiment, &mut record).await;
    }
    // Who interrupts does not want to wait for last answers.
    if !setting.cancel.is_cancelled() {
        for (name, sample) in run.samplers.end().await {
            record.samples.entry(name).or_insert(sample);
        }
    }
    // In the order of the lab, whichever ended first.
    record.samples.sort_by_cached_key(|name, _| experiment.sample.get_index_of(name));
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
    let (most, budget) = (experiment.most_requests(), experiment.budget.requests);
    if most > u64::from(budget) {
        return Err(Halt::Unavailable(format!("it may send {most} requests, `budget.requests` is {budget}")));
    }
    let time = experiment.budget.time;
    (setting.progress)(&format!("at most {most} requests, {time}, then everything is undone"));
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
    let clock = Clock::set((setting.clock)());
    Ok(Run { setting, slow: None, clock, samplers: Samplers::default(), journal, ends })
}

impl Run<'_, '_> {
    async fn samplers(&mut self, experiment: &Experiment, record: &mut ExperimentRecord) -> Result<(), Halt> {
        for (name, sampler) in experiment.samplers_at_once() {
            self.may_go_on()?;
            let began = (self.setting.clock)();
            match self.start(name, sampler).await {
                Ok(what) => self.log(record, began, what),
                Err(halt) => {
                    self.log(record, began, format!("sampler `{name}` did not start: {}", halt.words()));
                    return Err(halt);
                }
            }
        }
        Ok(())
    }

    /// Starts a sampler and says so in words.
    async fn start(&mut self, name: &str, sampler: &Sampler) -> Result<String, Halt> {
        let target = &self.setting.target;
        let (running, what) = target.sample(self, name, sampler).await?;
        self.samplers.add(name, running);
        Ok(what)
    }

    async fn steps(&mut self, experiment: &Experiment, record: &mut ExperimentRecord) {
        for (at, step) in experiment.steps.iter().enumerate() {
            let paused = self.pause(step).await;
            let began = (self.setting.clock)();
            let outcome = match paused {
                Ok(()) => self.step(at, step, experiment, record).await,
                Err(halt) => Err(halt),
            };
            let what = match &outcome {
                Ok(what) => what.clone(),
                Err(halt) => format!("step {} did not come to its end: {}", at + 1, halt.words()),
            };
            self.log(record, began, what);
            if let Err(halt) = outcome {
                record.ended = halt.end(at, self.slow.as_deref());
                return;
            }
        }
    }

    /// Ends a load.
    async fn stop(&mut self, name: &str, record: &mut ExperimentRecord) -> Result<Told, Halt> {
        self.tell(&format!("ending `{name}`"));
        let Some(running) = self.samplers.take(name) else {
            return Err(Halt::Unavailable(format!("`{name}` was ended before")));
        };
        let sample = self.unless_cancelled(running.end()).await?;
        let what = match &sample {
            Sample::Load(load) => format!("ended `{name}`: {} requests", load.answer.len()),
            Sample::Watch(_) => format!("ended `{name}`"),
            Sample::Unavailable { why } => format!("ended `{name}`, which recorded nothing: {why}"),
        };
        record.samples.insert(name.to_owned(), sample);
        Ok(Told { what, result: None })
    }

    /// Lets the time before a step pass.
    async fn pause(&self, step: &Step) -> Result<(), Halt> {
        if let Some(after) = step.after {
            let until = Instant::now() + Duration::from(after);
            self.tell(&format!("letting {after} pass"));
            self.unless_cancelled(sleep_until(until.min(self.ends))).await?;
        }
        self.may_go_on()
    }

    async fn step(
        &mut self,
        at: usize,
        step: &Step,
        experiment: &Experiment,
        record: &mut ExperimentRecord,
    ) -> Result<String, Halt> {
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
            Some(Action::Start(name)) => {
                let sampler = experiment.sample.get(name).ok_or_else(|| {
                    Halt::Unavailable(format!("step {} starts `{name}`, which is not declared", at + 1))
                })?;
                Told { what: self.start(name, sampler).await?, result: None }
            }
            Some(Action::Stop(load)) => self.stop(load, record).await?,
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

    /// The changes made so far.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.journal.entries
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

    /// How much of the experiment's time is left.
    pub(crate) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
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
