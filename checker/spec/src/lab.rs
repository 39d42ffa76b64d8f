//! The lab file, `lab.yaml`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Diagnostic, Experiment, Expr, Observe, Span, parse, validate};

/// A lab: what the learner is asked, how it is observed and how it is judged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Format number; 1.
    pub format: u32,
    /// `lab01` … `lab99`.
    pub id: String,
    /// The name people use.
    pub title: String,
    /// What the lab looks at.
    pub target: Vec<Target>,
    /// Minutes a learner needs.
    pub minutes: u32,
    /// What must hold before the lab can be judged at all; unmet is exit 3.
    #[serde(default)]
    pub needs: Needs,
    /// Items of the course's coverage table, `C1` … `C98`.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Namespace the lab is about; the lab's id unless said otherwise.
    #[serde(default)]
    pub namespace: String,
    /// Why anyone would want this, in a few sentences of Markdown.
    pub story: String,
    /// What redaction must leave readable.
    #[serde(default)]
    pub reveal: Reveal,
    /// What is looked at, by the name expressions use.
    pub observe: IndexMap<String, Observe>,
    /// What is done and measured, in this order, after the static looks.
    #[serde(default)]
    pub experiments: IndexMap<String, Experiment>,
    /// Values shared by all tasks.
    #[serde(default, rename = "let")]
    pub lets: IndexMap<String, Expr>,
    /// What is asked.
    pub tasks: Vec<Task>,
    /// SHA-256 of the file's text, hex; reports and evidence carry it.
    #[serde(skip)]
    pub digest: String,
}

/// What a lab looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A kind cluster, through the Kubernetes API.
    Kind,
    /// A compose project, through the Docker API.
    Compose,
    /// Files of the learner.
    Files,
}

/// What must hold before a lab can be judged.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Server version requirement, as in `>=1.33`.
    pub kubernetes: Option<String>,
    /// Number of nodes the cluster needs.
    pub nodes: Option<u32>,
    /// Workload images that `labcheck up` loads, as in `ms:v1`.
    #[serde(default)]
    pub images: Vec<String>,
}

/// What redaction leaves readable because the lab is about it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// Names of container environment variables.
    #[serde(default)]
    pub env: Vec<String>,
}

/// One thing the learner is asked to reach.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Stable name, unique in the lab.
    pub id: String,
    /// A heading.
    pub title: String,
    /// Points; a check's share is its weight over the task's weights.
    pub points: u32,
    /// What to do, Markdown.
    pub text: String,
    /// Three hints: where to look, concept and evidence, skeleton with blanks.
    pub hints: Vec<String>,
    /// Values shared by the task's checks.
    #[serde(default, rename = "let")]
    pub lets: IndexMap<String, Expr>,
    /// What is judged.
    pub checks: Vec<Check>,
}

/// One judged statement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Stable name, unique in the lab.
    pub id: String,
    /// What the statement says when it holds, shown beside a pass.
    pub title: String,
    /// A list; the statement is judged for each element, bound as `it`. An
    /// empty list fails.
    pub each: Option<Expr>,
    /// Must be true.
    pub expect: Option<Expr>,
    /// Must be false at every look.
    pub never: Option<Expr>,
    /// Positive control: false fails with a message of its own.
    pub control: Option<Expr>,
    /// What to say when it is not so; `{{ expression }}` is filled in.
    pub wrong: String,
    /// What to say instead when an object it reads does not exist.
    pub missing: Option<String>,
    /// A command that shows the learner what the check saw.
    pub look: Option<String>,
    /// Gate; only checks of weight 0 may have one.
    pub needs: Option<Expr>,
    /// Share of the task's points.
    #[serde(default = "one")]
    pub weight: u32,
    /// Checks that must pass before this one is judged.
    #[serde(default)]
    pub after: Vec<String>,
    /// True at some look within this time, counted from the first look.
    pub within: Option<Span>,
    /// True throughout this time.
    #[serde(rename = "for")]
    pub throughout: Option<Span>,
    /// Values of this check.
    #[serde(default, rename = "let")]
    pub lets: IndexMap<String, Expr>,
}

fn one() -> u32 {
    1
}

impl Lab {
    /// Reads and validates a lab file; `file` is the path named in messages.
    ///
    /// # Errors
    /// All problems found, each with its place: malformed or oversized YAML
    /// stops at the first, otherwise every broken rule is listed. Expressions
    /// are compiled by the judge, not here.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut lab: Lab = parse::yaml(file, text).map_err(|problem| vec![problem])?;
        lab.digest = parse::digest(text);
        if lab.namespace.is_empty() {
            lab.namespace.clone_from(&lab.id);
        }
        match validate::lab(file, &lab) {
            problems if problems.is_empty() => Ok(lab),
            problems => Err(problems),
        }
    }

    /// Every check with its task, in file order.
    pub fn checks(&self) -> impl Iterator<Item = (&Task, &Check)> {
        self.tasks.iter().flat_map(|task| task.checks.iter().map(move |check| (task, check)))
    }

    /// Whether the lab looks at this.
    pub fn has(&self, target: Target) -> bool {
        self.target.contains(&target)
    }

    /// The points a perfect solution earns.
    pub fn points(&self) -> u32 {
        self.tasks.iter().map(|task| task.points).sum()
    }

    /// Whether an experiment sends a load, whose numbers other work on the same
    /// machine would change.
    pub fn sends_load(&self) -> bool {
        let samplers = self.experiments.values().flat_map(|experiment| experiment.sample.values());
        samplers.into_iter().any(|sampler| sampler.http.is_some())
    }

    /// The JSON schema of the file format, for editors.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Lab).to_value()
    }
}

impl Check {
    /// The expressions of the check itself, without its `let`s and messages.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        [&self.each, &self.expect, &self.never, &self.control, &self.needs]
            .into_iter()
            .filter_map(Option::as_ref)
    }
}
