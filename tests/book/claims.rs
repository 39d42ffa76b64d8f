//! What is wrong in the two texts is shown as a claim check: what the text
//! says, what is true, and a command to see it with, which the tests run.

use std::{collections::BTreeSet, fs};

use mdbook_labcheck::Course;
use regex::Regex;

use crate::{built::pages, problems::Fixture, root};

/// Every item that is wrong in the text it comes from, or says too much.
const WRONG: [&str; 17] = [
    "C6", "C29", "C30", "C31", "C33", "C34", "C37", "C61", "C64", "C68", "C69", "C71", "C72", "C73", "C74",
    "C76", "C77",
];

/// Those of them that the written chapters teach.
fn taught() -> BTreeSet<String> {
    let course = Course::read(&root().join("book")).unwrap();
    let written = |number: &u32| {
        course.chapters.iter().any(|planned| planned.number == *number && planned.file.is_some())
    };
    let items = course.covers.iter().filter(|item| item.wrong && item.chapters.iter().any(written));
    items.map(|item| item.id.value.clone()).collect()
}

#[test]
fn no_wrong_item_loses_its_mark() {
    let course = Course::read(&root().join("book")).unwrap();
    let marked: Vec<&str> =
        course.covers.iter().filter(|item| item.wrong).map(|item| item.id.value.as_str()).collect();
    assert_eq!(marked, WRONG);
}

#[test]
fn every_row_of_the_comparison_table_is_put_right_in_chapter_2() {
    // In the course's data, so that the build holds it: who teaches a wrong row shows its claim check.
    let course = Course::read(&root().join("book")).unwrap();
    for number in 62..=72 {
        let id = format!("C{number}");
        let item = course.covers.iter().find(|item| item.id.value == id).unwrap();
        assert!(item.chapters.contains(&2), "{id}");
    }
    let page = &pages()["02-one-host.html"];
    let table = page.split("id=\"the-table-put-right\"").nth(1).unwrap().split("</table>").next().unwrap();
    assert_eq!(table.matches("<tr>").count(), 12, "eleven rows and a head");
}

#[test]
fn every_claim_check_shows_commands_that_the_tests_run() {
    let claim = Regex::new(r#"(?s)<section class="claim" id="claim-(C\d+)".*?</section>"#).unwrap();
    let section = Regex::new(r##"<a href="#([^"]+)""##).unwrap();
    let mut found = BTreeSet::new();
    for (name, page) in pages().iter().filter(|(name, _)| name.starts_with('0')) {
        for check in claim.captures_iter(page) {
            let see = check[0].split("<strong>See for yourself.</strong>").nth(1).unwrap();
            // Either here, or in a section of this page that it leads to.
            let shown = see.contains("class=\"console\"")
                || section.captures_iter(see).any(|link| {
                    let from = page.split(&format!("<h2 id=\"{}\"", &link[1])).nth(1).unwrap_or_default();
                    from.split("<h2 ").next().unwrap_or_default().contains("class=\"console\"")
                });
            assert!(shown, "{name}: claim check {} has no console", &check[1]);
            found.insert(check[1].to_owned());
        }
    }
    assert_eq!(found, taught());
}

#[test]
fn a_wrong_item_without_its_claim_check_fails_the_build() {
    let fixture = Fixture::new();
    let path = fixture.book().join("course.yaml");
    let course = fs::read_to_string(&path).unwrap();
    fs::write(&path, course.replacen("- {id: C1, ", "- {id: C1, wrong: true, ", 1)).unwrap();
    let said = fixture.build().unwrap_err();
    assert!(said.contains("`C1` is wrong in the seed and taught without a claim check"), "{said}");
    fixture.write(
        "src/one.md",
        "# One\n\n{{#quiz 00}}\n\n{{#claim C1}}\n\n**The text says.** a\n\n**What is true.** b\n\n**See for yourself.** c\n\n{{#endclaim}}\n",
    );
    fixture.build().unwrap();
}
