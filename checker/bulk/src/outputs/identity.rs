//! By which of a roster's columns a platform can know its students.

use std::collections::HashMap;

use super::safe;
use crate::roster::{Roster, Student};

/// A column of the roster that names students to a platform.
pub struct Identity {
    /// How the platform's file calls the column.
    pub header: &'static str,
    column: Option<&'static str>,
    /// How often each value stands there, in lower case.
    seen: HashMap<String, u32>,
}

impl Identity {
    /// The first of these columns that the roster has; `None` where it has
    /// none of them. The column `id` is always there.
    pub fn of(roster: &Roster, header: &'static str, columns: &[&'static str]) -> Option<Self> {
        let students = roster.students();
        let has = |column: &&&str| {
            **column == "id" || students.iter().any(|student| student.column(column).is_some())
        };
        let column = columns.iter().find(has).copied()?;
        let column = Some(column).filter(|column| *column != "id");
        let mut identity = Self { header, column, seen: HashMap::new() };
        for student in students {
            if let Some(value) = identity.raw(student) {
                *identity.seen.entry(value.to_lowercase()).or_default() += 1;
            }
        }
        Some(identity)
    }

    fn raw<'s>(&self, student: &'s Student) -> Option<&'s str> {
        let value = self.column.map_or(Some(student.id.as_str()), |column| student.column(column));
        value.map(str::trim).filter(|value| !value.is_empty())
    }

    /// The student's value.
    ///
    /// # Errors
    /// Why the platform would not know the student by it.
    pub fn value<'s>(&self, student: &'s Student) -> Result<&'s str, String> {
        let name = self.column.unwrap_or("id");
        let value = self.raw(student).ok_or_else(|| format!("no `{name}` in the roster"))?;
        if self.seen.get(&value.to_lowercase()).is_some_and(|count| *count > 1) {
            return Err(format!("another student has the same `{name}`"));
        }
        if !safe::is_plain(value) {
            return Err(format!("a spreadsheet would not keep its `{name}` as it is"));
        }
        Ok(value)
    }

    /// How many of these students can be known by it.
    pub fn known(&self, roster: &Roster) -> usize {
        roster.students().iter().filter(|student| self.value(student).is_ok()).count()
    }
}

/// Students who could not be put into a file, in few words.
#[derive(Debug, Default)]
pub struct LeftOut {
    first: Vec<String>,
    count: usize,
}

impl LeftOut {
    /// How many are named.
    const NAMED: usize = 10;

    /// Another one, and why.
    pub fn add(&mut self, student: &Student, why: &str) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.push(format!("`{}` ({why})", lab_render::line(&safe::short(&student.id, 60))));
        }
    }

    /// One sentence, if there are any.
    pub fn note(self, file: &str) -> Option<String> {
        let more = match self.count - self.first.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let who = if self.count == 1 { "student is" } else { "students are" };
        (self.count > 0)
            .then(|| format!("{} {who} not in `{file}`: {}{more}", self.count, self.first.join(", ")))
    }
}
