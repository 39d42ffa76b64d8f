//! The report: verdicts put together, and what each rests on.

use std::collections::HashMap;

use lab_spec::{
    Ended, Evidence, FORMAT, Outcome, Report, Verdict,
    report::{Asked, CheckReport, Points, TaskReport},
};

use crate::{
    Judge, timeline,
    verdict::{Assessed, evidence_keys},
};

impl Judge<'_> {
    /// The report on an evidence, complete or not.
    pub fn report(&self, evidence: &Evidence) -> Report {
        let mut assessed = self.assess(evidence).into_iter().zip(&self.compiled);
        let mut roots: HashMap<String, String> = HashMap::new();
        let tasks: Vec<_> = self
            .lab
            .tasks
            .iter()
            .map(|task| {
                let checks = task.checks.iter().zip(&mut assessed);
                let checks = checks.map(|(check, (one, compiled))| {
                    let follows = one.root.as_ref().and_then(|root| roots.get(root).cloned());
                    if let (Some(root), None) = (&one.root, &follows) {
                        roots.insert(root.clone(), check.id.clone());
                    }
                    let keys = evidence_keys(self.lab, compiled, evidence);
                    let mut report = report(check, one, follows, keys);
                    match report.verdict {
                        Verdict::Pass => report.note = timeline::note(evidence, compiled),
                        Verdict::Fail => report.timeline = timeline::of(evidence, compiled),
                        _ => {}
                    }
                    report
                });
                self::task(task, checks.collect())
            })
            .collect();
        let earned: Option<u64> = tasks.iter().map(|task| task.earned.map(|points| points.0)).sum();
        Report {
            format: FORMAT,
            lab: self.lab.id.clone(),
            title: self.lab.title.clone(),
            lab_digest: self.lab.digest.clone(),
            cluster: evidence.cluster.clone(),
            project: evidence.project.clone(),
            verdict: Verdict::worst(tasks.iter().map(|task| task.verdict)),
            earned: earned.map(Points),
            points: self.lab.points(),
            ended: evidence.ended.unwrap_or(Ended::Settled),
            tasks,
            provenance: provenance(evidence),
        }
    }
}

fn task(task: &lab_spec::Task, checks: Vec<CheckReport>) -> TaskReport {
    let verdict = Verdict::worst(checks.iter().map(|check| check.verdict));
    let all: u64 = checks.iter().map(|check| u64::from(check.weight)).sum();
    let passed: u64 = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Pass)
        .map(|check| u64::from(check.weight))
        .sum();
    let weighty_unknown = checks.iter().any(|check| check.verdict == Verdict::Unknown && check.weight > 0);
    TaskReport {
        id: task.id.clone(),
        title: task.title.clone(),
        verdict,
        // Rounded down: nobody earns a point that no check gave.
        earned: (!weighty_unknown).then(|| Points(u64::from(task.points) * 100 * passed / all.max(1))),
        points: task.points,
        checks,
    }
}

fn report(
    check: &lab_spec::Check,
    one: Assessed,
    follows: Option<String>,
    evidence: Vec<String>,
) -> CheckReport {
    let shown = follows.is_none();
    CheckReport {
        id: check.id.clone(),
        title: check.title.clone(),
        verdict: one.verdict,
        weight: check.weight,
        message: one.message,
        expression: one.expression,
        values: one.values,
        cause: if shown { one.cause } else { Vec::new() },
        follows,
        blocked_by: one.blocked_by,
        waiting: one.waiting,
        note: None,
        timeline: None,
        evidence,
        look: check.look.clone(),
    }
}

/// Every question that was asked, in order; answers that a watch brought are
/// not questions.
fn provenance(evidence: &Evidence) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (key, observation) in evidence.looks.iter().flat_map(|look| &look.observations) {
        let answer = match &observation.outcome {
            Outcome::Present(_) => "present".to_owned(),
            Outcome::Absent => "absent".to_owned(),
            Outcome::Unavailable(why) => why.message.clone(),
        };
        asked.push(Asked {
            key: key.clone(),
            request: observation.provenance.request.clone(),
            answer,
            resource_version: observation.provenance.resource_version.clone(),
            at_ms: observation.provenance.at_ms,
        });
    }
    asked
}
