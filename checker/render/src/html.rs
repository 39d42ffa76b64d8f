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
    let page = Page { judged: Some(Judged::new(report)), ..Page::empty(&report.lab, &report.title) };
    page.render().expect("writing to memory cannot fail")
}

/// What stands over a report that belongs to a grade.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The lab's id.
    pub lab: &'a str,
    /// The lab's title.
    pub title: &'a str,
    /// The score in words, as in `75 of 100 points`, or that there is none.
    pub score: String,
    /// What else is to be said of it: names and texts.
    pub facts: Vec<(&'static str, String)>,
}

/// A grade as a page like that of [`html`]; without a report where nothing was
/// judged.
pub fn framed(frame: &Frame<'_>, report: Option<&Report>) -> String {
    let facts = frame.facts.iter().map(|(name, text)| (*name, Rich::new(&neutral::line(text))));
    let page = Page {
        score: Some(neutral::line(&frame.score)),
        facts: facts.collect(),
        judged: report.map(Judged::new),
        ..Page::empty(frame.lab, frame.title)
    };
    page.render().expect("writing to memory cannot fail")
}

/// The page's template; all text in it is neutral, and askama escapes it.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    title: String,
    heading: Rich,
    /// The score of the grade that the report belongs to.
    score: Option<Cow<'a, str>>,
    facts: Vec<(&'static str, Rich)>,
    judged: Option<Judged<'a>>,
}

/// What follows from a report.
struct Judged<'a> {
    report: &'a Report,
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

impl Page<'_> {
    fn empty(lab: &str, title: &str) -> Self {
        let title = phrase::named(lab, title);
        Self {
            style: STYLE,
            style_hash: STANDARD.encode(Sha256::digest(STYLE)),
            heading: Rich::new(&title),
            title,
            score: None,
            facts: Vec::new(),
            judged: None,
        }
    }

    /// The grade in the window's title.
    fn short(&self) -> &str {
        let graded = self.judged.as_ref().map(|judged| judged.grade.as_str());
        self.score.as_deref().or(graded).unwrap_or_default()
    }
}

impl<'a> Judged<'a> {
    fn new(report: &'a Report) -> Self {
        let next = phrase::next(report);
        let look = next.as_ref().and_then(|next| next.look).map(neutral::line);
        Self {
            report,
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

impl Rich {
    fn new(text: &str) -> Self {
        Self(pieces(text))
    }
}

/// A stretch of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Whether it stood between backticks.
    pub code: bool,
    /// The text, without them.
    pub text: String,
}

/// Text taken apart at its backticks.
pub fn pieces(text: &str) -> Vec<Piece> {
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
    pieces
}
