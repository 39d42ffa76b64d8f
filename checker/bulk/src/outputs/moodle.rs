//! `moodle.csv`: grades as Moodle imports them.
//!
//! Moodle takes a row whose id is blank for the student before, and gives up
//! the whole import at a student it does not know. So every id column is whole,
//! and a student without any id is left out. `-` is no grade, in new and in old
//! columns.

use std::{io, path::Path};

use super::{
    Output, Setting, Whole,
    identity::{Identity, LeftOut},
    safe,
    told::Told,
};
use crate::{
    grade::{Course, Grade, Unmatched},
    imports::moodle,
};

/// Characters of a comment; more is in the student's own feedback.
const COMMENT: usize = 1_000;

/// The table.
pub struct Moodle {
    writer: csv::Writer<Whole>,
    ids: Vec<Identity>,
    course: Course,
    left_out: LeftOut,
    /// Scores that Moodle takes only where it was set up for them.
    above: usize,
}

impl Moodle {
    /// Begins the table in `dir`.
    pub fn begin(dir: &Path, setting: &Setting<'_>) -> io::Result<Self> {
        let Setting { course, roster, .. } = *setting;
        let mut writer = csv::Writer::from_writer(Whole::begin(dir.join("moodle.csv"))?);
        let columns =
            [("idnumber", ["idnumber", "id"].as_slice()), ("email", &["email"]), ("username", &["username"])];
        let mut ids: Vec<_> = columns
            .iter()
            .filter_map(|(header, columns)| Identity::of(roster, header, columns, moodle::identity))
            .collect();
        let most = ids.iter().map(|id| id.known(roster)).max().unwrap_or_default();
        // Only columns that name everyone whom the best of them names.
        let everyone = roster.students().len();
        match most == everyone {
            true => ids.retain(|id| id.known(roster) == everyone),
            false => {
                let best = ids.iter().position(|id| id.known(roster) == most).unwrap_or_default();
                ids = ids.into_iter().skip(best).take(1).collect();
            }
        }
        let title = safe::cell(&lab_render::named(&course.lab, &course.title)).into_owned();
        let headers = ids.iter().map(|id| id.header);
        writer.write_record(headers.chain([title.as_str(), &format!("{title} (Feedback)")]))?;
        Ok(Self { writer, ids, course: course.clone(), left_out: LeftOut::default(), above: 0 })
    }
}

impl Output for Moodle {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let ids: Vec<_> = match self.ids.iter().map(|id| id.value(&grade.student)).collect::<Result<_, _>>() {
            Ok(ids) => ids,
            Err(why) => {
                self.left_out.add(&grade.student, &why);
                return Ok(());
            }
        };
        self.above += usize::from(grade.score.is_some_and(|score| score.0 > moodle::MOST * 100));
        let score = grade.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let comment = Told::of(grade, &self.course).comment();
        let comment = safe::short(&comment, COMMENT);
        let comment = safe::cell(&comment);
        let cells = ids.into_iter().chain([score.as_str(), &comment]);
        Ok(self.writer.write_record(cells)?)
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.finish()?;
        let mut notes: Vec<_> = self.left_out.note("moodle.csv").into_iter().collect();
        if self.above > 0 {
            notes.push(format!(
                "`moodle.csv` has {} scores above {}, at which Moodle gives up the import unless its administrator allowed more (`unlimitedgrades`)",
                self.above,
                moodle::MOST
            ));
        }
        Ok(notes)
    }
}
