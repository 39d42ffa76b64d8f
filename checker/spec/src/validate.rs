//! The rules of a lab file that its types cannot say.

use std::collections::HashSet;

use crate::{
    Diagnostic, Experiment, FORMAT, Lab, Target, Task,
    sample::{HIGHEST_RATE, Sampling, WATCHABLE},
    template,
};

/// Names that expressions always have; a lab may not bind them.
const RESERVED: &[&str] =
    &["it", "was", "params", "loaded", "cluster", "project", "true", "false", "null", "in"];

pub(crate) fn lab(file: &str, lab: &Lab) -> Vec<Diagnostic> {
    let mut problems = Problems { file, list: Vec::new() };
    header(lab, &mut problems);
    names(lab, &mut problems);
    targets(lab, &mut problems);
    experiments(lab, &mut problems);
    let (mut tasks, mut checks) = (HashSet::new(), HashSet::new());
    for task in &lab.tasks {
        if !tasks.insert(task.id.as_str()) {
            problems.add(format!("task `{}` stands twice", task.id));
        }
        self::task(task, &mut checks, &mut problems);
    }
    problems.list
}

struct Problems<'a> {
    file: &'a str,
    list: Vec<Diagnostic>,
}

impl Problems<'_> {
    fn add(&mut self, message: impl Into<String>) {
        self.list.push(Diagnostic::file(self.file, message));
    }
}

fn header(lab: &Lab, problems: &mut Problems<'_>) {
    if lab.format != FORMAT {
        problems.add(format!("`format` is {}, expected {FORMAT}; a newer labcheck may read it", lab.format));
    }
    let number = lab.id.strip_prefix("lab").unwrap_or_default();
    if number.len() != 2 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        problems.add(format!("`id` is `{}`, expected `lab` and two digits", lab.id));
    }
    if lab.target.is_empty() {
        problems.add("`target` is empty, expected `kind`, `compose` or `files`");
    }
    if lab.tasks.is_empty() {
        problems.add("`tasks` is empty");
    }
    for item in &lab.covers {
        let number = item.strip_prefix('C').and_then(|number| number.parse::<u32>().ok());
        if !matches!(number, Some(1..=98)) {
            problems.add(format!("`covers` names `{item}`, expected `C1` to `C98`"));
        }
    }
}

fn names(lab: &Lab, problems: &mut Problems<'_>) {
    let mut seen = HashSet::new();
    let all = lab.observe.keys().chain(lab.experiments.keys()).chain(lab.lets.keys());
    for name in all {
        if !identifier(name) {
            problems
                .add(format!("`{name}` is no name expressions can use; expected letters, digits and `_`"));
        }
        if RESERVED.contains(&name.as_str()) {
            problems.add(format!("`{name}` is a name labcheck binds itself; choose another"));
        }
        if !seen.insert(name) {
            problems.add(format!(
                "`{name}` names two things; observations, experiments and lets share one space"
            ));
        }
    }
}

/// What is observed must belong to a target, or nobody would look at it.
fn targets(lab: &Lab, problems: &mut Problems<'_>) {
    // That `target` is empty is a problem of its own, and told before.
    if lab.target.is_empty() {
        return;
    }
    for (name, observe) in &lab.observe {
        let target = observe.source.target();
        // Files lie beside whatever a lab is about.
        if target != Target::Files && !lab.has(target) {
            let word = format!("{target:?}").to_lowercase();
            problems.add(format!("observation `{name}` is about `{word}`, which `target` does not name"));
        }
    }
}

fn identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn experiments(lab: &Lab, problems: &mut Problems<'_>) {
    for (name, experiment) in &lab.experiments {
        samplers(name, experiment, problems);
        for (at, step) in experiment.steps.iter().enumerate() {
            let place = format!("step {} of experiment `{name}`", at + 1);
            if step.action().is_none() {
                problems.add(format!("{place} must have exactly one of `ask`, `delete`, `relabel`, `wait`, `setImage`, `scale`, `start`, `stop`, `compose` and `look`"));
            }
            if let Some(problem) = step.compose.as_ref().and_then(|step| step.problem()) {
                problems.add(format!("{place} {problem}"));
            }
            if step.compose.is_some() && !lab.has(Target::Compose) {
                problems.add(format!("{place} is about compose, which `target` does not name"));
            }
            if step.look.is_some() && step.name.is_none() {
                problems.add(format!("{place} takes a look without a name; add `as`"));
            }
            if let Some(as_name) = step.name.as_deref() {
                if as_name == "reached" || !identifier(as_name) {
                    problems.add(format!("{place} has a name expressions cannot use"));
                }
                if experiment.sample.contains_key(as_name) {
                    problems.add(format!("{place} has the name `{as_name}`, which is a sampler's"));
                }
            }
            if let Some(sampler) = &step.start
                && !experiment.sample.contains_key(sampler)
            {
                problems.add(format!("{place} starts `{sampler}`, which is not in `sample`"));
            }
            if let Some(load) = &step.stop
                && experiment.sample.get(load).is_none_or(|sampler| sampler.http.is_none())
            {
                problems.add(format!("{place} stops `{load}`, which is no load of `sample`"));
            }
            let began = |step: &crate::Step| [&step.start, &step.stop].into_iter().flatten().next().cloned();
            if let Some(sampler) = began(step)
                && experiment.steps[..at].iter().any(|before| before.stop.as_ref() == Some(&sampler))
            {
                problems.add(format!("{place} names `{sampler}`, which was stopped before"));
            }
            if let Some(delete) = &step.delete
                && delete.pod.is_some() == delete.labels.is_some()
            {
                problems.add(format!("{place} must name the pod by exactly one of `pod` and `labels`"));
            }
            if step.relabel.as_ref().is_some_and(|relabel| relabel.set.is_empty()) {
                problems.add(format!("{place} sets no label"));
            }
        }
        let (most, budget) = (experiment.most_requests(), experiment.budget.requests);
        if most > u64::from(budget) {
            problems.add(format!(
                "experiment `{name}` may send {most} requests (all `ask`s, and each rate for all of \
                 `budget.time`), its budget is {budget}"
            ));
        }
    }
}

fn samplers(experiment: &str, declared: &Experiment, problems: &mut Problems<'_>) {
    for (name, sampler) in &declared.sample {
        let place = format!("sampler `{name}` of experiment `{experiment}`");
        if name == "reached" || !identifier(name) {
            problems.add(format!("{place} has a name expressions cannot use"));
        }
        match sampler.sampling() {
            Some(Sampling::Load(_, rate)) => {
                if rate == 0 || rate > HIGHEST_RATE {
                    problems.add(format!("{place} has the rate {rate}, expected 1 to {HIGHEST_RATE}"));
                }
                if sampler.labels.is_some() || sampler.service.is_some() {
                    problems.add(format!("{place} sends requests; `labels` and `service` are for `watch`"));
                }
            }
            Some(Sampling::Watch(kind)) => {
                if !WATCHABLE.contains(&kind) {
                    let known = WATCHABLE.join("`, `");
                    problems.add(format!("{place} watches `{kind}`, expected one of `{known}`"));
                }
                if sampler.service.is_some() && kind != "endpointslices" {
                    problems.add(format!("{place} names a Service; only `endpointslices` have one"));
                }
            }
            None => problems.add(format!("{place} must have either `http` and `rate`, or `watch`")),
        }
    }
}

fn task<'a>(task: &'a Task, seen: &mut HashSet<&'a str>, problems: &mut Problems<'_>) {
    if task.points == 0 {
        problems.add(format!("task `{}` is worth nothing", task.id));
    }
    if task.hints.len() != 3 {
        problems.add(format!("task `{}` has {} hints, expected 3", task.id, task.hints.len()));
    }
    if task.checks.iter().all(|check| check.weight == 0) {
        problems.add(format!("task `{}` has no check with weight", task.id));
    }
    for check in &task.checks {
        let id = &check.id;
        for before in &check.after {
            if !seen.contains(before.as_str()) {
                problems.add(format!("check `{id}` comes after `{before}`, which does not stand before it"));
            }
        }
        if !seen.insert(id) {
            problems.add(format!("check `{id}` stands twice"));
        }
        if check.expect.is_none() && check.never.is_none() {
            problems.add(format!("check `{id}` has neither `expect` nor `never`"));
        }
        if check.never.is_some()
            && (check.within.is_some() || check.throughout.is_some() || check.each.is_some())
        {
            problems.add(format!(
                "check `{id}` has `never`, which spans all looks, and `within`, `for` or `each`"
            ));
        }
        if check.within.is_some() && check.throughout.is_some() {
            problems.add(format!("check `{id}` has both `within` and `for`"));
        }
        if check.needs.is_some() && check.weight != 0 {
            problems.add(format!("check `{id}` has `needs` and a weight; what may be skipped earns nothing"));
        }
        for (name, text) in [("wrong", Some(&check.wrong)), ("missing", check.missing.as_ref())] {
            if text.is_some_and(|text| template::pieces(text).is_err()) {
                problems.add(format!("`{name}` of check `{id}` has `{{{{` without `}}}}`"));
            }
        }
    }
}

/// The known word nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|&(distance, candidate)| distance <= candidate.len().div_ceil(3))
        .map(|(_, candidate)| candidate)
}
