//! By which of a roster's columns a platform can know its students.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::safe;
use crate::roster::{Roster, Student};

/// What a platform makes of a value under a header, if it is not what stands
/// there.
pub type Rule = fn(&str, &str) -> Result<(), String>;

/// A column of the roster that names students to a platform.
pub struct Identity {
    /// How the platform's file calls the column.
    pub header: &'static str,
    column: Option<&'static str>,
    rule: Rule,
    /// Hashes of the values that stand there more than once, so that memory
    /// does not grow with the class.
    shared: BTreeSet<u64>,
}

impl Identity {
    /// The first of these columns that the roster has; `None` where it has
    /// none of them. The column `id` is always there.
    pub fn of(roster: &Roster, header: &'static str, columns: &[&'static str], rule: Rule) -> Option<Self> {
        let students = roster.students();
        let has = |column: &&&str| {
            **column == "id" || students.iter().any(|student| student.column(column).is_some())
        };
        let column = columns.iter().find(has).copied()?;
        let column = Some(column).filter(|column| *column != "id");
        let mut identity = Self { header, column, rule, shared: BTreeSet::new() };
        let mut hashes: Vec<_> =
            students.iter().filter_map(|student| identity.raw(student)).map(hashed).collect();
        hashes.sort_unstable();
        identity.shared = hashes.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
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
        if self.shared.contains(&hashed(value)) {
            return Err(format!("another student has the same `{name}`"));
        }
        if !safe::is_plain(value) {
            return Err(format!("a spreadsheet would not keep its `{name}` as it is"));
        }
        (self.rule)(self.header, value).map(|()| value)
    }

    /// How many of these students can be known by it.
    pub fn known(&self, roster: &Roster) -> usize {
        roster.students().iter().filter(|student| self.value(student).is_ok()).count()
    }
}

/// A value without regard to case.
fn hashed(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_lowercase().hash(&mut hasher);
    hasher.finish()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_of_ones_own_names_a_student() {
        let text = "id,login,email\n1,ada,\n2,ADA,bob@x.org\n3,eve,=1+1\n";
        let roster = Roster::parse("roster.csv", text.as_bytes()).unwrap();
        let identity = |columns| Identity::of(&roster, "header", columns, |_, _| Ok(())).unwrap();
        let values = |identity: &Identity| -> Vec<_> {
            roster.students().iter().map(|student| identity.value(student).ok().map(str::to_owned)).collect()
        };
        assert_eq!(values(&identity(&["login"])), [None, None, Some("eve".to_owned())]);
        assert_eq!(values(&identity(&["email"])), [None, Some("bob@x.org".to_owned()), None]);
        // Without the column the id stands in.
        assert_eq!(identity(&["idnumber", "id"]).known(&roster), 3);
        assert!(Identity::of(&roster, "header", &["sis_id"], |_, _| Ok(())).is_none());
    }
}
