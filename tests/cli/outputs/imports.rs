//! `labcheck check-import`: our own tables pass, and for every rule of an
//! importer there is a table that is refused.

use super::Class;
use crate::place::Place;

#[test]
fn our_own_tables_pass() {
    let students = [
        ("ada", "Points Possible; a"),
        ("bob", "1,234"),
        ("0", "=1"),
        ("eve,\"x\"", "Final Score"),
        ("missing", "a;b;c;d;e;f;g;h"),
    ];
    let class = Class::of(&students, "app");
    for platform in ["canvas", "moodle"] {
        let file = format!("out/{platform}.csv");
        let said = class.place.run(&["check-import", platform, &file]);
        said.is(0, &format!("`{file}`: 5 students, 4 scores, nothing is mangled\n"), "");
    }
    let canvas = class.table("canvas.csv");
    assert_eq!(canvas[1]["Student"], "ada", "a name that makes another row of it gives way");
    assert_eq!(canvas[2]["Student"], "'1,234");
    assert!(!class.read("moodle.csv").contains("idnumber"), "`0` is blank to Moodle");
    let numbered = class.place.run(&[
        "grade",
        "in",
        "--lab",
        "lab06",
        "--roster",
        "roster.csv",
        "--out",
        "out",
        "--write",
        "canvas",
        "--canvas-assignment",
        "4711",
    ]);
    assert_eq!(numbered.code, 0, "{numbered:?}");
    assert!(
        class
            .read("canvas.csv")
            .starts_with("Student,ID,SIS Login ID,Section,lab06: Nobody answers (4711)\n")
    );
    assert_eq!(class.place.run(&["check-import", "canvas", "out/canvas.csv"]).code, 0);
}

/// Every table is refused with what would happen, at this place.
#[track_caller]
fn refused(platform: &str, tables: &[(&[u8], &str)]) {
    let place = Place::new();
    for (table, says) in tables {
        place.write("t.csv", table);
        let said = place.run(&["check-import", platform, "t.csv"]);
        let expected = format!("`t.csv`, {says}\nnext: mend these before you import the file\n");
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (1, expected.as_str(), ""));
    }
}

#[test]
fn what_canvas_would_mangle_is_refused() {
    refused(
        "canvas",
        &[
            (b"", "line 1: the table is empty"),
            (b"Student,ID,Section,L\nGr\xfcn,1,A,5\n", "line 2: it is not UTF-8; Canvas gives up"),
            (
                b"Student,ID,Section,L\nA,1,A,5,6\n",
                "line 1: Canvas takes `;` for the delimiter: by `,` the first three lines do not have the same number of cells",
            ),
            (
                b"Student,ID,Section,L\nA,1,A,5\nB,2,A,5\nC,3,\"A\"b,5\n",
                "line 4: a quote stands inside a cell or is never closed; Canvas gives up",
            ),
            (
                b"Name\tID\tL\nA\t1\t5\n",
                "line 1: Canvas wants the columns `Student`, `ID` and more; found `Name\\tID\\tL`",
            ),
            (
                b"Name,ID,Section,L\nA,1,A,5\n",
                "line 1: Canvas wants the columns `Student`, `ID` and more; found `Name`, `ID`, `Section`",
            ),
            (
                b"Student,ID,SIS User ID,Section,L\nA,1,x,A,5\n",
                "line 1: Canvas wants the column `Section` after those that name the student; found `SIS User ID`",
            ),
            (b"Student,ID,SIS Login ID,Section\nA,1,x,A\n", "line 1: there is no column of an assignment"),
            (
                b"Student,ID,Section,The Final Score (7)\nA,1,A,5\n",
                "line 1, column `The Final Score (7)`: Canvas drops columns with `Final Score` in their name",
            ),
            (
                b"Student,ID,Section,L,L\nA,1,A,5,6\n",
                "line 1, column `L`: another column has the same name; Canvas reads that one for both",
            ),
            (
                b"Student,ID,Section,L (7),M (7)\nA,1,A,5,6\n",
                "line 1, column `M (7)`: another column is of the same assignment",
            ),
            (b"Student,ID,Section,L,\nA,1,A,5,\n", "line 1: column 5 has no name"),
            (
                b"Student,ID,Section,\"1,5\"\nA,1,A,5\n",
                "line 1, column `1,5`: Canvas reads the name as `1.5`",
            ),
            (
                b"Student,ID,Section,L\nA,1,A,5\nB,2,A,5\nC,3,A\n",
                "line 4: 3 cells, expected 4 as in the first line",
            ),
            (
                b"Student,ID,Section,L\nA,1,A,\"1,234\"\n",
                "line 2, column `L`: Canvas reads `1,234` as `1.234`",
            ),
            (b"Student,ID,Section,L\nA,1,A,5.\n", "line 2, column `L`: Canvas reads `5.` as `5`"),
            (
                b"Student,ID,Section,L\nA,1,A,good\n",
                "line 2, column `L`: `good` is no number; expected one, `EX` or nothing",
            ),
            (
                b"Student,ID,Section,L\nA,12ab,A,5\n",
                "line 2, column `ID`: `12ab` is no number, and Canvas takes the digits that it begins with",
            ),
            (
                b"Student,ID,SIS User ID,SIS Login ID,Section,L\nA,1,12.345.678,a,A,5\n",
                "line 2, column `SIS User ID`: Canvas reads `12.345.678` as `12345.678`",
            ),
            (
                b"Student,ID,Section,L\nAda,,A,5\n",
                "line 2, column `ID`: nothing but the name `Ada` says who it is, and Canvas takes anyone of that name",
            ),
            (
                b"Student,ID,Section,L\nA,1,A,5\n\nB,1,A,6\n",
                "line 4, column `ID`: `1` stands on line 2 already; Canvas keeps one of the two",
            ),
            (
                b"Student,ID,SIS Login ID,Section,L\nA,,x,A,5\nB,,X,A,6\n",
                "line 3, column `SIS Login ID`: `X` stands on line 2 already; Canvas keeps one of the two",
            ),
            (
                b"Student,ID,Section,L\nPoints Possible Jr,1,A,5\n",
                "line 2, column `Student`: with `Points Possible` in the first cell Canvas does not take it for a student",
            ),
            (
                b"Student,ID,Section,L\n  Points Possible,,,(read only)\nA,1,A,5\n",
                "line 2, column `L`: the column is read only; Canvas ignores it",
            ),
            (
                b"Student,ID,Section,L\n  Points Possible,,,\"1,000\"\nA,1,A,5\n",
                "line 2, column `L`: Canvas reads the points `1,000` as `1.000`",
            ),
        ],
    );
}

#[test]
fn what_moodle_would_mangle_is_refused() {
    refused(
        "moodle",
        &[
            (b"", "line 1: the table is empty"),
            (
                b"idnumber,L\nGr\xfcn,5\n",
                "line 2: it is not UTF-8, in which Moodle reads unless told otherwise",
            ),
            (
                b"idnumber;L\na;5\n",
                "line 1: it has 2 columns by `;`, expected `,`, which Moodle takes unless told otherwise",
            ),
            (
                b"idnumber\tL\na\t5\n",
                "line 1: it has 2 columns by tab, expected `,`, which Moodle takes unless told otherwise",
            ),
            (
                b"Name,L\na,5\n",
                "line 1: no column says who it is; expected `idnumber`, `email` or `username`",
            ),
            (b"idnumber,Name\na,Ada\n", "line 1: no column has grades"),
            (b"idnumber,L,l\na,5,6\n", "line 1, column `l`: another column has the same name"),
            (b"idnumber,,L\na,-,5\n", "line 1: column 2 has no name"),
            (
                b"idnumber,L,M (Feedback)\na,5,good\n",
                "line 1, column `M (Feedback)`: feedback without the column of its grade takes the grade away",
            ),
            (b"idnumber,L\na,5\nb\n", "line 3: 1 cells, expected 2 as in the first line; Moodle gives up"),
            (
                b"idnumber,L\na,5\n,6\n",
                "line 3, column `idnumber`: the `idnumber` `` is blank to Moodle, which takes the row for the student before",
            ),
            (
                b"username,L\na,5\n0,6\n",
                "line 3, column `username`: the `username` `0` is blank to Moodle, which takes the row for the student before",
            ),
            (
                b"Email address,L\na@x,5\n\"b\nc\",5\nA@x,6\n",
                "line 5, column `Email address`: `A@x` stands on line 2 already; Moodle keeps one of the two",
            ),
            (
                b"idnumber,L\na,\n",
                "line 2, column `L`: an empty cell is a grade to a new column; `-` is none",
            ),
            (
                b"idnumber,L\na,\"85,5\"\n",
                "line 2, column `L`: what `85,5` means depends on Moodle's language; write a point",
            ),
            (
                b"idnumber,L\na,1e1\n",
                "line 2, column `L`: `1e1` is no number; Moodle gives up the whole import",
            ),
            (
                b"idnumber,L\na,100.5\n",
                "line 2, column `L`: `100.5` is above 100; Moodle gives up the whole import",
            ),
        ],
    );
}

#[test]
fn a_moodle_that_allows_more_is_told_so() {
    let place = Place::new();
    place.write("t.csv", "idnumber,L\na,120\nb,-\n");
    assert_eq!(place.run(&["check-import", "moodle", "t.csv"]).code, 1);
    place.run(&["check-import", "moodle", "t.csv", "--most", "150"]).is(
        0,
        "`t.csv`: 2 students, 1 scores, nothing is mangled\n",
        "",
    );
    place
        .run(&["check-import", "moodle", "gone.csv"])
        .is_usage("error: cannot read `gone.csv`: No such file or directory (os error 2)\n");
    let said = place.run(&["check-import", "blackboard", "t.csv"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("[possible values: canvas, moodle]"), "{}", said.err);
}
