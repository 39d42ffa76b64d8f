//! Canvas's grade book importer.

use csv::StringRecord;

use super::{Checked, Seen, is_number, quotes, rows, shown, text};

/// Columns whose name holds one of these are dropped without a word.
const DROPPED: [&str; 9] = [
    "Current Score",
    "Current Points",
    "Current Grade",
    "Final Score",
    "Final Points",
    "Final Grade",
    "Override Score",
    "Override Grade",
    "Override Status",
];
/// A row whose first cell holds this is about the assignments.
const POINTS_ROW: &str = "Points Possible";
/// Lines from which the delimiter is guessed.
const GUESSED_FROM: usize = 3;

/// A cell as Canvas reads it: in what looks like a number, the last comma or
/// point is taken for the decimal one, and all others go.
pub fn normalised(cell: &str) -> String {
    let number = |line: &str| {
        let line = line.strip_prefix('-').unwrap_or(line);
        let line = line.strip_suffix('%').unwrap_or(line);
        !line.is_empty() && line.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
    };
    if !cell.lines().any(number) {
        return cell.to_owned();
    }
    let mut parts: Vec<&str> = cell.split([',', '.']).collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last.to_owned(),
        Some(last) => format!("{}.{last}", parts.concat()),
    }
}

/// What in a column's name makes Canvas drop the column.
pub fn is_dropped(header: &str) -> Option<&'static str> {
    DROPPED.into_iter().find(|dropped| header.contains(dropped))
}

/// Whether a row that begins with this cell is a student's.
pub fn is_of_a_student(cell: &str) -> bool {
    !cell.contains(POINTS_ROW)
}

/// Whether Canvas reads a value that names a student as it stands there.
///
/// # Errors
/// What it reads instead.
pub fn identity(header: &str, value: &str) -> Result<(), String> {
    let read = normalised(value);
    if read != value {
        return Err(format!("Canvas reads {} as {}", shown(value), shown(&read)));
    }
    if header == "ID" && !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "{} is no number, and Canvas takes the digits that it begins with",
            shown(value)
        ));
    }
    Ok(())
}

/// Simulates the import of a table.
pub fn check(bytes: &[u8]) -> Checked {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(line) => return Checked::only(line, "it is not UTF-8; Canvas gives up"),
    };
    let delimiter = match delimiter(text) {
        Ok(delimiter) => delimiter,
        Err(says) => return Checked::only(1, says),
    };
    if let Err(line) = quotes::cells(text, delimiter) {
        return Checked::only(line + 1, "a quote stands inside a cell or is never closed; Canvas gives up");
    }
    let mut rows = rows(text, u8::try_from(delimiter).unwrap_or(b',')).into_iter();
    let Some((line, header)) = rows.next() else { return Checked::only(1, "the table is empty") };
    let columns = match Columns::of(&header) {
        Ok(columns) => columns,
        Err(says) => return Checked::only(line, says),
    };
    let mut checked = Checked::default();
    columns.headers(line, &mut checked);
    let mut seen = Seen::default();
    for (line, row) in rows {
        columns.row(line, &row, &mut seen, &mut checked);
    }
    checked
}

/// The delimiter that Canvas guesses: the one by which the first lines, taken
/// line by line, all have the same number of cells, and most of them.
fn delimiter(text: &str) -> Result<char, String> {
    let lines: Vec<_> = text.split_inclusive('\n').take(GUESSED_FROM).collect();
    let of_line = |line: &&str, delimiter| match line.trim().is_empty() {
        true => Ok(0),
        false => quotes::cells(line, delimiter),
    };
    let cells = |delimiter| {
        let cells: Option<Vec<_>> = lines.iter().map(|line| of_line(line, delimiter).ok()).collect();
        let cells = cells.filter(|cells| cells.windows(2).all(|two| two[0] == two[1]));
        cells.and_then(|cells| cells.first().copied()).unwrap_or(0)
    };
    let first = lines.first().copied().unwrap_or_default();
    match cells(';') > cells(',') {
        false => Ok(','),
        true if first.matches(';').count() > first.matches(',').count() => Ok(';'),
        true => Err(
            "Canvas takes `;` for the delimiter: by `,` the first three lines do not have the same number of cells"
                .to_owned(),
        ),
    }
}

/// What Canvas takes the columns for.
struct Columns<'a> {
    header: &'a StringRecord,
    id: usize,
    sis: Option<usize>,
    login: Option<usize>,
    /// Where the assignments begin.
    assignments: usize,
}

impl<'a> Columns<'a> {
    fn of(header: &'a StringRecord) -> Result<Self, String> {
        let at = |at: usize| header.get(at).unwrap_or_default();
        let id = match (at(0).contains("Student"), at(0).contains("LastName")) {
            (true, _) if header.len() > 3 && at(1).contains("ID") => 1,
            (_, true) if header.len() > 4 && at(1).contains("FirstName") && at(2).contains("ID") => 2,
            _ => {
                let found = header.iter().take(3).map(shown).collect::<Vec<_>>().join(", ");
                return Err(format!("Canvas wants the columns `Student`, `ID` and more; found {found}"));
            }
        };
        let mut columns = Self { header, id, sis: None, login: None, assignments: id + 2 };
        let words = |at: usize, name: &str| spaced(header.get(at).unwrap_or_default()).contains(name);
        let next = id + 1;
        if words(next, "SIS Login ID") {
            columns.login = Some(next);
            columns.assignments += 1;
        } else if words(next, "SIS User ID") && words(next + 1, "SIS Login ID") {
            (columns.sis, columns.login) = (Some(next), Some(next + 1));
            columns.assignments += 2;
            for name in ["Integration ID", "Root Account"] {
                columns.assignments += usize::from(words(columns.assignments - 1, name));
            }
        }
        let last = header.get(columns.assignments - 1).unwrap_or_default();
        if !last.contains("Section") {
            return Err(format!(
                "Canvas wants the column `Section` after those that name the student; found {}",
                shown(last)
            ));
        }
        if header.len() == columns.assignments {
            return Err("there is no column of an assignment".to_owned());
        }
        Ok(columns)
    }

    fn headers(&self, line: u64, checked: &mut Checked) {
        let assignments = self.header.iter().enumerate().skip(self.assignments);
        for (at, header) in assignments {
            let first = self.header.iter().position(|other| other == header);
            if header.trim().is_empty() {
                checked.trouble(line, None, format!("column {} has no name", at + 1));
            } else if let Some(dropped) = is_dropped(header) {
                let says = format!("Canvas drops columns with `{dropped}` in their name");
                checked.trouble(line, Some(header), says);
            } else if first != Some(at) {
                let says = "another column has the same name; Canvas reads that one for both";
                checked.trouble(line, Some(header), says);
            } else if number_of(header).is_some()
                && self.header.iter().take(at).any(|other| number_of(other) == number_of(header))
            {
                checked.trouble(line, Some(header), "another column is of the same assignment");
            } else if normalised(header) != header {
                let says = format!("Canvas reads the name as {}", shown(&normalised(header)));
                checked.trouble(line, Some(header), says);
            }
        }
    }

    fn row(&self, line: u64, row: &StringRecord, seen: &mut Seen, checked: &mut Checked) {
        if row.iter().all(|cell| cell.trim().is_empty() || is_muted(cell)) {
            return;
        }
        let expected = self.header.len();
        if row.len() != expected {
            let says = format!("{} cells, expected {expected} as in the first line", row.len());
            checked.trouble(line, None, says);
            return;
        }
        if !is_of_a_student(&row[0]) {
            self.points(line, row, checked);
            return;
        }
        checked.students += 1;
        let mut known = false;
        for at in [Some(self.id), self.sis, self.login].into_iter().flatten() {
            let (header, value) = (&self.header[at], row[at].trim());
            if value.is_empty() {
                continue;
            }
            known = true;
            let name = if at == self.id { "ID" } else { header };
            if let Err(says) = identity(name, value) {
                checked.trouble(line, Some(header), says);
            }
            if let Some(first) = seen.twice(header, value, line) {
                let says =
                    format!("{} stands on line {first} already; Canvas keeps one of the two", shown(value));
                checked.trouble(line, Some(header), says);
            }
        }
        if !known {
            let says = format!(
                "nothing but the name {} says who it is, and Canvas takes anyone of that name",
                shown(&row[0])
            );
            checked.trouble(line, Some(&self.header[self.id]), says);
        }
        for at in self.assignments..expected {
            let (header, cell) = (&self.header[at], &row[at]);
            let value = cell.trim();
            let read = normalised(cell);
            if value.is_empty() || value == "-" || value.eq_ignore_ascii_case("EX") {
                continue;
            }
            if read != *cell {
                let says = format!("Canvas reads {} as {}", shown(cell), shown(&read));
                checked.trouble(line, Some(header), says);
            } else if !is_number(value.strip_suffix('%').unwrap_or(value)) {
                let says = format!("{} is no number; expected one, `EX` or nothing", shown(cell));
                checked.trouble(line, Some(header), says);
            } else {
                checked.scores += 1;
            }
        }
    }

    fn points(&self, line: u64, row: &StringRecord, checked: &mut Checked) {
        let named = (self.id..self.assignments - 1).any(|at| !row[at].trim().is_empty());
        if named {
            let says = format!("with `{POINTS_ROW}` in the first cell Canvas does not take it for a student");
            checked.trouble(line, Some(&self.header[0]), says);
        }
        for at in self.assignments..self.header.len() {
            let cell = &row[at];
            if spaced(cell).contains("read only") {
                checked.trouble(line, Some(&self.header[at]), "the column is read only; Canvas ignores it");
            } else if !cell.trim().is_empty() && (normalised(cell) != *cell || !is_number(cell.trim())) {
                let says = format!("Canvas reads the points {} as {}", shown(cell), shown(&normalised(cell)));
                checked.trouble(line, Some(&self.header[at]), says);
            }
        }
    }
}

/// The number of the assignment that a header ends with.
fn number_of(header: &str) -> Option<&str> {
    let (_, number) = header.strip_suffix(')')?.rsplit_once(" (")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// Blanks of any kind and number as one.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Rows of nothing but these are passed over.
fn is_muted(cell: &str) -> bool {
    let cell = cell.trim().to_lowercase();
    cell == "muted" || cell.starts_with("manual posting")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_canvas_reads_them() {
        for (cell, read) in [
            ("85.5", "85.5"),
            ("1,234", "1.234"),
            ("1.234,5", "1234.5"),
            ("12.345.678", "12345.678"),
            ("-0,5%", "-0.5%"),
            ("5.", "5"),
            ("007", "007"),
            ("a,b", "a,b"),
            ("-", "-"),
            ("", ""),
        ] {
            assert_eq!(normalised(cell), read, "{cell}");
        }
    }

    #[test]
    fn the_delimiter_is_guessed_from_three_lines() {
        assert_eq!(delimiter("a,b,c\n1,2,3\n"), Ok(','));
        assert_eq!(delimiter("a;b;c\n1;2;3\n"), Ok(';'));
        // One comma too many: by semicolons there is one cell in every line.
        assert!(delimiter("a,b,c\n1,2,3,4\n").is_err());
        assert_eq!(delimiter("a,b,c\n1,2,3\n\"x\ny\",2,3\n"), Ok(','));
        // An empty line has no cells by either.
        assert_eq!(delimiter("a,b,c\n\n1,2,3\n"), Ok(','));
        assert_eq!(delimiter("a,b;c\n1,2\n1,2;3;4\n"), Ok(','));
    }
}
