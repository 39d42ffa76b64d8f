//! Tables as teachers have them: CSV of any delimiter and the encodings that
//! spreadsheets write.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The largest table that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// A table with a line of column names. Its rows are read one at a time: a class
/// of 100,000 would need more memory for all of them than for what is made of them.
#[derive(Debug)]
pub struct Table<'t> {
    /// Column names: lower case, with `_` for blanks and hyphens.
    pub columns: Vec<String>,
    file: &'t str,
    text: Cow<'t, str>,
    delimiter: u8,
}

/// A row, with the line it stands on; as many cells as there are columns.
pub type Row = (u64, Vec<String>);

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Too large to be one.
    #[error("`{0}` has more than {mib} MiB", mib = MAX_BYTES >> 20)]
    TooLarge(String),
    /// No line of column names.
    #[error("`{0}` is empty; its first line must name the columns")]
    Empty(String),
    /// Two columns of one name.
    #[error("`{file}`, line 1: column `{column}` stands there twice")]
    Column {
        /// The file.
        file: String,
        /// The name.
        column: String,
    },
    /// A row that is none.
    #[error("`{file}`, line {line}: {fault}")]
    Row {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong with it.
        fault: String,
    },
}

impl From<TableError> for String {
    fn from(error: TableError) -> Self {
        error.to_string()
    }
}

impl<'t> Table<'t> {
    /// Begins a table; `file` is named in errors. The delimiter is the one of
    /// `,`, `;` and tab that the first line has most of.
    ///
    /// # Errors
    /// A table that is too large, or without column names.
    pub fn parse(file: &'t str, bytes: &'t [u8]) -> Result<Self, TableError> {
        if bytes.len() > MAX_BYTES {
            return Err(TableError::TooLarge(file.to_owned()));
        }
        let text = decoded(bytes);
        let empty = || TableError::Empty(file.to_owned());
        let first = text.lines().find(|line| !line.trim().is_empty()).ok_or_else(empty)?;
        let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',');
        let mut table = Self { columns: Vec::new(), file, text, delimiter };
        let first = table.records().next().ok_or_else(empty)?;
        table.columns = columns(file, &first?.1)?;
        Ok(table)
    }

    /// The rows, in their order.
    ///
    /// # Errors
    /// A row that is none, or of another length.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, TableError>> {
        self.records().skip(1).map(|record| {
            let (line, cells) = record?;
            let (found, expected) = (cells.len(), self.columns.len());
            if found != expected {
                let fault = format!("{found} cells, expected {expected} as in the first line");
                return Err(TableError::Row { file: self.file.to_owned(), line, fault });
            }
            Ok((line, cells))
        })
    }

    /// Every line that is not blank, the one with the columns too.
    fn records(&self) -> impl Iterator<Item = Result<Row, TableError>> {
        let reader = csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(self.text.as_bytes());
        let mut lines = Lines::of_text(&self.text);
        let rows = reader.into_records().map(move |record| match record {
            Ok(record) => {
                Ok((lines.of(record.position()), record.iter().map(str::to_owned).collect::<Vec<_>>()))
            }
            Err(error) => Err(TableError::Row {
                file: self.file.to_owned(),
                line: lines.of(error.position()),
                fault: error.to_string(),
            }),
        });
        rows.filter(|row| !matches!(row, Ok((_, cells)) if cells.iter().all(String::is_empty)))
    }

    /// Where the first of these columns stands.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.columns.iter().position(|column| column == name))
    }
}

/// Counts lines. The reader's own count stops before line breaks that it passes
/// over later.
pub(crate) struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    /// Of a table with this text.
    pub(crate) fn of_text(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0, line: 1 }
    }

    /// The line on which the row at this position begins; positions only grow.
    pub(crate) fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let from = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.at);
        while let Some(byte) = self.text.get(self.at)
            && (self.at < from || matches!(byte, b'\n' | b'\r'))
        {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// Names in backticks, with commas between them.
pub fn listed<T: std::fmt::Display>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn columns(file: &str, cells: &[String]) -> Result<Vec<String>, TableError> {
    let mut columns: Vec<String> = Vec::new();
    for cell in cells {
        let name = cell.to_lowercase().replace("e-mail", "email").replace([' ', '-'], "_");
        if columns.contains(&name) {
            return Err(TableError::Column { file: file.to_owned(), column: name });
        }
        columns.push(name);
    }
    Ok(columns)
}

/// UTF-8, UTF-16 with its mark, or else what Windows spreadsheets write.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let encoding = match bytes {
        [0xff, 0xfe, ..] => UTF_16LE,
        [0xfe, 0xff, ..] => UTF_16BE,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => return Cow::Borrowed(text.trim_start_matches('\u{feff}')),
            Err(_) => WINDOWS_1252,
        },
    };
    encoding.decode(bytes).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_and_delimiters_of_spreadsheets_are_read() {
        for bytes in [
            "id,name\n1,Grün\n".as_bytes().to_vec(),
            "\u{feff}id;name\r\n1;Grün\r\n".as_bytes().to_vec(),
            b"id\tname\n1\tGr\xfcn\n".to_vec(),
            [
                &[0xff, 0xfe][..],
                &"ID,Name\n1,Grün".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
            ]
            .concat(),
        ] {
            let table = Table::parse("t", &bytes).unwrap();
            assert_eq!(table.columns, ["id", "name"]);
            let rows: Vec<_> = table.rows().map(Result::unwrap).collect();
            assert_eq!(rows, [(2, vec!["1".to_owned(), "Grün".to_owned()])]);
        }
    }

    #[test]
    fn quotes_and_lines_are_kept_apart() {
        let table = Table::parse("t", b"id,name\n1,\"a, \"\"b\"\"\nc\"\n\n2,d\n").unwrap();
        let rows: Vec<_> = table.rows().map(Result::unwrap).collect();
        assert_eq!(rows[0].1[1], "a, \"b\"\nc");
        assert_eq!(rows[1].0, 5);
        let table = Table::parse("t.csv", b"id,name\n1\n").unwrap();
        let error = table.rows().find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), "`t.csv`, line 2: 1 cells, expected 2 as in the first line");
        let error = Table::parse("t.csv", b"id,ID\n").unwrap_err();
        assert_eq!(error.to_string(), "`t.csv`, line 1: column `id` stands there twice");
    }
}
