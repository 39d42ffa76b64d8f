//! `grades.json`: everything that is known of every student, and what belongs
//! to nobody.

use std::{io, io::Write as _, path::Path};

use lab_spec::FORMAT;

use super::{Output, Whole};
use crate::grade::{Course, Grade, Unmatched};

/// One JSON document: `format`, `course`, `grades`, `unmatched`.
pub struct Json {
    file: Whole,
    first: bool,
}

impl Json {
    /// Begins the document in `dir`.
    pub fn begin(dir: &Path, course: &Course) -> io::Result<Self> {
        let mut file = Whole::begin(dir.join("grades.json"))?;
        write!(file, "{{\"format\":{FORMAT},\"course\":{},\n\"grades\":[", serde_json::to_string(course)?)?;
        Ok(Self { file, first: true })
    }
}

impl Output for Json {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        // A line each, so that ordinary tools can look at one.
        self.file.write_all(if std::mem::take(&mut self.first) { b"\n" } else { b",\n" })?;
        self.file.write_all(lab_render::inert_json(&serde_json::to_string(grade)?).as_bytes())
    }

    fn finish(mut self: Box<Self>, unmatched: &[Unmatched]) -> io::Result<Vec<String>> {
        writeln!(
            self.file,
            "\n],\n\"unmatched\":{}}}",
            lab_render::inert_json(&serde_json::to_string(unmatched)?)
        )?;
        self.file.finish()?;
        Ok(Vec::new())
    }
}
