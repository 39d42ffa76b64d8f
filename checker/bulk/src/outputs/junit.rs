//! `junit.xml`: a suite per student, a case per check, hidden ones too.
//!
//! JUnit knows no partial credit: points are properties, and a suite has a case
//! `score` that fails where points are missing.

use std::{io, io::Write as _, path::Path};

use lab_spec::{
    Verdict,
    report::{CheckReport, TaskReport},
};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::{Output, Whole, gradescope::shares, told::percent};
use crate::grade::{Course, Grade, Standing, Unmatched};

/// The document.
pub struct Junit {
    writer: Writer<Whole>,
    lab: String,
}

/// How a case ended: element, type, message, text.
type End = (&'static str, &'static str, String, String);

impl Junit {
    /// Begins the document in `dir`.
    pub fn begin(dir: &Path, course: &Course) -> io::Result<Self> {
        let mut writer = Writer::new_with_indent(Whole::begin(dir.join("junit.xml"))?, b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let name = lab_render::named(&course.lab, &course.title);
        let suites = BytesStart::new("testsuites").with_attributes([("name", name.as_str())]);
        writer.write_event(Event::Start(suites))?;
        Ok(Self { writer, lab: lab_render::line(&course.lab).into_owned() })
    }

    fn properties(&mut self, properties: &[(&str, String)]) -> io::Result<()> {
        self.writer.write_event(Event::Start(BytesStart::new("properties")))?;
        for (name, value) in properties {
            let value = lab_render::line(value);
            let property = BytesStart::new("property").with_attributes([("name", *name), ("value", &*value)]);
            self.writer.write_event(Event::Empty(property))?;
        }
        self.writer.write_event(Event::End(BytesEnd::new("properties")))
    }

    fn case(&mut self, class: &str, name: &str, points: Option<String>, end: Option<End>) -> io::Result<()> {
        let case = BytesStart::new("testcase").with_attributes([("classname", class), ("name", name)]);
        self.writer.write_event(Event::Start(case))?;
        if let Some(points) = points {
            self.properties(&[("points", points)])?;
        }
        if let Some((element, kind, message, text)) = end {
            let message = lab_render::line(&message);
            let start = BytesStart::new(element).with_attributes([("type", kind), ("message", &*message)]);
            self.writer.write_event(Event::Start(start))?;
            self.writer.write_event(Event::Text(BytesText::new(&text)))?;
            self.writer.write_event(Event::End(BytesEnd::new(element)))?;
        }
        self.writer.write_event(Event::End(BytesEnd::new("testcase")))
    }

    fn check(&mut self, task: &TaskReport, check: &CheckReport, share: String) -> io::Result<()> {
        let class = format!("{}.{}", self.lab, lab_render::line(&task.id));
        let name = lab_render::named(&check.id, &check.title);
        self.case(&class, &name, Some(share), ended(check))
    }
}

impl Output for Junit {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let ends: Vec<_> =
            grade.report.iter().flat_map(|report| report.checks()).map(|(_, check)| ended(check)).collect();
        let score = score(grade);
        let count = |element: &str| {
            let ends = ends.iter().chain([&score]).flatten();
            ends.filter(|(ended, ..)| *ended == element).count().to_string()
        };
        let name = lab_render::line(&grade.student.id);
        let suite = BytesStart::new("testsuite").with_attributes([
            ("name", &*name),
            ("tests", &*(ends.len() + 1).to_string()),
            ("failures", &*count("failure")),
            ("errors", &*count("error")),
            ("skipped", &*count("skipped")),
        ]);
        self.writer.write_event(Event::Start(suite))?;
        let mut properties =
            vec![("standing", grade.standing.word().to_owned()), ("points", grade.points.to_string())];
        properties.extend(grade.earned.map(|earned| ("earned", earned.to_string())));
        properties.extend(grade.score.map(|score| ("score", score.to_string())));
        properties.extend(
            grade.late.iter().map(|late| ("late", format!("{}: {}", percent(late.hundredths), late.why))),
        );
        properties.extend(grade.flags.iter().map(|flag| ("flag", format!("{}: {}", flag.code, flag.says))));
        self.properties(&properties)?;
        let lab = self.lab.clone();
        self.case(&lab, "score", None, score)?;
        for task in grade.report.iter().flat_map(|report| &report.tasks) {
            for (check, share) in task.checks.iter().zip(shares(task)) {
                self.check(task, check, share.to_string())?;
            }
        }
        self.writer.write_event(Event::End(BytesEnd::new("testsuite")))
    }

    fn finish(mut self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
        let mut file = self.writer.into_inner();
        file.write_all(b"\n")?;
        file.finish()?;
        Ok(Vec::new())
    }
}

/// How a check ended, unless it passed.
fn ended(check: &CheckReport) -> Option<End> {
    let element = match check.verdict {
        Verdict::Pass => return None,
        Verdict::Fail | Verdict::Pending => "failure",
        Verdict::Unknown => "error",
        Verdict::Blocked | Verdict::Skipped => "skipped",
    };
    let message = lab_render::reason(check).join("; ");
    Some((element, check.verdict.word(), message, lab_render::details(check).join("\n")))
}

/// How the whole ended, unless all points were scored.
fn score(grade: &Grade) -> Option<End> {
    let why = || lab_render::line(grade.standing.why()).into_owned();
    match (grade.score, &grade.standing) {
        (Some(score), _) if score.0 >= u64::from(grade.points) * 100 => None,
        (Some(score), _) => {
            let message = lab_render::points(Some(score), grade.points);
            Some(("failure", "partial", message.clone(), message))
        }
        (None, Standing::Missing) => Some(("skipped", "missing", why(), why())),
        (None, standing) => Some(("error", standing.word(), why(), why())),
    }
}
