//! Moodle's CSV grade import, with any mapping of its columns that its names
//! suggest.

use super::{Checked, Seen, is_number, rows, shown, text};

/// The highest grade that Moodle takes unless its administrator allowed more.
pub const MOST: u64 = 100;

/// Columns that name students, in lower case without blanks.
const NAMES: [&str; 7] = ["userid", "id", "idnumber", "useridnumber", "email", "emailaddress", "username"];
/// Columns that an import leaves aside.
const ASIDE: [&str; 12] = [
    "name",
    "fullname",
    "firstname",
    "lastname",
    "surname",
    "institution",
    "department",
    "group",
    "groups",
    "section",
    "status",
    "lastdownloadedfromthiscourse",
];

/// What a column is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Name,
    Feedback,
    Grade,
    Aside,
}

/// Whether Moodle takes a value for a student's.
///
/// # Errors
/// What it takes it for.
pub fn identity(header: &str, value: &str) -> Result<(), String> {
    match value.trim() {
        // PHP calls both empty.
        "" | "0" => Err(format!(
            "the `{header}` {} is blank to Moodle, which takes the row for the student before",
            shown(value)
        )),
        _ => Ok(()),
    }
}

/// Simulates the import of a table; `most` is the highest grade allowed.
pub fn check(bytes: &[u8], most: u64) -> Checked {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(line) => {
            return Checked::only(line, "it is not UTF-8, in which Moodle reads unless told otherwise");
        }
    };
    let mut rows = rows(text, b',').into_iter();
    let Some((line, header)) = rows.next() else { return Checked::only(1, "the table is empty") };
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if let Some((delimiter, name)) = [(';', "`;`"), ('\t', "tab")]
        .into_iter()
        .find(|(other, _)| header.len() <= first.matches(*other).count())
    {
        let found = first.matches(delimiter).count() + 1;
        let says = format!(
            "it has {found} columns by {name}, expected `,`, which Moodle takes unless told otherwise"
        );
        return Checked::only(line, says);
    }
    let mut checked = Checked::default();
    let roles: Vec<_> = header.iter().map(role).collect();
    for (at, name) in header.iter().enumerate() {
        if name.trim().is_empty() {
            checked.trouble(line, None, format!("column {} has no name", at + 1));
        } else if header.iter().take(at).any(|other| other.trim().eq_ignore_ascii_case(name.trim())) {
            checked.trouble(line, Some(name), "another column has the same name");
        }
        if roles[at] == Role::Feedback && !has_grade(&header, &roles, name) {
            let says = "feedback without the column of its grade takes the grade away";
            checked.trouble(line, Some(name), says);
        }
    }
    if !roles.contains(&Role::Name) {
        checked.trouble(line, None, "no column says who it is; expected `idnumber`, `email` or `username`");
    }
    if !roles.contains(&Role::Grade) {
        checked.trouble(line, None, "no column has grades");
    }
    let mut seen = Seen::default();
    for (line, row) in rows {
        if row.len() != header.len() {
            let says = format!(
                "{} cells, expected {} as in the first line; Moodle gives up",
                row.len(),
                header.len()
            );
            checked.trouble(line, None, says);
            continue;
        }
        checked.students += 1;
        for ((name, cell), role) in header.iter().zip(&row).zip(&roles) {
            let value = cell.trim();
            match role {
                Role::Name => {
                    if let Err(says) = identity(name, value) {
                        checked.trouble(line, Some(name), says);
                    } else if let Some(first) = seen.twice(name, value, line) {
                        let says = format!(
                            "{} stands on line {first} already; Moodle keeps one of the two",
                            shown(value)
                        );
                        checked.trouble(line, Some(name), says);
                    }
                }
                Role::Grade => match wrong(value, most) {
                    Some(says) => checked.trouble(line, Some(name), says),
                    None => checked.scores += usize::from(value != "-"),
                },
                Role::Feedback | Role::Aside => {}
            }
        }
    }
    checked
}

/// What is wrong with a grade.
fn wrong(value: &str, most: u64) -> Option<String> {
    if value == "-" {
        return None;
    }
    if value.is_empty() {
        return Some("an empty cell is a grade to a new column; `-` is none".to_owned());
    }
    if value.contains(',') {
        return Some(format!("what {} means depends on Moodle's language; write a point", shown(value)));
    }
    if !is_number(value) {
        return Some(format!("{} is no number; Moodle gives up the whole import", shown(value)));
    }
    let number: f64 = value.parse().unwrap_or(f64::INFINITY);
    #[expect(clippy::cast_precision_loss, reason = "a highest grade is far below 2^52")]
    let above = number > most as f64;
    above.then(|| format!("{} is above {most}; Moodle gives up the whole import", shown(value)))
}

fn role(header: &str) -> Role {
    let name: String = header.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    match name.as_str() {
        name if NAMES.contains(&name) => Role::Name,
        name if ASIDE.contains(&name) => Role::Aside,
        name if name.contains("feedback") => Role::Feedback,
        _ => Role::Grade,
    }
}

/// Whether feedback has the column of its grade beside it.
fn has_grade(header: &csv::StringRecord, roles: &[Role], feedback: &str) -> bool {
    let title = feedback.trim().strip_suffix("(Feedback)").map(str::trim).unwrap_or_default();
    let mut grades = header.iter().zip(roles).filter(|(_, role)| **role == Role::Grade);
    grades.any(|(name, _)| name.trim().starts_with(title))
}
