//! Quoting as a strict reader wants it: the `csv` crate reads what Canvas's
//! reader refuses.

/// How many cells a text has that is one row, by this delimiter.
///
/// # Errors
/// The line, counted from 0, on which quotes stand where none may.
pub fn cells(text: &str, delimiter: char) -> Result<usize, u64> {
    #[derive(Clone, Copy, PartialEq)]
    enum In {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let (mut at, mut line, mut cells) = (In::Start, 0, 1);
    for c in text.trim_end_matches(['\r', '\n']).chars() {
        at = match (at, c) {
            (In::Quoted, '"') => In::Closed,
            (In::Quoted, _) => In::Quoted,
            (In::Start, '"') => In::Quoted,
            // Two quotes are one quote.
            (In::Closed, '"') => In::Quoted,
            (_, c) if c == delimiter => {
                cells += 1;
                In::Start
            }
            (_, '\n') => In::Start,
            (In::Closed, '\r') => In::Closed,
            (In::Plain, '"') | (In::Closed, _) => return Err(line),
            (In::Start | In::Plain, _) => In::Plain,
        };
        line += u64::from(c == '\n');
    }
    if at == In::Quoted { Err(line) } else { Ok(cells) }
}

#[cfg(test)]
mod tests {
    use super::cells;

    #[test]
    fn quotes_stand_around_whole_cells() {
        for (row, found) in [
            ("a,b,c\n", Ok(3)),
            ("", Ok(1)),
            ("\"a,b\",c\r\n", Ok(2)),
            ("\"a \"\"b\"\" c\",d", Ok(2)),
            ("a\"b,c", Err(0)),
            ("\"a\"b,c", Err(0)),
            ("a,\"b\nc", Err(1)),
        ] {
            assert_eq!(cells(row, ','), found, "{row}");
        }
        assert_eq!(cells("\"a,b\",c", ';'), Err(0));
        assert_eq!(cells("a;b,c", ';'), Ok(2));
    }
}
