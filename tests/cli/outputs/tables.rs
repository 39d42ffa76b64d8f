//! Hostile inputs 43 and 44: formulas, and what breaks rows apart.

use super::Class;

const FORMULAS: [&str; 6] =
    ["=HYPERLINK(\"http://x.org\",\"y\")", "+1", "-1", "@SUM(A1)", "\u{a0}\t=1", "x\r=1"];

#[test]
fn formulas_stay_text_and_numbers_stay_numbers() {
    let mut students: Vec<_> =
        FORMULAS.iter().enumerate().map(|(at, name)| (format!("s{at}"), *name)).collect();
    students.extend(FORMULAS[..4].iter().map(|id| ((*id).to_owned(), "Ada")));
    let students: Vec<_> = students.iter().map(|(id, name)| (id.as_str(), *name)).collect();
    let class = Class::of(&students, "=cmd()");
    let mut cells = 0;
    for (file, text) in class.files().iter().filter(|(file, _)| file.ends_with(".csv")) {
        let mut table = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        for (at, row) in table.records().enumerate() {
            for cell in &row.unwrap() {
                cells += 1;
                let active =
                    cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || cell.contains(['\t', '\r', '\n']);
                assert!(!active, "{file}, row {at}: {cell:?}");
            }
        }
    }
    assert!(cells > 200);
    let names: Vec<_> = class.table("grades.csv").into_iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names[..2], ["'=HYPERLINK(\"http://x.org\",\"y\")", "'+1"]);
    for (file, column) in [
        ("grades.csv", "score"),
        ("canvas.csv", "lab06: Nobody answers"),
        ("moodle.csv", "lab06: Nobody answers"),
    ] {
        for row in class.table(file) {
            assert!(row[column].parse::<f64>().is_ok(), "{file}: {row:?}");
        }
    }
    // An id that would have to be changed would be nobody's.
    assert_eq!(class.table("moodle.csv").len(), 10, "`email` names all");
    assert!(!class.read("moodle.csv").starts_with("idnumber"));
}

#[test]
fn an_id_that_a_table_cannot_hold_is_left_out_and_named() {
    let place = crate::place::Place::new();
    place.write("roster.csv", "id,name,canvas_id\nada,Ada,7\n=1+1,Bob,8a\n");
    let class = Class::graded(place, "moodle,canvas");
    assert_eq!(class.table("moodle.csv").len(), 1);
    assert_eq!(class.table("canvas.csv").len(), 2, "the points, and Ada");
    let said = &class.said.err;
    for note in [
        "note: 1 student is not in `moodle.csv`: `=1+1` (a spreadsheet would not keep its `id` as it is)\n",
        "note: 1 student is not in `canvas.csv`: `=1+1` (`8a` is no number, and Canvas takes the digits that it begins with)\n",
    ] {
        assert!(said.contains(note), "{said}");
    }
}

#[test]
fn commas_quotes_and_lines_stay_in_their_cells() {
    let name = "Love, \"Ada\"\nLace; x";
    let class = Class::of(&[("ada", name), ("bob,1", "Bob")], "a,\"b\"\nc");
    let grades = class.table("grades.csv");
    assert_eq!(grades.len(), 2);
    assert_eq!((grades[0]["name"].as_str(), grades[1]["id"].as_str()), ("Love, \"Ada\"\\nLace; x", "bob,1"));
    assert!(class.read("grades.csv").contains("\"Love, \"\"Ada\"\"\\nLace; x\""));
    let canvas = class.table("canvas.csv");
    assert_eq!((canvas.len(), canvas[1]["Student"].as_str()), (3, "Love, \"Ada\"\\nLace, x"));
    assert_eq!(class.table("moodle.csv")[1]["idnumber"], "bob,1");
    for file in ["grades.csv", "canvas.csv", "moodle.csv", "feedback/index.csv", "gradescope/index.csv"] {
        let rows = class.table(file).len() + 1;
        assert_eq!(class.read(file).lines().count(), rows, "{file}: a row is a line");
    }
}
