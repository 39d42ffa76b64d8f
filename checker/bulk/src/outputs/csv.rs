//! `grades.csv`: a line per student.

use std::{io, path::Path};

use super::{Output, Whole, safe::cell};
use crate::grade::{Grade, Unmatched};

const COLUMNS: [&str; 13] = [
    "id",
    "name",
    "standing",
    "score",
    "points",
    "earned",
    "late",
    "attempts",
    "received",
    "decided by",
    "flags",
    "why",
    "sha256",
];

/// The table.
pub struct Csv {
    writer: csv::Writer<Whole>,
}

impl Csv {
    /// Begins the table in `dir`.
    pub fn begin(dir: &Path) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(Whole::begin(dir.join("grades.csv"))?);
        writer.write_record(COLUMNS)?;
        Ok(Self { writer })
    }
}

impl Output for Csv {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let number = |points: Option<lab_spec::report::Points>| {
            points.map(|points| points.to_string()).unwrap_or_default()
        };
        let counted = grade.counts.map(|counts| &grade.attempts[counts]);
        let received = counted.and_then(|counted| counted.received);
        let late = grade.late.as_ref();
        let flags: Vec<_> = grade.flags.iter().map(|flag| format!("{}: {}", flag.code, flag.says)).collect();
        let decided =
            grade.decision.as_ref().map(|decision| format!("{}: {}", decision.author, decision.reason));
        self.writer.write_record([
            &*cell(&grade.student.id),
            &*cell(&grade.student.name),
            grade.standing.word(),
            &number(grade.score),
            &grade.points.to_string(),
            &number(grade.earned),
            &*cell(late.map(|late| late.why.as_str()).unwrap_or_default()),
            &grade.attempts.len().to_string(),
            &received.map(|received| received.to_string()).unwrap_or_default(),
            &*cell(&decided.unwrap_or_default()),
            &*cell(&flags.join("; ")),
            &*cell(grade.standing.why()),
            counted.map(|counted| counted.sha256.as_str()).unwrap_or_default(),
        ])?;
        Ok(())
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.finish()?;
        Ok(Vec::new())
    }
}
