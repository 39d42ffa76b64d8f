//! `mdbook-labcheck` as mdBook calls it.

use std::fs;

use assert_cmd::Command;

use crate::{problems::Fixture, root};

fn program() -> Command {
    assert_cmd::cargo_bin_cmd!("mdbook-labcheck")
}

#[test]
fn html_is_supported_and_nothing_else() {
    program().args(["supports", "html"]).assert().success().stdout("").stderr("");
    program().args(["supports", "epub"]).assert().code(1);
}

/// What mdBook sends: a context and a book of one chapter.
fn request(fixture: &Fixture, version: &str, content: &str) -> String {
    serde_json::json!([
        {
            "root": fixture.book(),
            "config": {"book": {"src": "src"}},
            "renderer": "html",
            "mdbook_version": version,
        },
        {"items": [{"Chapter": {
            "name": "One", "content": content, "number": null, "sub_items": [],
            "path": "one.md", "source_path": "one.md", "parent_names": [],
        }}]},
    ])
    .to_string()
}

#[test]
fn bytes_outside_of_directives_stay_as_they_are() {
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.book().join("quizzes")).unwrap();
    let odd =
        "# One\r\n\r\n* a\n+ b\t\n\n{{#covers C1}} <b>x</b>  \n\n| a|b |\n|-|:-|\n|`{{#lab 99}}`|ü\u{a0}|\n";
    fixture.write("src/one.md", odd);
    let output = program().write_stdin(request(&fixture, "0.5.4", odd)).assert().success();
    let book: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let content = book["items"][0]["Chapter"]["content"].as_str().unwrap();
    assert_eq!(content, odd.replace("{{#covers C1}}", r#"<span class="covers" id="C1"></span>"#));
}

#[test]
fn another_mdbook_is_refused_with_the_way_out() {
    let fixture = Fixture::new();
    for version in ["0.4.52", "0.6.0", "new"] {
        program().write_stdin(request(&fixture, version, "x")).assert().code(1).stdout("").stderr(format!(
            "mdBook is `{version}`, expected `^0.5`\n  next: cargo install mdbook --version 0.5.4 --locked\n"
        ));
    }
}

#[test]
fn what_is_no_book_is_refused() {
    let output = program().write_stdin("[{").assert().code(1).stdout("");
    let said = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(said.starts_with("Unable to parse the input: EOF"), "{said}");
}

#[test]
fn book_toml_asks_for_the_program_by_its_name() {
    let text = fs::read_to_string(root().join("book/book.toml")).unwrap();
    assert!(text.contains("[preprocessor.labcheck]"));
}
