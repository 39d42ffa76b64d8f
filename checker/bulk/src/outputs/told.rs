//! What a student may be told of a grade.

use lab_spec::{Report, report::CheckReport};

use crate::{
    grade::{Course, Grade, Standing},
    requests::Request,
    rubric::Rubric,
};

/// A grade in words for the student.
pub struct Told {
    /// The report without what is hidden.
    pub report: Option<Report>,
    /// The score in words.
    pub score: String,
    /// What else is to be said: names and texts, not escaped.
    pub facts: Vec<(&'static str, String)>,
}

impl Told {
    /// What may be told of this grade.
    pub fn of(grade: &Grade, course: &Course) -> Self {
        let report = grade.feedback(course);
        let score = match grade.score {
            Some(score) => lab_render::points(Some(score), grade.points),
            None => "no score".to_owned(),
        };
        let mut facts = Vec::new();
        if let Some(why) = why(grade, report.as_ref()) {
            facts.push(("Not graded", why));
        }
        if let Some(late) = &grade.late {
            facts.push(("Late", format!("{}; {} taken off", late.why, percent(late.hundredths))));
        }
        if let Some(decision) = &grade.decision {
            facts.push(("Decided", format!("{}, by {}", decision.reason, decision.author)));
        }
        facts.extend(grade.requests.iter().map(|request| (ASKED, asked(request))));
        if report.is_some() && !course.hidden.is_empty() {
            facts.push(("Shown", "a part of the lab; the score is of the whole".to_owned()));
        }
        match (grade.counts.map(|counts| &grade.attempts[counts]), grade.attempts.len()) {
            (Some(counted), attempts) => {
                if attempts > 1 {
                    facts.push(("Attempts", format!("{attempts}; this one counts")));
                }
                facts.extend(counted.received.map(|received| ("Received", received.to_string())));
                if !counted.sha256.is_empty() {
                    facts.push(("Submission", format!("SHA-256 `{}`", counted.sha256)));
                }
            }
            (None, 0) => {}
            (None, attempts) => facts.push((
                "Attempts",
                format!("{attempts}; the score is the mean of those that have one, and the best is shown"),
            )),
        }
        Self { report, score, facts }
    }

    /// One or two lines for a grade book.
    pub fn comment(&self) -> String {
        let told =
            self.facts.iter().filter(|(name, _)| ["Not graded", "Late", "Decided", ASKED].contains(name));
        let mut lines: Vec<_> = told.map(|(name, text)| format!("{name}: {text}")).collect();
        let checks = self.report.iter().flat_map(Report::checks);
        let wrong: Vec<_> = checks.filter(|(_, check)| is_wrong(check)).collect();
        for (_, check) in wrong.iter().take(MOST) {
            let title = if check.title.is_empty() { &check.id } else { &check.title };
            lines.push(format!("{}: {title}: {}", check.verdict.word(), check.message));
        }
        if wrong.len() > MOST {
            lines.push(format!("and {} more", wrong.len() - MOST));
        }
        lines.join("; ")
    }
}

/// How a wish to be graded again is called.
const ASKED: &str = "Regrade asked";

/// A wish to be graded again, and its answer.
fn asked(request: &Request) -> String {
    let about = request.about();
    match &request.answer {
        None => format!("{about}, not answered yet"),
        Some(answer) => format!("{about}, {}: {}, by {}", answer.word(), answer.reason, answer.author),
    }
}

/// Checks that a comment names.
const MOST: usize = 5;

/// Why there is no judgement, without what is hidden.
fn why(grade: &Grade, report: Option<&Report>) -> Option<String> {
    match (&grade.standing, report) {
        (Standing::Graded, _) => None,
        // The reason in the grade names hidden checks too.
        (Standing::Unknown { .. }, Some(report)) => Some(
            Rubric::unknown(report)
                .unwrap_or_else(|| "something that is not shown here could not be observed".to_owned()),
        ),
        (standing, _) => Some(standing.why().to_owned()),
    }
}

/// Whether the check says something to mend that does not merely follow.
fn is_wrong(check: &CheckReport) -> bool {
    use lab_spec::Verdict::{Fail, Pending, Unknown};
    matches!(check.verdict, Fail | Pending | Unknown) && check.follows.is_none()
}

/// Hundredths of a percent in words.
pub fn percent(hundredths: u32) -> String {
    format!("{} %", lab_spec::report::Points(u64::from(hundredths)))
}
