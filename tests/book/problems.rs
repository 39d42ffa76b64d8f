//! A broken book: everything that is wrong with it is said at once, each with
//! its place and the next step.

use std::{fs, path::PathBuf};

use crate::{build, copy, root};

/// A small book with a lab beside it, in a folder of its own.
pub struct Fixture(tempfile::TempDir);

impl Fixture {
    /// One that is right.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Self(dir);
        copy(&root().join("tests/book/fixture"), fixture.0.path());
        let lab = fixture.0.path().join("labs/01-environment");
        fs::create_dir_all(&lab).unwrap();
        fs::copy(root().join("labs/01-environment/lab.yaml"), lab.join("lab.yaml")).unwrap();
        // The items are the course's own; the fixture teaches none but C1.
        let course = fs::read_to_string(root().join("book/course.yaml")).unwrap();
        let (head, covers) = course.split_once("covers:\n").unwrap();
        let one = covers.lines().filter(|line| line.starts_with("- {id: ")).map(|line| {
            let plain = line.replace(", wrong: true", "");
            let end = plain.find(", chapters:").unwrap();
            let chapter = if plain.starts_with("- {id: C1,") { 0 } else { 17 };
            let labs = if plain.contains("lab01") { ", labs: [lab01]" } else { "" };
            format!("{}, chapters: [{chapter}]{labs}}}\n", &plain[..end])
        });
        let items: String = one.collect();
        let head = head.replace("file: 00-setup.md", "file: one.md");
        let written = regex::Regex::new(r", file: 0[1-9][^}]*").unwrap();
        let head = written.replace_all(&head, "");
        fixture.write("course.yaml", &format!("{head}covers:\n{items}"));
        fixture
    }

    /// The book's folder.
    pub fn book(&self) -> PathBuf {
        self.0.path().join("book")
    }

    /// Writes a file of the book.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.book().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Builds it; the error if it fails.
    pub fn build(&self) -> Result<PathBuf, String> {
        let to = self.0.path().join("built");
        build(&self.book(), &to).map(|()| to)
    }

    fn fails_with(&self, expected: &str) {
        let said = self.build().expect_err("it was built");
        assert_eq!(said.trim_end(), expected.trim_end());
    }
}

#[test]
fn the_fixture_is_right() {
    let page = fs::read_to_string(Fixture::new().build().unwrap().join("one.html")).unwrap();
    assert!(page.contains(r#"<span class="covers" id="C1"></span>"#), "{page}");
}

#[test]
fn every_wrong_directive_of_a_chapter_is_named_with_its_place() {
    let fixture = Fixture::new();
    fixture.write(
        "src/one.md",
        "# One\n\n{{#covers C1}}{{#covers C1 C99}}\n\n{{#lab 77}}\n\n{{#lab 02 tasks}}\n\n{{#hints 01 imge}}\n\n\
         {{#quizz 00}}\n\n{{#quiz 09}}\n\n{{#widget rollout surge=-1}}\n\n{{#widget rolout}}\n\n\
         {{#widget probes lod=1}}\n\ntext {{#lab 01}}\n\n{{#console ../labs/01-environment/solution/solo}}\n\n\
         {{#console systems/none}}\n\n{{#claim C2}}\n\n**What is true.**\n\n{{#endclaim}}\n\n{{#lab}}\n",
    );
    fixture.fails_with(
        "15 problems in the book
quizzes/00.yaml: is shown by no chapter
src/one.md:3:15: `C1` is marked twice in this chapter
src/one.md:5:1: there is no lab `77`
src/one.md:7:1: lab `02` is not built yet, so it has no tasks and no hints
  next: announce it with `{{#lab 02}}`
src/one.md:9:1: `lab01` has no task `imge`
  next: did you mean `image`?
src/one.md:11:1: there is no directive `quizz`
  next: did you mean `quiz`?
src/one.md:13:1: there is no quiz `09`
src/one.md:15:1: `surge` of widget `rollout` is `-1`, expected a number or a percentage, as in `25%`
src/one.md:17:1: there is no widget `rolout`
  next: use one of `selector`, `rollout`, `probes`, `breakeven`, `watch`
src/one.md:19:1: widget `probes` has no setting `lod`
  next: use one of `load`, `startup_period`, `startup_threshold`, `liveness_period`, `liveness_threshold`
src/one.md:21:6: `lab` does not stand on a line of its own
src/one.md:23:1: `../labs/01-environment/solution/solo` leads out of the book
src/one.md:25:1: systems/none.console: cannot be read: No such file or directory (os error 2)
  next: tests/book/consoles new NAME
src/one.md:27:1: claim check `C2` lacks `**The text says.**`, or has it out of order
src/one.md:33:1: `lab` does not take ``
  next: src/reference/book.md shows every directive",
    );
}

#[test]
fn every_fault_of_a_quiz_is_named() {
    let fixture = Fixture::new();
    fixture.write(
        "quizzes/00.yaml",
        "format: 1
id: \"00\"
questions:
- id: q00-none
  ask: Which?
  choose:
  - {id: a, text: A, why: a}
  - {id: b, text: B, why: \"\"}
- id: q01-two
  ask: Which?
  choose:
  - {id: a, text: A, why: a, right: true}
  - {id: a, text: B, why: b, right: true}
  - {id: c, text: C, why: c}
- id: q00-number
  ask: How many?
  number: {is: 5, within: 1, unit: pods, slips: [{is: 6, why: x}]}
- id: q00-nothing
  ask: What?
spaced: [q00-none]
",
    );
    fixture.fails_with(
        "12 problems in the book
quizzes/00.yaml:2:5: asks 1 questions of earlier chapters again, expected 0
quizzes/00.yaml:4:7: question `q00-none` has 0 right answers, expected 1
quizzes/00.yaml:4:7: question `q00-none` has 2 answers, expected 3 or more
quizzes/00.yaml:4:7: question `q00-none` gives no reason for `b`
quizzes/00.yaml:9:7: question `q01-two` does not start with `q00-`
quizzes/00.yaml:9:7: question `q01-two` has 2 right answers, expected 1
quizzes/00.yaml:9:7: question `q01-two` has the answer `a` twice
quizzes/00.yaml:15:7: question `q00-number` does not say why (`why`)
quizzes/00.yaml:15:7: question `q00-number` calls 6 a slip, which it accepts as right
quizzes/00.yaml:18:7: question `q00-nothing` is not exactly one of `choose`, `order`, `number` and `predict`
quizzes/00.yaml:18:7: question `q00-nothing` does not say why (`why`)
quizzes/00.yaml:20:10: `q00-none` is of chapter 0, expected an earlier one than 0",
    );
}

#[test]
fn a_prediction_must_agree_with_what_was_recorded() {
    let fixture = Fixture::new();
    fixture.write("systems/two.console", "on: shell\nrecorded: today\n---\n% true\n$ echo 2\n2\n");
    fixture.write(
        "quizzes/00.yaml",
        "format: 1
id: \"00\"
questions:
- id: q00-two
  ask: What does it print?
  predict:
    console: systems/two
    step: 1
    choose:
    - {id: one, text: one, shows: \"1\", right: true, why: a}
    - {id: two, text: two, shows: \"2\", why: b}
    - {id: three, text: three, why: c}
",
    );
    fixture.write("src/one.md", "# One\n\n{{#covers C1}}\n\n{{#console systems/two}}\n\n{{#quiz 00}}\n");
    fixture.fails_with(
        "3 problems in the book
quizzes/00.yaml:4:7: question `q00-two` is contradicted by the recorded output, which lacks `1` of `one`
quizzes/00.yaml:4:7: question `q00-two` is contradicted by the recorded output, which has `2` of `two`
quizzes/00.yaml:4:7: question `q00-two` does not say what `three` would show (`shows`)",
    );
}

#[test]
fn a_chapter_nobody_can_reach_and_an_item_nobody_teaches_are_named() {
    let fixture = Fixture::new();
    fixture.write("src/lost.md", "# Lost\n");
    fixture.write("src/one.md", "# One\n\n{{#quiz 00}}\n\n{{#covers C2}}\n");
    let said = fixture.build().unwrap_err();
    for part in [
        "3 problems in the book\n",
        ": `C1` is not taught in chapter 0 (src/one.md)\n  next: mark where it is: {{#covers C1}}\n",
        "src/lost.md: is not in SUMMARY.md, so nobody can read it\n",
        "src/one.md:5:1: `C2` is taught here, but course.yaml does not say so",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn course_data_that_contradicts_itself_is_named() {
    let fixture = Fixture::new();
    let path = fixture.book().join("course.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text
        .replace("format: 1", "format: 2")
        .replace("- {id: C98,", "- {id: C97,")
        .replace(", chapters: [0]}", ", chapters: [0, 44], labs: [lab44], checks: [lab01/nothing, lab02/x]}");
    fs::write(&path, text).unwrap();
    let said = fixture.build().unwrap_err();
    for part in [
        "course.yaml: format is `2`, expected `1`",
        "item is `C97`, expected `C98`",
        "`C1` names chapter 44, which does not exist",
        "`C1` names `lab44`, which does not exist",
        "`C1`: `lab01` has no check `nothing`",
        "`C1`: check `lab02/x` is of `lab02`, which is not built",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_broken_lab_stops_the_book() {
    let fixture = Fixture::new();
    let lab = fixture.book().parent().unwrap().join("labs/01-environment/lab.yaml");
    fs::write(&lab, "format: 1\nid: lab01\n").unwrap();
    let said = fixture.build().unwrap_err();
    assert!(said.contains("labs/01-environment/lab.yaml:"), "{said}");
}

#[test]
fn words_and_the_glossary_must_fit() {
    let fixture = Fixture::new();
    fixture.write(
        "glossary.yaml",
        "format: 1\nterms:\n- {term: pod, is: One.}\n- {term: Pod, is: Again.}\n- {term: node, is: \"\"}\n\
         - {term: container runtime, is: Runs.}\n",
    );
    fixture.write(
        "src/one.md",
        "# One\n\n{{#covers C1}}\n\n{{#quiz 00}}\n\nA {{#term pod}} and a {{#term pod}}, a {{#term container}}, \
         {{#term container-runtime in=x}}.\n",
    );
    fixture.fails_with(
        "7 problems in the book
glossary.yaml:4:10: `Pod` is explained twice
glossary.yaml:5:10: `node` is not explained
glossary.yaml:5:10: `node` is introduced by no chapter
  next: mark where it is: {{#term node}}
glossary.yaml:6:10: `container runtime` is introduced by no chapter
  next: mark where it is: {{#term container-runtime}}
src/one.md:7:23: `pod` is introduced twice in this chapter
src/one.md:7:40: there is no word `container` in glossary.yaml
  next: did you mean `container-runtime`?
src/one.md:7:61: `term` takes `as=` and nothing else",
    );
}
