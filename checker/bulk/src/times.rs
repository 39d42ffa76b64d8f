//! Times as teachers and platforms write them.

use std::collections::BTreeMap;

use jiff::{Timestamp, Zoned};

use crate::table::{self, Table};

/// Reads a time with its zone, as in `2026-12-01T23:59:00+01:00`,
/// `2026-12-01T22:59:00Z` or `2026-12-01T23:59[Europe/Berlin]`. One without a
/// zone is refused: whose midnight it means would be a guess.
///
/// # Errors
/// Text that is no time, or has no zone.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let zoned = || text.parse::<Zoned>().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>().or_else(|_| zoned()).map_err(|_| {
        format!(
            "`{text}` is no time with a zone, as in `2026-12-01T23:59:00+01:00` or `2026-12-01T22:59:00Z`"
        )
    })
}

/// Reads when what was received: a table with a column `received` and one of
/// `sha256`, `file` or `student`.
///
/// # Errors
/// No such table, or a time that is none.
pub fn received(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, Timestamp>, String> {
    let table = Table::parse(file, bytes)?;
    let key = table.column(&["sha256", "file", "student", "id"]);
    let (Some(key), Some(time)) = (key, table.column(&["received"])) else {
        let found = table::listed(&table.columns);
        return Err(format!(
            "`{file}` needs a column `received`, and one of `sha256`, `file` and `student`; found {found}"
        ));
    };
    let mut received = BTreeMap::new();
    for row in table.rows() {
        let (line, row) = row?;
        let at = parse(&row[time]).map_err(|why| format!("`{file}`, line {line}: {why}"))?;
        if received.insert(row[key].clone(), at).is_some() {
            return Err(format!("`{file}`, line {line}: `{}` stands there already", row[key]));
        }
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_zone() {
        let expected: Timestamp = "2026-12-01T22:59:00Z".parse().unwrap();
        for text in
            ["2026-12-01T22:59:00Z", "2026-12-01T23:59:00+01:00", "2026-12-01T23:59:00[Europe/Berlin]"]
        {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for text in ["2026-12-01T23:59:00", "2026-12-01", "tomorrow", ""] {
            assert!(parse(text).unwrap_err().starts_with(&format!("`{text}` is no time with a zone")));
        }
    }

    #[test]
    fn a_table_of_receipts_names_its_lines() {
        let read = received("r.csv", b"file;received\na.zst;2026-12-01T22:59:00Z\n").unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["a.zst"]);
        let error = received("r.csv", b"file,received\na,now\n").unwrap_err();
        assert!(error.starts_with("`r.csv`, line 2: `now` is no time"), "{error}");
        let error = received("r.csv", b"file,when\na,now\n").unwrap_err();
        assert!(error.contains("found `file`, `when`"), "{error}");
    }
}
