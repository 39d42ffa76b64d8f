//! Scores that teachers set, each with a reason and an author.

use std::collections::BTreeMap;

use lab_spec::report::Points;

use crate::{
    grade::Decision,
    roster::Roster,
    table::{self, Table},
};

/// The columns of a table of decisions.
pub const COLUMNS: [&str; 4] = ["student", "score", "reason", "author"];

/// A decision, from what a teacher wrote.
///
/// # Errors
/// A score that is none.
pub fn decision(score: &str, reason: &str, author: &str) -> Result<Decision, String> {
    let score = points(score)
        .ok_or_else(|| format!("`{score}` is no score; expected a number with at most two decimals"))?;
    Ok(Decision { score, reason: reason.to_owned(), author: author.to_owned() })
}

/// Reads decisions, by place in the roster: a table with the columns `student`,
/// `score`, `reason` and `author`; the last line on a student counts, so that a
/// decision is revised by adding a line. `file` is named in errors.
///
/// # Errors
/// No such table, an unknown student, a score that is no number, or a decision
/// without reason or author.
pub fn read(file: &str, bytes: &[u8], roster: &Roster) -> Result<BTreeMap<usize, Decision>, String> {
    let table = Table::parse(file, bytes)?;
    let column = |name: &str| {
        let found = table::listed(&table.columns);
        table.column(&[name]).ok_or_else(|| format!("`{file}` has no column `{name}`; found {found}"))
    };
    let [student, score, reason, author] =
        [column(COLUMNS[0])?, column(COLUMNS[1])?, column(COLUMNS[2])?, column(COLUMNS[3])?];
    let mut decisions = BTreeMap::new();
    for row in table.rows() {
        let (line, row) = row?;
        let place = |why: String| format!("`{file}`, line {line}: {why}");
        let at = roster
            .by_id(&row[student])
            .ok_or_else(|| place(format!("`{}` is not in the roster", row[student])))?;
        for (name, cell) in [("reason", &row[reason]), ("author", &row[author])] {
            if cell.is_empty() {
                return Err(place(format!("the {name} is empty; a decision has both")));
            }
        }
        let decision = decision(&row[score], &row[reason], &row[author]).map_err(place)?;
        decisions.insert(at, decision);
    }
    Ok(decisions)
}

/// Points as [`Points`] writes them.
fn points(text: &str) -> Option<Points> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let hundredths: u64 = format!("{part:0<2}").parse().ok()?;
    Some(Points(whole.parse::<u64>().ok()? * 100 + hundredths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_at_most_two_decimals() {
        for (text, expected) in
            [("7", Some(700)), ("7.5", Some(750)), ("0.05", Some(5)), ("12.34", Some(1234))]
        {
            assert_eq!(points(text).map(|points| points.0), expected, "{text}");
        }
        for text in ["", "-1", "1e3", "7.555", "NaN", ".", ".5", "99999999999", "7,5"] {
            assert_eq!(points(text), None, "{text}");
        }
    }

    #[test]
    fn decisions_have_reason_and_author_and_the_last_counts() {
        let roster = Roster::parse("r", b"id\nada\n").unwrap();
        let text = "student,score,reason,author\nada,7,first,kim\nada,8.5,\"cluster was down\",kim\n";
        let decisions = read("d.csv", text.as_bytes(), &roster).unwrap();
        assert_eq!(decisions[&0].score, Points(850));
        let error = read("d.csv", b"student,score,reason,author\nada,7,,kim\n", &roster).unwrap_err();
        assert_eq!(error, "`d.csv`, line 2: the reason is empty; a decision has both");
    }
}
