//! The pages of the desk. All text in them is neutral, and askama escapes it.

use std::collections::HashMap;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lab_render::line;
use lab_spec::{
    Report,
    report::{CheckReport, Points},
};
use sha2::{Digest as _, Sha256};

use super::read::Row;
use crate::{
    grade::{Course, Grade, Standing},
    requests::Request,
};

const STYLE: &str = include_str!("../../templates/desk.css");
/// Students on one page.
pub const PAGE: usize = 200;

/// Which students are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All of them.
    #[default]
    All,
    /// Those with a flag.
    Flagged,
    /// Those who handed something in and have no score.
    Unscored,
    /// Those who ask to be graded again and have no answer.
    Asked,
}

impl Show {
    /// The word in an address; all for any other.
    pub fn named(word: &str) -> Self {
        match word {
            "flagged" => Self::Flagged,
            "unscored" => Self::Unscored,
            "asked" => Self::Asked,
            _ => Self::All,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Flagged => "flagged",
            Self::Unscored => "unscored",
            Self::Asked => "asked",
        }
    }

    fn shows(self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Flagged => !row.flags.is_empty(),
            Self::Unscored => row.score.is_none() && row.standing != Standing::Missing,
            Self::Asked => row.requests.iter().any(Request::is_open),
        }
    }
}

#[derive(Template)]
#[template(path = "desk_class.html")]
struct ClassPage {
    style: &'static str,
    style_hash: String,
    title: String,
    points: u32,
    tabs: Vec<Tab>,
    students: Vec<Line>,
    pages: Vec<Tab>,
}

/// A link, or where we are.
struct Tab {
    says: String,
    to: String,
    here: bool,
}

struct Line {
    at: usize,
    id: String,
    name: String,
    standing: &'static str,
    score: String,
    flags: String,
    decided: bool,
}

#[derive(Template)]
#[template(path = "desk_student.html")]
struct StudentPage {
    style: &'static str,
    style_hash: String,
    at: usize,
    before: Option<usize>,
    after: Option<usize>,
    id: String,
    name: String,
    course: String,
    standing: &'static str,
    why: String,
    score: String,
    points: u32,
    late: String,
    decision: String,
    flags: Vec<(String, String)>,
    asked: Vec<Asked>,
    attempts: Vec<Tried>,
    tasks: Vec<Task>,
}

/// A wish to be graded again.
struct Asked {
    id: String,
    about: String,
    reason: String,
    received: String,
    /// Empty while it is open.
    answer: String,
}

struct Tried {
    counts: bool,
    place: String,
    received: String,
    standing: &'static str,
    why: String,
    score: String,
    sha256: String,
}

struct Task {
    id: String,
    title: String,
    points: String,
    checks: Vec<Check>,
}

struct Check {
    verdict: &'static str,
    id: String,
    title: String,
    hidden: bool,
    message: String,
    cause: Vec<String>,
    expression: String,
    values: Vec<(String, String)>,
    /// The key, and how it was asked and answered.
    evidence: Vec<(String, String)>,
}

/// The class, or a part of it.
pub fn class(course: &Course, rows: &[Row], show: Show, number: usize) -> Result<String, String> {
    let shown: Vec<_> = rows.iter().enumerate().filter(|(_, row)| show.shows(row)).collect();
    let tab = |other: Show| {
        let count = rows.iter().filter(|row| other.shows(row)).count();
        Tab {
            says: format!("{} {count}", other.word()),
            to: format!("/?show={}", other.word()),
            here: other == show,
        }
    };
    let pages = (0..shown.len().div_ceil(PAGE)).filter(|_| shown.len() > PAGE).map(|page| Tab {
        says: (page + 1).to_string(),
        to: format!("/?show={}&page={page}", show.word()),
        here: page == number,
    });
    let students = shown.iter().skip(number.saturating_mul(PAGE)).take(PAGE).map(|(at, row)| Line {
        at: *at,
        id: own(&row.student.id),
        name: own(&row.student.name),
        standing: row.standing.word(),
        score: score(row.score),
        flags: row.flags.iter().map(|flag| line(&flag.code).into_owned()).collect::<Vec<_>>().join(", "),
        decided: row.decision.is_some(),
    });
    rendered(&ClassPage {
        style: STYLE,
        style_hash: style_hash(),
        title: format!("{}: {}", line(&course.lab), line(&course.title)),
        points: course.points,
        tabs: [Show::All, Show::Flagged, Show::Unscored, Show::Asked].map(tab).into(),
        students: students.collect(),
        pages: pages.collect(),
    })
}

/// One student, with what each verdict rests on.
pub fn student(course: &Course, grade: &Grade, at: usize, of: usize) -> Result<String, String> {
    let attempts = grade.attempts.iter().enumerate().map(|(number, tried)| Tried {
        counts: grade.counts == Some(number),
        place: own(&tried.place),
        received: tried.received.map_or_else(|| "not known".to_owned(), |received| received.to_string()),
        standing: tried.standing.word(),
        why: own(tried.standing.why()),
        score: score(tried.score),
        sha256: own(&tried.sha256),
    });
    let decision = grade.decision.as_ref();
    rendered(&StudentPage {
        style: STYLE,
        style_hash: style_hash(),
        at,
        before: at.checked_sub(1),
        after: (at + 1 < of).then_some(at + 1),
        id: own(&grade.student.id),
        name: own(&grade.student.name),
        course: format!("{}: {}", line(&course.lab), line(&course.title)),
        standing: grade.standing.word(),
        why: own(grade.standing.why()),
        score: score(grade.score),
        points: grade.points,
        late: grade.late.as_ref().map(|late| own(&late.why)).unwrap_or_default(),
        decision: decision
            .map(|decision| format!("{}: {}", line(&decision.author), line(&decision.reason)))
            .unwrap_or_default(),
        flags: grade.flags.iter().map(|flag| (own(&flag.code), own(&flag.says))).collect(),
        asked: grade.requests.iter().map(asked).collect(),
        attempts: attempts.collect(),
        tasks: grade.report.as_ref().map(|report| tasks(course, report)).unwrap_or_default(),
    })
}

fn asked(request: &Request) -> Asked {
    let answer = request
        .answer
        .as_ref()
        .map(|answer| format!("{} by {}: {}", answer.word(), line(&answer.author), line(&answer.reason)));
    Asked {
        id: own(&request.id),
        about: own(&request.about()),
        reason: own(&request.reason),
        received: request.received.map_or_else(|| "not known".to_owned(), |received| received.to_string()),
        answer: answer.unwrap_or_default(),
    }
}

fn tasks(course: &Course, report: &Report) -> Vec<Task> {
    let asked: HashMap<_, _> = report.provenance.iter().map(|asked| (asked.key.as_str(), asked)).collect();
    let answer = |key: &String| {
        let how = asked.get(key.as_str()).map_or_else(String::new, |asked| {
            let version =
                asked.resource_version.as_ref().map(|version| format!(", resourceVersion {version}"));
            let version = version.unwrap_or_default();
            format!("{} {} at {} ms{version}", asked.request, asked.answer, asked.at_ms)
        });
        (own(key), own(how.trim()))
    };
    let check = |check: &CheckReport| Check {
        verdict: check.verdict.word(),
        id: own(&check.id),
        title: own(&check.title),
        hidden: course.hidden.contains(&check.id),
        message: own(&check.message),
        cause: check
            .cause
            .iter()
            .map(|link| format!("{} {}: {}", line(&link.object), line(&link.field), line(&link.says)))
            .collect(),
        expression: own(&check.expression),
        values: check.values.iter().map(|value| (own(&value.expression), own(&value.value))).collect(),
        evidence: check.evidence.iter().map(answer).collect(),
    };
    let tasks = report.tasks.iter().map(|task| Task {
        id: own(&task.id),
        title: own(&task.title),
        points: format!("{} of {}", score(task.earned), task.points),
        checks: task.checks.iter().map(check).collect(),
    });
    tasks.collect()
}

fn own(text: &str) -> String {
    line(text).into_owned()
}

fn score(points: Option<Points>) -> String {
    points.map_or_else(|| "none".to_owned(), |points| points.to_string())
}

fn style_hash() -> String {
    STANDARD.encode(Sha256::digest(STYLE))
}

fn rendered(page: &impl Template) -> Result<String, String> {
    page.render().map_err(|error| format!("the page cannot be made: {error}"))
}
