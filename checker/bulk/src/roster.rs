//! The roster: who is in the class, under which names.

use std::{collections::HashMap, mem, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap as _};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::table::{self, Table, TableError};

/// A student of the roster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Student {
    /// The id that is unique in the class.
    pub id: String,
    /// The name, as the roster has it; may be empty.
    pub name: String,
    /// Every other column, as in `email`, `canvas_id` or `section`.
    more: More,
}

/// Cells of the columns other than `id` and `name`. All students of a roster
/// share the columns' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    columns: Arc<[String]>,
    cells: Box<[Box<str>]>,
}

impl Serialize for More {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, cell) in self.columns.iter().zip(&self.cells) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for More {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = indexmap::IndexMap::<String, Option<Box<str>>>::deserialize(deserializer)?;
        let mut cells = Vec::with_capacity(map.len());
        for (column, cell) in &map {
            let none = || D::Error::custom(format!("column `{column}` has no text"));
            cells.push(cell.clone().ok_or_else(none)?);
        }
        Ok(Self { columns: map.into_keys().collect(), cells: cells.into() })
    }
}

impl Student {
    /// A column other than `id` and `name`, unless it is empty.
    pub fn column(&self, name: &str) -> Option<&str> {
        let at = self.more.columns.iter().position(|column| column == name)?;
        self.more.cells.get(at).map(|cell| &**cell).filter(|cell| !cell.is_empty())
    }
}

/// Columns whose values are another name of the student's, by which a
/// submission may be known.
const NAMES: [&str; 8] =
    ["email", "username", "login", "sis_id", "canvas_id", "moodle_id", "participant_id", "gradescope_id"];

/// Everyone in a class, in the roster's order.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    students: Vec<Student>,
    /// Names that only one student has, sorted, with the student's place: of
    /// 100,000 students they need half of what a table of hashes would.
    known: Vec<(Name, u32)>,
}

/// Digest of a column and a name in it: a class of 100,000 has a million names.
type Name = [u8; 16];

fn name(column: &str, value: &str) -> Name {
    let digest = Sha256::new().chain_update(column).chain_update([0]).chain_update(folded(value)).finalize();
    let mut name = Name::default();
    name.copy_from_slice(&digest[..16]);
    name
}

/// What is wrong with a roster, with its line.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// It is no table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No column has the students' ids.
    #[error("`{file}` has no column `id`; found {found}")]
    NoId {
        /// The file.
        file: String,
        /// The columns it has.
        found: String,
    },
    /// A student without an id.
    #[error("`{file}`, line {line}: the id is empty")]
    EmptyId {
        /// The file.
        file: String,
        /// The line.
        line: u64,
    },
    /// Two students with one id.
    #[error("`{file}`, line {line}: id `{id}` stands on line {first} already; ids must be unique")]
    Twice {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The line it stood on first.
        first: u64,
        /// The id.
        id: String,
    },
    /// Nobody in it.
    #[error("`{file}` has no students")]
    Empty {
        /// The file.
        file: String,
    },
}

impl Roster {
    /// Reads a roster. `file` is named in errors. The first line names the
    /// columns; `id` must be one of them (`student` and `student_id` are the
    /// same), all others are optional.
    ///
    /// # Errors
    /// No table, no column of ids, an empty id, or one that stands twice.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, RosterError> {
        let table = Table::parse(file, bytes)?;
        let id = table.column(&["id", "student", "student_id"]).ok_or_else(|| RosterError::NoId {
            file: file.to_owned(),
            found: table::listed(&table.columns),
        })?;
        let full = table.column(&["name", "student_name", "full_name"]);
        let others: Vec<_> = (0..table.columns.len()).filter(|at| *at != id && Some(*at) != full).collect();
        let columns: Arc<[String]> = others.iter().map(|at| table.columns[*at].clone()).collect();
        let mut students = Vec::new();
        let mut lines = HashMap::new();
        for row in table.rows() {
            let (line, mut row) = row?;
            let mut cell = |at: usize| mem::take(&mut row[at]);
            let student = Student {
                id: cell(id),
                name: full.map(&mut cell).unwrap_or_default(),
                more: More {
                    columns: Arc::clone(&columns),
                    cells: others.iter().map(|at| cell(*at).into_boxed_str()).collect(),
                },
            };
            if student.id.is_empty() {
                return Err(RosterError::EmptyId { file: file.to_owned(), line });
            }
            // Ids that look alike would be told apart by nobody.
            if let Some(first) = lines.insert(name("id", &student.id), line) {
                let (file, id) = (file.to_owned(), student.id);
                return Err(RosterError::Twice { file, line, first, id });
            }
            students.push(student);
        }
        if students.is_empty() {
            return Err(RosterError::Empty { file: file.to_owned() });
        }
        drop(lines);
        students.shrink_to_fit();
        Ok(Self::of(students))
    }

    /// The roster of these students, whose ids are known to differ.
    pub fn of(students: impl IntoIterator<Item = Student>) -> Self {
        let students: Vec<_> = students.into_iter().collect();
        let mut names = Vec::with_capacity(2 * students.len());
        // A roster has at most as many lines as its 64 MiB have bytes.
        for (student, place) in students.iter().zip(0_u32..) {
            let own = [("id", student.id.as_str()), ("name", student.name.as_str())].into_iter();
            let more = NAMES.iter().filter_map(|column| Some((*column, student.column(column)?)));
            let own = own.chain(more).filter(|(_, value)| !value.is_empty());
            names.extend(own.map(|(column, value)| (name(column, value), place)));
        }
        names.sort_unstable();
        names.dedup();
        let only = names.chunk_by(|(a, _), (b, _)| a == b).filter_map(|same| match same {
            [only] => Some(*only),
            _ => None,
        });
        let known = only.collect();
        Self { students, known }
    }

    /// Everyone, in the roster's order.
    pub fn students(&self) -> &[Student] {
        &self.students
    }

    /// The place in [`Roster::students`] of the student with this id.
    pub fn by_id(&self, id: &str) -> Option<usize> {
        self.by("id", id)
    }

    /// The place of the only student whose `column` has this value.
    pub fn by(&self, column: &str, value: &str) -> Option<usize> {
        let name = name(column, value);
        let at = self.known.binary_search_by_key(&name, |(known, _)| *known).ok()?;
        Some(self.known[at].1 as usize)
    }
}

/// Ids are compared without regard to case and to how accents are written.
fn folded(id: &str) -> String {
    id.trim().nfkc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Roster, RosterError> {
        Roster::parse("roster.csv", text.as_bytes())
    }

    #[test]
    fn students_are_known_by_their_names() {
        let roster =
            parse("Student ID;Name;E-mail;canvas_id\nada;Ada L;ada@x.org;17\nBOB;Bob;;18\n").unwrap();
        assert_eq!(roster.students().len(), 2);
        assert_eq!(roster.by_id("Ada "), Some(0));
        assert_eq!(roster.by("email", "ADA@x.org"), Some(0));
        assert_eq!(roster.by("canvas_id", "18"), Some(1));
        assert_eq!(roster.by("canvas_id", ""), None);
    }

    #[test]
    fn a_name_two_students_share_is_nobodys() {
        let roster = parse("id,name\n1,Kim\n2,Kim\n").unwrap();
        assert_eq!(roster.by("name", "Kim"), None);
    }

    #[test]
    fn broken_rosters_name_the_line() {
        for (text, says) in [
            ("name\nAda\n", "`roster.csv` has no column `id`; found `name`"),
            (
                "id\nada\n\nAda\n",
                "`roster.csv`, line 4: id `Ada` stands on line 2 already; ids must be unique",
            ),
            ("id,name\n,Ada\n", "`roster.csv`, line 2: the id is empty"),
            ("id\n", "`roster.csv` has no students"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), says);
        }
    }
}
