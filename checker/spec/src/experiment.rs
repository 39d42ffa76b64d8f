//! Experiments: declared steps that change the system, and what they record.

pub mod compose;

pub use compose::ComposeStep;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Observation, Span,
    sample::{Sample, Sampler, Sampling},
};

/// A declared list of steps, run in order and undone afterwards.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What the experiment may use up; printed before it starts.
    pub budget: Budget,
    /// What is recorded beside the steps, by the name expressions use.
    #[serde(default)]
    pub sample: IndexMap<String, Sampler>,
    /// What is done.
    pub steps: Vec<Step>,
}

impl Experiment {
    /// The samplers that start before the first step, those that watch first:
    /// they must see what the others do.
    pub fn samplers_at_once(&self) -> Vec<(&String, &Sampler)> {
        let later = |name: &str| self.steps.iter().any(|step| step.start.as_deref() == Some(name));
        let mut samplers: Vec<_> = self.sample.iter().filter(|(name, _)| !later(name)).collect();
        samplers.sort_by_key(|(_, sampler)| sampler.http.is_some());
        samplers
    }

    /// The most requests it may send: all its steps ask, and its loads run as
    /// long as the budget's time.
    pub fn most_requests(&self) -> u64 {
        let asked = self.steps.iter().filter_map(|step| step.ask.as_ref());
        let asked: u64 = asked.map(|ask| u64::from(ask.count)).sum();
        let rates = self.sample.values().filter_map(|sampler| match sampler.sampling()? {
            Sampling::Load(_, rate) => Some(u64::from(rate)),
            Sampling::Watch(_) => None,
        });
        asked + rates.sum::<u64>() * self.budget.time.as_ms().div_ceil(1000)
    }
}

/// The bounds of an experiment.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Requests sent to the system under test, all steps together.
    pub requests: u32,
    /// Wall time, all steps together, undo excluded.
    pub time: Span,
}

/// One step: exactly one of the actions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Time to let pass before the action.
    pub after: Option<Span>,
    /// The name expressions read the step's result by.
    #[serde(rename = "as")]
    pub name: Option<String>,
    /// Send HTTP requests from inside the cluster, each with a nonce.
    pub ask: Option<Ask>,
    /// Delete one pod, with its UID as precondition.
    pub delete: Option<Delete>,
    /// Change labels of one pod, with its UID as precondition.
    pub relabel: Option<Relabel>,
    /// Wait until a workload has settled.
    pub wait: Option<Wait>,
    /// Something done to a copy of the learner's compose project.
    pub compose: Option<ComposeStep>,
    /// Give a container of a Deployment another image.
    #[serde(rename = "setImage")]
    pub set_image: Option<SetImage>,
    /// Give a Deployment another number of replicas.
    pub scale: Option<Scale>,
    /// Start a sampler of `sample` now and not before the first step.
    pub start: Option<String>,
    /// End a load of `sample`, and wait for its last answers.
    pub stop: Option<String>,
    /// Take a look at everything the lab observes, under the step's name.
    pub look: Option<LookStep>,
}

/// Requests from a prober pod in the lab's namespace.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// URL as seen from a pod in the lab's namespace.
    pub http: String,
    /// How many requests, each on a fresh connection.
    pub count: u32,
}

/// Which pod is deleted: the one of this name, or the oldest running pod with
/// these labels.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// Name of the pod.
    pub pod: Option<String>,
    /// Label selector.
    pub labels: Option<String>,
    /// Deployment whose pods go before others with these labels.
    pub of: Option<String>,
}

/// Labels of one pod: the oldest ready one that is selected.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relabel {
    /// Label selector.
    pub labels: String,
    /// Deployment whose pods go before others with these labels.
    pub of: Option<String>,
    /// Labels to put on it, in place of the values it has.
    pub set: IndexMap<String, String>,
}

/// What a step waits for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Deployment that must be rolled out.
    pub deployment: String,
    /// Wait instead until its controller reports that the rollout makes no
    /// progress any more.
    #[serde(default)]
    pub stalled: bool,
    /// How long at most; running out is recorded, not an error.
    pub within: Span,
}

/// Another image for a container.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetImage {
    /// Name of the Deployment.
    pub deployment: String,
    /// Name of the container in its pods.
    pub container: String,
    /// The image.
    pub image: String,
}

/// Another number of replicas.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Name of the Deployment.
    pub deployment: String,
    /// How many.
    pub replicas: u32,
}

/// A look has no settings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookStep {}

/// The one action of a step.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// See [`Step::ask`].
    Ask(&'a Ask),
    /// See [`Step::delete`].
    Delete(&'a Delete),
    /// See [`Step::relabel`].
    Relabel(&'a Relabel),
    /// See [`Step::wait`].
    Wait(&'a Wait),
    /// See [`Step::compose`].
    Compose(&'a ComposeStep),
    /// See [`Step::set_image`].
    SetImage(&'a SetImage),
    /// See [`Step::scale`].
    Scale(&'a Scale),
    /// See [`Step::start`].
    Start(&'a str),
    /// See [`Step::stop`].
    Stop(&'a str),
    /// See [`Step::look`].
    Look,
}

impl Action<'_> {
    /// The word lab files use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask(_) => "ask",
            Self::Delete(_) => "delete",
            Self::Relabel(_) => "relabel",
            Self::Wait(_) => "wait",
            Self::Compose(_) => "compose",
            Self::SetImage(_) => "setImage",
            Self::Scale(_) => "scale",
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Look => "look",
        }
    }
}

impl Step {
    /// The step's action; `None` if it has none or several, which validation
    /// refuses.
    pub fn action(&self) -> Option<Action<'_>> {
        let mut actions = [
            self.ask.as_ref().map(Action::Ask),
            self.delete.as_ref().map(Action::Delete),
            self.relabel.as_ref().map(Action::Relabel),
            self.wait.as_ref().map(Action::Wait),
            self.compose.as_ref().map(Action::Compose),
            self.set_image.as_ref().map(Action::SetImage),
            self.scale.as_ref().map(Action::Scale),
            self.start.as_deref().map(Action::Start),
            self.stop.as_deref().map(Action::Stop),
            self.look.as_ref().map(|_| Action::Look),
        ]
        .into_iter()
        .flatten();
        let first = actions.next();
        if actions.next().is_some() { None } else { first }
    }
}

/// What an experiment left behind, as evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentRecord {
    /// Start, in milliseconds after the first look.
    pub started_ms: u64,
    /// How it ended.
    pub ended: ExperimentEnd,
    /// Results of the named steps, in order.
    pub results: IndexMap<String, serde_json::Value>,
    /// Looks taken by steps, by step name and request key.
    pub looks: IndexMap<String, IndexMap<String, Observation>>,
    /// What the samplers recorded, by name.
    #[serde(default)]
    pub samples: IndexMap<String, Sample>,
    /// One line for each step that ran, for people.
    pub log: Vec<StepRecord>,
}

/// One step that ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// Start, in milliseconds after the first look.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What was done, in words.
    pub what: String,
}

/// How an experiment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ExperimentEnd {
    /// Every step ran.
    Completed,
    /// A step found nothing to work on, or the system refused it: an answer
    /// of the system under test. Later steps did not run.
    Stopped {
        /// The step, from 0.
        step: usize,
        /// Why, in words.
        why: String,
    },
    /// The means of the experiment failed, or it was not allowed to run: what
    /// depends on it is unknown.
    Unavailable {
        /// Why, in words.
        why: String,
    },
}
