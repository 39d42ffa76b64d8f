//! `canvas.csv`: grades as Canvas imports them.
//!
//! What Canvas's importer does with a cell is simulated in
//! [`crate::imports`]; what it would mangle is not written.

use std::{io, path::Path};

use super::{
    Output, Setting, Whole,
    identity::{Identity, LeftOut},
    safe,
};
use crate::{
    grade::{Course, Grade, Unmatched},
    imports::canvas,
    roster::Student,
};

/// The table.
pub struct Canvas {
    writer: csv::Writer<Whole>,
    id: Option<Identity>,
    /// `SIS User ID` and `SIS Login ID`; Canvas takes the login alone, and the
    /// SIS id only beside it.
    sis: Option<Identity>,
    login: Option<Identity>,
    left_out: LeftOut,
}

impl Canvas {
    /// Begins the table in `dir`.
    pub fn begin(dir: &Path, setting: &Setting<'_>) -> io::Result<Self> {
        let Setting { course, roster } = *setting;
        let mut canvas = Self {
            writer: csv::Writer::from_writer(Whole::begin(dir.join("canvas.csv"))?),
            id: Identity::of(roster, "ID", &["canvas_id"], canvas::identity),
            sis: Identity::of(roster, "SIS User ID", &["sis_id"], canvas::identity),
            login: Identity::of(roster, "SIS Login ID", &["login"], canvas::identity),
            left_out: LeftOut::default(),
        };
        let title = title(course);
        let points = course.points.to_string();
        let sis = canvas.sis_headers();
        let header = ["Student", "ID"].into_iter().chain(sis.iter().copied()).chain(["Section", &title]);
        canvas.writer.write_record(header)?;
        let possible = ["    Points Possible", ""].into_iter().chain(sis.iter().map(|_| ""));
        canvas.writer.write_record(possible.chain(["", &points]))?;
        Ok(canvas)
    }

    fn sis_headers(&self) -> Vec<&'static str> {
        match (&self.sis, &self.login) {
            (Some(_), _) => vec!["SIS User ID", "SIS Login ID"],
            (None, Some(_)) => vec!["SIS Login ID"],
            (None, None) => vec![],
        }
    }

    /// The cells that tell Canvas who it is.
    fn who<'s>(&self, student: &'s Student) -> Result<Vec<&'s str>, String> {
        let value = |identity: &Option<Identity>| -> Result<&'s str, String> {
            let identity =
                identity.as_ref().ok_or("the roster has none of `canvas_id`, `sis_id`, `login`")?;
            identity.value(student)
        };
        let (id, sis, login) = (value(&self.id), value(&self.sis), value(&self.login));
        let known = id.is_ok() || sis.is_ok() || login.is_ok();
        let mut cells = vec![id.clone().unwrap_or_default()];
        for header in self.sis_headers() {
            let cell = if header == "SIS User ID" { &sis } else { &login };
            cells.push(cell.clone().unwrap_or_default());
        }
        let why = || [id, sis, login].into_iter().find_map(Result::err).unwrap_or_default();
        // By the name alone Canvas would take anyone of that name.
        if known { Ok(cells) } else { Err(why()) }
    }
}

impl Output for Canvas {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let who = match self.who(&grade.student) {
            Ok(who) => who,
            Err(why) => {
                self.left_out.add(&grade.student, &why);
                return Ok(());
            }
        };
        let name = name(&grade.student);
        let section = grade.student.column("section").map(tame).unwrap_or_default();
        // An empty cell changes nothing there.
        let score = grade.score.map(|score| score.to_string()).unwrap_or_default();
        let cells = [name.as_str()].into_iter().chain(who).chain([section.as_str(), &score]);
        Ok(self.writer.write_record(cells)?)
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.finish()?;
        Ok(self.left_out.note("canvas.csv").into_iter().collect())
    }
}

/// The student's name, for the eye: Canvas goes by the ids. A name that would
/// make the row another kind of row gives way to the id.
fn name(student: &Student) -> String {
    let names = [&student.name, &student.id].into_iter().map(|name| tame(name));
    let mut names = names.filter(|name| !name.is_empty() && canvas::is_of_a_student(name));
    names.next().unwrap_or_else(|| "Student".to_owned())
}

/// Text in a cell that Canvas neither guesses delimiters from nor takes for a
/// number.
fn tame(text: &str) -> String {
    let text = safe::cell(text).replace(';', ",");
    match canvas::normalised(&text) == text {
        true => text,
        false => format!("'{text}"),
    }
}

/// The assignment's header.
fn title(course: &Course) -> String {
    // Canvas would read a number in parentheses at the end as an assignment's.
    let title = tame(&lab_render::named(&course.lab, &course.title)).replace('(', "[").replace(')', "]");
    let title = match canvas::is_dropped(&title) {
        None => title,
        Some(_) => tame(&course.lab),
    };
    match course.canvas_assignment {
        Some(id) => format!("{title} ({id})"),
        None => title,
    }
}
