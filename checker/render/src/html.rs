//! A report as one HTML page that loads nothing and runs nothing.

use std::borrow::Cow;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab_spec::report::{CheckReport, Report, TaskReport, Verdict};
use sha2::{Digest, Sha256};

use crate::picture::Picture;
use crate::{neutral, phrase};

const STYLE: &str = include_str!("../templates/report.css");

/// The report as a page that stands alone: no scripts, no requests, its one
/// style sheet allowed by hash, and everything from outside escaped.
pub fn html(report: &Report) -> String {
    Page::new(report).render().expect("writing to memory cannot fail")
}

/// The page's template; all text in it is neutral, and askama escapes it.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    style: &'static str,
    style_hash: String,
    title: String,
    heading: Rich,
    grade: String,
    counts: Vec<(Verdict, String)>,
    places: Vec<(&'static str, Cow<'a, str>)>,
    cut_short: Option<&'static str>,
    steps: Vec<Cow<'a, str>>,
    tasks: Vec<Task<'a>>,
    digest: Cow<'a, str>,
    owner: Rich,
}

struct Task<'a> {
    id: Cow<'a, str>,
    title: Rich,
    points: String,
    checks: Vec<Check<'a>>,
}

struct Check<'a> {
    verdict: Verdict,
    id: Cow<'a, str>,
    title: Rich,
    /// Whether it is worth no points in a task that is.
    weightless: bool,
    reason: Vec<Rich>,
    /// What it would say if it did not merely follow from another check.
    consequence: Vec<Rich>,
    cause: Vec<Link>,
    note: Option<Cow<'a, str>>,
    timeline: Option<Picture<'a>>,
    look: Option<Cow<'a, str>>,
    expression: Cow<'a, str>,
    values: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    evidence: Vec<(Cow<'a, str>, String)>,
}

struct Link {
    place: String,
    says: Vec<Rich>,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report) -> Self {
        let next = phrase::next(report);
        let look = next.as_ref().and_then(|next| next.look).map(neutral::line);
        let title = phrase::named(&report.lab, &report.title);
        Self {
            report,
            style: STYLE,
            style_hash: STANDARD.encode(Sha256::digest(STYLE)),
            heading: Rich::new(&title),
            title,
            grade: phrase::grade(report),
            counts: phrase::counts(report),
            places: phrase::places(report).collect(),
            cut_short: phrase::cut_short(report.ended),
            steps: look.into_iter().chain(next.map(|next| next.advice.into())).collect(),
            tasks: report.tasks.iter().map(|task| Task::new(report, task)).collect(),
            digest: neutral::line(&report.lab_digest),
            owner: Rich::new(phrase::owner(report)),
        }
    }
}

impl<'a> Task<'a> {
    fn new(report: &'a Report, task: &'a TaskReport) -> Self {
        let check = |check| Check::new(report, task, check);
        Self {
            id: neutral::line(&task.id),
            title: Rich::new(&neutral::line(&task.title)),
            points: phrase::points(task.earned, task.points),
            checks: task.checks.iter().map(check).collect(),
        }
    }
}

impl<'a> Check<'a> {
    fn new(report: &Report, task: &TaskReport, check: &'a CheckReport) -> Self {
        // What merely follows from another check has no cause of its own.
        let root = check.follows.is_none() && check.verdict != Verdict::Pass;
        let cause = check.cause.iter().filter(|_| root).map(|link| Link {
            place: phrase::place_of(link),
            says: neutral::lines(&link.says).map(|line| Rich::new(&line)).collect(),
        });
        let values = check.values.iter();
        Self {
            verdict: check.verdict,
            id: neutral::line(&check.id),
            title: Rich::new(&neutral::line(&check.title)),
            weightless: check.weight == 0 && task.points > 0,
            reason: match check.verdict {
                Verdict::Pass => vec![],
                _ => phrase::reason(check).iter().map(|line| Rich::new(line)).collect(),
            },
            consequence: match check.follows {
                Some(_) => neutral::lines(&check.message).map(|line| Rich::new(&line)).collect(),
                None => vec![],
            },
            cause: cause.collect(),
            note: check.note.as_deref().map(neutral::line),
            timeline: check.timeline.as_ref().filter(|_| root).map(Picture::new),
            look: check.look.as_deref().filter(|_| root).map(neutral::line),
            expression: neutral::line(&check.expression),
            values: values
                .map(|value| (neutral::line(&value.expression), neutral::line(&value.value)))
                .collect(),
            evidence: check
                .evidence
                .iter()
                .map(|key| (neutral::line(key), phrase::asked(report, key)))
                .collect(),
        }
    }

    /// Whether there is anything to say of how it was judged.
    fn is_explained(&self) -> bool {
        !(self.consequence.is_empty()
            && self.expression.is_empty()
            && self.values.is_empty()
            && self.evidence.is_empty())
    }
}

/// Text in which stretches between backticks are code.
struct Rich(Vec<Piece>);

struct Piece {
    code: bool,
    text: String,
}

impl Rich {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, (code, after))) =
            rest.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
        {
            pieces.push(Piece { code: false, text: before.to_owned() });
            pieces.push(Piece { code: true, text: code.to_owned() });
            rest = after;
        }
        pieces.push(Piece { code: false, text: rest.to_owned() });
        Self(pieces)
    }
}
