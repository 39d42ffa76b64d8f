//! `labcheck progress` with answers from a browser's quizzes.

use crate::place::Place;

const NEXT: &str = "\nnext: save it again on the course's page “Your progress”\n";
const NOTHING: &str = "nothing graded yet; begin with `labcheck start lab01`\n";

fn answers(entries: &[(&str, bool, &str)]) -> String {
    let entries: serde_json::Map<_, _> = entries
        .iter()
        .map(|(id, right, at)| {
            let answer = serde_json::json!({"answer": "host", "right": right, "at": at, "tries": 2});
            ((*id).to_owned(), answer)
        })
        .collect();
    serde_json::json!({"format": 1, "answers": entries}).to_string()
}

#[test]
fn answers_are_taken_in_and_the_later_one_counts() {
    let place = Place::new();
    let first = place.write(
        "first.json",
        answers(&[
            ("q00-reads", true, "2026-11-20T10:00:00.123Z"),
            ("q01-ro", false, "2026-11-20T10:00:00Z"),
            ("q01-rw", true, "2026-11-20T10:00:00Z"),
        ]),
    );
    let quizzes = "quiz of chapter 0: 1 answered, 1 right\nquiz of chapter 1: 2 answered, 1 right\n";
    place.run(&["progress", "--import", first.to_str().unwrap()]).is(
        0,
        &format!("{NOTHING}{quizzes}"),
        "3 answers in `HOME/first.json`, 3 of them new here\n",
    );
    place.run(&["progress"]).is(0, &format!("{NOTHING}{quizzes}"), "");
    let later = place.write(
        "later.json",
        answers(&[("q01-ro", true, "2026-11-20T11:00:00Z"), ("q01-rw", false, "2026-11-19T10:00:00Z")]),
    );
    place.run(&["progress", "--import", later.to_str().unwrap()]).is(
        0,
        &format!("{NOTHING}{}", quizzes.replace("2 answered, 1", "2 answered, 2")),
        "2 answers in `HOME/later.json`, 1 of them new here\n",
    );
    // The same file once more changes nothing.
    let again = place.run(&["progress", "--import", later.to_str().unwrap()]);
    assert_eq!(again.err, "2 answers in `HOME/later.json`, 0 of them new here\n");
}

#[test]
fn a_file_that_is_none_is_refused_with_the_reason_and_changes_nothing() {
    let place = Place::new();
    let good = answers(&[("q01-ro", true, "2026-11-20T10:00:00Z")]);
    let cut = &good[..good.len() - 5];
    let cases: &[(&str, &str)] = &[
        (cut, "is cut off at line 1"),
        ("", "is cut off at line 1"),
        ("not json", "is not a progress file: expected ident at line 1 column 2"),
        ("[]", "is not a progress file: it has no `answers`"),
        (r#"{"format": 1}"#, "is not a progress file: it has no `answers`"),
        (
            r#"{"format": 2, "answers": {}}"#,
            "has format 2, written by a newer book than this labcheck, which reads 1",
        ),
        (r#"{"format": "1", "answers": {}}"#, "has format \"1\", expected 1"),
        (r#"{"answers": {}}"#, "has format null, expected 1"),
        (
            &answers(&[("../etc", true, "2026-11-20T10:00:00Z")]),
            "has an answer to `../etc`, expected ids as `q03-who`",
        ),
        (
            &answers(&[("q01-ro", true, "2999-01-01T00:00:00Z")]),
            "has an answer to `q01-ro` from 2999-01-01T00:00:00Z, which is still to come: the clock it was written by \
             is wrong",
        ),
    ];
    for (text, why) in cases {
        let path = place.write("export.json", text);
        let said = place.run(&["progress", "--import", path.to_str().unwrap()]);
        said.is_usage(&format!("error: `HOME/export.json` {why}{NEXT}"));
    }
    let torn = place.write("export.json", answers(&[("q01-ro", true, "yesterday")]));
    let said = place.run(&["progress", "--import", torn.to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(
        said.err.starts_with("error: `HOME/export.json` is not a progress file of a book: "),
        "{}",
        said.err
    );
    let large = place.write("export.json", vec![b' '; (4 << 20) + 1]);
    place.run(&["progress", "--import", large.to_str().unwrap()]).is_usage(&format!(
        "error: `HOME/export.json` is larger than 4194304 bytes: it is no progress file{NEXT}"
    ));
    let latin = place.write("export.json", b"\xff\xfe{}");
    place
        .run(&["progress", "--import", latin.to_str().unwrap()])
        .is_usage(&format!("error: `HOME/export.json` is not UTF-8: it is no progress file{NEXT}"));
    let missing = place.path("none.json");
    place
        .run(&["progress", "--import", missing.to_str().unwrap()])
        .is_usage("error: `HOME/none.json` cannot be read: No such file or directory (os error 2)\n");
    place.run(&["progress"]).is(0, NOTHING, "");
}
