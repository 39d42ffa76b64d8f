//! Students who ask to be graded again, and what they are answered.

use std::{collections::BTreeMap, fs};

use crate::{
    desk::Desk,
    grading::{grade, place, submission},
    place::{Place, Said},
};

const ASK: [&str; 4] = ["--requests", "requests.csv", "--write", "csv,json,feedback"];

/// Ada asks about a check, with markup; bob about all of it; and somebody else.
fn class() -> Place {
    let place = place(&[
        ("a.tar.zst", submission("starter", "ada", |_| {})),
        ("b.tar.zst", submission("solution", "bob", |_| {})),
    ]);
    place.write("roster.csv", "id,name\nada,Ada\nbob,Bob\n");
    place.write(
        "requests.csv",
        "student,check,reason,received\n\
         ada,image-name,\"=1+1 <script>alert(1)</script>\u{202e}\",2026-12-02T10:00:00+01:00\n\
         bob,,I was ill,\n\
         bob,,I was ill,\n\
         e\u{1b}ve,x,y,\n",
    );
    place
}

fn asked(place: &Place) -> Said {
    grade(place, &ASK)
}

/// The listing, by student.
fn listed(place: &Place) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = fs::read_to_string(place.path("out/requests.csv")).unwrap();
    let rows = csv::Reader::from_reader(text.as_bytes());
    let rows = rows.into_deserialize::<BTreeMap<String, String>>().map(|row| row.unwrap());
    rows.map(|row| (row["student"].clone(), row)).collect()
}

/// The text that a student is given, by id.
fn feedback(place: &Place, student: &str) -> String {
    let names = fs::read_dir(place.path("out/feedback")).unwrap().map(|entry| entry.unwrap().path());
    let file = names.into_iter().find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(&format!("{student}-")) && name.ends_with(".html")
    });
    fs::read_to_string(file.unwrap()).unwrap()
}

#[test]
fn requests_are_listed_until_they_are_answered() {
    let place = class();
    let said = asked(&place);
    let out = |open: usize, flagged: usize| {
        let mut text = "2 graded, 0 unknown, 0 ungradable, 0 missing, 0 files of nobody\n".to_owned();
        if flagged > 0 {
            text.push_str(&format!("{flagged} with something you should look at\n"));
        }
        if open > 0 {
            text.push_str(&format!("{open} open requests for a regrade\n"));
        }
        text + "grades are in `out`\n"
    };
    assert_eq!((said.code, said.out), (0, out(2, 2)));
    let note =
        "note: `requests.csv`, line 5: `e\\u{1b}ve` is not in the roster; the request is passed over\n";
    assert!(said.err.ends_with(note), "{}", said.err);
    let requests = listed(&place);
    let shown =
        |student: &str| ["check", "reason", "received", "answer"].map(|name| requests[student][name].clone());
    assert_eq!(
        shown("ada"),
        ["image-name", "'=1+1 <script>alert(1)</script>\\u{202e}", "2026-12-02T09:00:00Z", "open"]
    );
    assert_eq!(shown("bob"), ["", "I was ill", "", "open"]);
    let grades = fs::read_to_string(place.path("out/grades.csv")).unwrap();
    assert!(grades.contains("regrade-asked: asks for a regrade of the grade: I was ill"), "{grades}");
    let page = feedback(&place, "ada");
    assert!(page.contains("<code>image-name</code>, not answered yet"), "{page}");
    assert!(!page.contains("<script>alert"));

    // A teacher answers in the table; who asked is told, and the score stays.
    let before = grades.lines().nth(2).unwrap().split(',').nth(3).unwrap().to_owned();
    let id = &requests["bob"]["request"];
    let table = format!("request,answer,reason,author\n{id},declined,<b>no</b> ground,kim\n");
    place.write("out/answers.csv", table);
    let said = asked(&place);
    assert_eq!((said.code, said.out), (0, out(1, 1)));
    assert_eq!(listed(&place)["bob"]["answer"], "declined");
    let page = feedback(&place, "bob");
    assert!(page.contains("the grade, declined: &#60;b&#62;no&#60;/b&#62; ground, by kim"), "{page}");
    let grades = fs::read_to_string(place.path("out/grades.csv")).unwrap();
    assert_eq!(grades.lines().nth(2).unwrap().split(',').nth(3).unwrap(), before);
}

#[test]
fn the_desk_shows_open_requests_and_takes_answers() {
    let place = class();
    asked(&place);
    let ids = listed(&place);
    let (ada, bob) = (ids["ada"]["request"].clone(), ids["bob"]["request"].clone());
    let desk = Desk::of(place);
    let open = desk.get("/?show=asked");
    assert!(open.contains("/students/0") && open.contains("/students/1"), "{open}");
    let page = desk.get("/students/0");
    assert!(page.contains("`image-name`: =1+1 &#60;script&#62;alert(1)&#60;/script&#62;\\u{202e}"), "{page}");
    for (path, body, why) in [
        (
            "/students/0/requests/nothing",
            r#"{"score":"","reason":"r","author":"kim"}"#,
            "the student has made no such request",
        ),
        (
            &*format!("/students/1/requests/{ada}"),
            r#"{"score":"","reason":"r","author":"kim"}"#,
            "the student has made no such request",
        ),
        (
            &format!("/students/0/requests/{ada}"),
            r#"{"score":"","reason":" ","author":"kim"}"#,
            "a decision has a reason and an author",
        ),
        (
            &format!("/students/0/requests/{ada}"),
            r#"{"score":"all","reason":"r","author":"kim"}"#,
            "`all` is no score",
        ),
    ] {
        let answer = desk.post(path, body);
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains(why), "{answer}");
    }
    assert!(!desk.place.path("out/answers.csv").exists() && !desk.place.path("out/decisions.csv").exists());
    let answer = desk.post(
        &format!("/students/0/requests/{ada}"),
        r#"{"score":"55.5","reason":"you were right","author":"kim"}"#,
    );
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = desk
        .post(&format!("/students/1/requests/{bob}"), r#"{"score":"","reason":"no ground","author":"kim"}"#);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(desk.get("/?show=asked").contains("Nobody."));
    let page = desk.get("/students/0");
    assert!(page.contains("score 55.5 of 100") && page.contains("granted by kim: you were right"), "{page}");
    assert!(desk.get("/students/1").contains("declined by kim: no ground"));
    let exported = desk.post("/export", "");
    assert!(exported.contains("csv, json, feedback, requests"), "{exported}");
    let files = ["grades.csv", "grades.json", "requests.csv"];
    let written = files.map(|file| fs::read(desk.place.path(format!("out/{file}"))).unwrap());
    // Graded again it is the same, and the student is told.
    let said = asked(&desk.place);
    assert!(!said.out.contains("open requests"), "{said:?}");
    assert_eq!(files.map(|file| fs::read(desk.place.path(format!("out/{file}"))).unwrap()), written);
    let page = feedback(&desk.place, "ada");
    assert!(page.contains("<code>image-name</code>, granted: you were right, by kim"), "{page}");
}

#[test]
fn tables_that_are_none_are_named() {
    let place = class();
    for (table, says) in [
        (
            "student,reason,received\n",
            "`requests.csv` has no column `check`; found `student`, `reason`, `received`",
        ),
        (
            "id,check,reason,received\nada,x,,\n",
            "`requests.csv`, line 2: the reason is empty; a request has one",
        ),
        (
            "id,check,reason,received\nada,x,y,now\n",
            "`requests.csv`, line 2: `now` is no time with a zone, as in `2026-12-01T23:59:00+01:00` or `2026-12-01T22:59:00Z`",
        ),
    ] {
        place.write("requests.csv", table);
        let said = asked(&place);
        assert_eq!(
            (said.code, said.out.as_str(), said.err.as_str()),
            (2, "", format!("error: {says}\n").as_str())
        );
    }
    place.write("requests.csv", "id,check,reason,received\nada,x,y,\n");
    place.write("out/answers.csv", "request,answer,reason,author\n0,maybe,r,kim\n");
    let said = asked(&place);
    said.is_usage(
        "error: `out/answers.csv`, line 2: `maybe` is no answer; expected `granted` or `declined`\n",
    );
}
