//! A lab's expressions, compiled and checked once.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use lab_spec::{
    Check, Diagnostic, Expr, Lab, Source,
    experiment::Action,
    observe,
    template::{Piece, pieces},
};

use crate::{
    cel::{Program, References},
    functions,
};

/// Names that are bound for every lab.
pub(crate) const BOUND: &[&str] = &["params", "loaded", "cluster", "project"];

/// A check ready to be judged.
pub(crate) struct Compiled {
    pub lets: Vec<(String, Program)>,
    pub each: Option<Program>,
    pub expect: Option<Program>,
    pub never: Option<Program>,
    pub control: Option<Program>,
    pub needs: Option<Program>,
    pub wrong: Vec<Part>,
    pub missing: Option<Vec<Part>>,
    /// Observations it reads, directly or through lets.
    pub observes: BTreeSet<String>,
    /// Experiments it reads.
    pub experiments: BTreeSet<String>,
    /// Loads of experiments it reads requests of, as experiment and name.
    pub loads: Vec<(String, String)>,
    /// Steps of them it reads, by experiment and name.
    pub steps: BTreeSet<(String, String)>,
    /// Whether what it reads is made by controllers, so that time may mend it.
    pub dynamic: bool,
    /// Whether what is judged of each element stands in specs, which no
    /// controller mends: an element that is there and wrong is wrong by itself.
    pub fixed: bool,
    /// Whether it joins several lists, which were taken at different moments.
    pub joins: bool,
}

/// A piece of a message.
pub(crate) enum Part {
    Text(String),
    Value(Program),
}

/// Kinds whose objects controllers make or whose very existence follows from
/// others.
const MADE: &[&str] = &["Pod", "ReplicaSet", "EndpointSlice", "Job", "Event"];

/// Functions of ours that read specs and owners, and nothing that changes by
/// itself.
const FIXED: &[&str] = &["reference", "selects", "controlled", "ownedBy"];

/// Functions that count failed requests.
const COUNTING: &[&str] = &["failures", "broken"];

/// Compiles every check of a lab.
pub(crate) fn compile(file: &str, lab: &Lab) -> Result<Vec<Compiled>, Vec<Diagnostic>> {
    let mut compiler = Compiler { file, lab, problems: Vec::new() };
    let compiled = lab.checks().map(|(task, check)| compiler.check(&task.lets, check)).collect();
    if compiler.problems.is_empty() { Ok(compiled) } else { Err(compiler.problems) }
}

struct Compiler<'a> {
    file: &'a str,
    lab: &'a Lab,
    problems: Vec<Diagnostic>,
}

impl Compiler<'_> {
    fn check(&mut self, task_lets: &IndexMap<String, Expr>, check: &Check) -> Compiled {
        let all: Vec<_> = self.lab.lets.iter().chain(task_lets).chain(&check.lets).collect();
        let mut names: BTreeSet<String> =
            self.lab.observe.keys().chain(self.lab.experiments.keys()).cloned().collect();
        names.extend(BOUND.iter().map(|name| (*name).to_owned()));
        let mut lets = Vec::new();
        for (name, expr) in all {
            if let Some(program) = self.program(expr, &names) {
                lets.push((name.clone(), program));
            }
            names.insert(name.clone());
        }
        let mut inner = names.clone();
        if check.each.is_some() {
            inner.insert("it".to_owned());
        }
        let each = check.each.as_ref().and_then(|expr| self.program(expr, &names));
        let mut optional =
            |expr: &Option<Expr>, names| expr.as_ref().and_then(|expr| self.program(expr, names));
        let (expect, never) = (optional(&check.expect, &inner), optional(&check.never, &inner));
        let (control, needs) = (optional(&check.control, &names), optional(&check.needs, &names));
        let wrong = self.message(&check.wrong, &inner, check);
        let missing = check.missing.as_ref().map(|text| self.message(text, &names, check));

        let programs = [&each, &expect, &never, &control, &needs];
        let mut reads: BTreeSet<String> = programs
            .into_iter()
            .flatten()
            .flat_map(|program| program.references().variables.iter().cloned())
            .collect();
        // Later lets may read earlier ones, so they are followed backwards;
        // what no judged expression reads is not evaluated at all.
        let mut used = Vec::new();
        for (name, program) in lets.into_iter().rev() {
            let in_message = wrong.iter().chain(missing.iter().flatten()).any(|part| part.reads(&name));
            if reads.contains(&name) || in_message {
                reads.extend(program.references().variables.iter().cloned());
                used.push((name, program));
            }
        }
        used.reverse();
        let observes: BTreeSet<_> =
            reads.iter().filter(|name| self.lab.observe.contains_key(*name)).cloned().collect();
        let experiments: BTreeSet<_> =
            reads.iter().filter(|name| self.lab.experiments.contains_key(*name)).cloned().collect();
        let texts =
            || check.expressions().map(|expr| expr.text.as_str()).chain(used.iter().map(|(_, p)| p.source()));
        let judged = programs.iter().filter_map(|program| program.as_ref());
        let steps = judged
            .chain(used.iter().map(|(_, program)| program))
            .flat_map(|program| program.references().fields.iter())
            .filter(|(name, _)| experiments.contains(name))
            .cloned()
            .collect();
        let loads = self.loads(&experiments, &programs, &used);
        let dynamic = !experiments.is_empty()
            || observes.iter().any(|name| self.is_made(name))
            || texts().any(|text| text.contains(".status") || text.contains("rolledOut("));
        let fixed =
            check.each.is_some() && expect.as_ref().is_some_and(|expect| self.is_fixed(expect, &used));
        let joins = self.lists(&observes).len() > 1;
        Compiled {
            lets: used,
            each,
            expect,
            never,
            control,
            needs,
            wrong,
            missing,
            observes,
            experiments,
            loads,
            steps,
            dynamic,
            fixed,
            joins,
        }
    }

    /// The loads whose requests these programs count.
    fn loads(
        &self,
        experiments: &BTreeSet<String>,
        programs: &[&Option<Program>],
        lets: &[(String, Program)],
    ) -> Vec<(String, String)> {
        let judged = programs.iter().filter_map(|program| program.as_ref());
        let counting: Vec<_> = judged
            .chain(lets.iter().map(|(_, program)| program))
            .filter(|program| COUNTING.iter().any(|name| program.references().functions.contains(*name)))
            .map(Program::source)
            .collect();
        let declared = experiments.iter().filter_map(|name| Some((name, self.lab.experiments.get(name)?)));
        declared
            .flat_map(|(name, experiment)| {
                let loads = experiment.sample.iter().filter(|(_, sampler)| sampler.http.is_some());
                loads.map(move |(load, _)| (name.clone(), load.clone()))
            })
            .filter(|(name, load)| counting.iter().any(|text| text.contains(&format!("{name}.{load}"))))
            .collect()
    }

    /// Whether an expression reads, directly or through lets, only what people
    /// write.
    fn is_fixed(&self, expect: &Program, lets: &[(String, Program)]) -> bool {
        let mut programs = vec![expect];
        let mut read: BTreeSet<&str> = BTreeSet::new();
        while let Some(program) = programs.pop() {
            let References { variables, functions, .. } = program.references();
            let live = |name: &String| {
                functions::all().any(|doc| doc.name == name) && !FIXED.contains(&name.as_str())
            };
            if program.source().contains(".status") || functions.iter().any(live) {
                return false;
            }
            for name in variables.iter().filter(|name| read.insert(name.as_str())) {
                if self.is_made(name) || self.lab.experiments.contains_key(name) {
                    return false;
                }
                programs.extend(lets.iter().filter(|(bound, _)| bound == name).map(|(_, program)| program));
            }
        }
        true
    }

    fn is_made(&self, name: &str) -> bool {
        match self.lab.observe.get(name).map(|observe| &observe.source) {
            Some(Source::Object { kind, .. } | Source::List { kind, .. }) => {
                MADE.contains(&kind.kind.as_str())
            }
            Some(
                Source::Logs(_)
                | Source::Containers { .. }
                | Source::Container { .. }
                | Source::Project { .. },
            ) => true,
            _ => false,
        }
    }

    fn lists(&self, observes: &BTreeSet<String>) -> BTreeSet<&str> {
        let kind = |name: &String| match &self.lab.observe.get(name)?.source {
            Source::Object { kind, .. } | Source::List { kind, .. } => Some(kind.plural.as_str()),
            Source::Containers { .. } | Source::Container { .. } => Some(observe::Part::Containers.word()),
            Source::Project { part } => Some(part.word()),
            _ => None,
        };
        observes.iter().filter_map(kind).collect()
    }

    fn program(&mut self, expr: &Expr, names: &BTreeSet<String>) -> Option<Program> {
        let program = match Program::compile(&expr.text) {
            Ok(program) => program,
            Err(error) => {
                self.problem(expr, format!("`{}`: {error}", shorten(&expr.text)));
                return None;
            }
        };
        let References { variables, functions, .. } = program.references();
        for name in variables.iter().filter(|name| !names.contains(*name)) {
            self.problem(expr, format!("`{name}` is not observed, bound or measured in this lab"));
        }
        let registry = functions::registry();
        for name in functions.iter().filter(|name| !registry.contains(name)) {
            self.problem(expr, format!("there is no function `{name}`"));
        }
        Some(program)
    }

    fn message(&mut self, text: &str, names: &BTreeSet<String>, check: &Check) -> Vec<Part> {
        let place = check.expressions().next().cloned().unwrap_or_else(|| Expr::new(""));
        let pieces = pieces(text).unwrap_or_default();
        pieces
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(Part::Text(text.to_owned())),
                Piece::Expr(text) => {
                    let expr = Expr { text: text.to_owned(), ..place.clone() };
                    self.program(&expr, names).map(Part::Value)
                }
            })
            .collect()
    }

    fn problem(&mut self, expr: &Expr, message: String) {
        self.problems.push(Diagnostic::at(self.file, expr.line, expr.column, message));
    }
}

impl Part {
    fn reads(&self, name: &str) -> bool {
        matches!(self, Self::Value(program) if program.references().variables.contains(name))
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Objects a step of an experiment works on: kind and name, or `Pod` and
/// labels. What other steps met is no cause of what this one shows.
pub(crate) fn worked_on(lab: &Lab, experiment: &str, step: &str) -> Vec<Subject> {
    let steps =
        lab.experiments.get(experiment).map(|experiment| experiment.steps.as_slice()).unwrap_or_default();
    steps
        .iter()
        .filter(|one| one.name.as_deref() == Some(step))
        .filter_map(|step| match step.action()? {
            Action::Ask(ask) => {
                let host = ask.http.split("://").nth(1)?.split(['/', ':', '.']).next()?;
                Some(Subject::Service(host.to_owned()))
            }
            Action::Delete(delete) => {
                let labels = delete.labels.clone().map(Subject::Pods);
                labels.or_else(|| delete.pod.clone().map(Subject::Pod))
            }
            Action::Relabel(relabel) => Some(Subject::Pods(relabel.labels.clone())),
            Action::Wait(wait) => Some(Subject::Deployment(wait.deployment.clone())),
            // What a step did to it is no cause.
            Action::SetImage(_)
            | Action::Scale(_)
            | Action::Start(_)
            | Action::Stop(_)
            | Action::Compose(_)
            | Action::Look => None,
        })
        .collect()
}

/// What a cause is looked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Service(String),
    Deployment(String),
    Pod(String),
    /// Pods with these labels; empty for all.
    Pods(String),
    /// The containers of a compose service, or of all.
    Containers(Option<String>),
}

/// What an observation is about, where a cause can be told.
pub(crate) fn subject(lab: &Lab, name: &str) -> Option<Subject> {
    match &lab.observe.get(name)?.source {
        Source::Object { kind, name } => match kind.kind.as_str() {
            "Service" => Some(Subject::Service(name.clone())),
            "Deployment" => Some(Subject::Deployment(name.clone())),
            "Pod" => Some(Subject::Pod(name.clone())),
            _ => None,
        },
        Source::List { kind, select } => match (kind.kind.as_str(), &select.service, &select.labels) {
            ("EndpointSlice", Some(service), _) => Some(Subject::Service(service.clone())),
            ("Pod", _, labels) => Some(Subject::Pods(labels.clone().unwrap_or_default())),
            _ => None,
        },
        Source::Logs(logs) => Some(Subject::Pods(logs.labels.clone())),
        Source::Containers { service } => Some(Subject::Containers(service.clone())),
        Source::Container { service } => Some(Subject::Containers(Some(service.clone()))),
        _ => None,
    }
}
