//! `requests.csv`: who asks to be graded again, and what was answered.

use std::{io, path::Path};

use super::{Output, Whole, safe::cell};
use crate::{
    grade::{Grade, Unmatched},
    requests,
};

const COLUMNS: [&str; 8] =
    ["request", "student", "check", "reason", "received", "answer", "answer reason", "author"];

/// The table.
pub struct Requests {
    writer: csv::Writer<Whole>,
}

impl Requests {
    /// Begins the table in `dir`.
    pub fn begin(dir: &Path) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(Whole::begin(dir.join("requests.csv"))?);
        writer.write_record(COLUMNS)?;
        Ok(Self { writer })
    }
}

impl Output for Requests {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        for request in &grade.requests {
            let cells = requests::line(&grade.student.id, request);
            self.writer.write_record(cells.iter().map(|text| cell(text).into_owned()))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.finish()?;
        Ok(Vec::new())
    }
}
