//! Solutions and mutants never reach a page.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{build, built, copy, files, root};

/// Lines of a file that say something.
fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// A page as a reader sees it, in lines.
fn seen(page: &str) -> Vec<String> {
    let tags = regex::Regex::new(r"<[^>]*>").unwrap();
    let text = tags.replace_all(page, "");
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    lines(&text.replace("&#10;", "\n").replace("&amp;", "&"))
}

/// Three lines in a row that are in the text.
fn triples(lines: &[String]) -> BTreeSet<[String; 3]> {
    lines.windows(3).map(|window| [window[0].clone(), window[1].clone(), window[2].clone()]).collect()
}

#[test]
fn no_three_lines_that_only_a_solution_has_reach_a_page() {
    let mut shown = BTreeSet::new();
    for page in built::pages().values() {
        shown.extend(triples(&seen(page)));
    }
    let mut looked_at = 0;
    for lab in fs::read_dir(root().join("labs")).unwrap().map(|entry| entry.unwrap().path()) {
        let mut public = BTreeSet::new();
        for path in files(&lab.join("starter"), "yaml").into_iter().chain([lab.join("lab.yaml")]) {
            public.extend(triples(&lines(&fs::read_to_string(path).unwrap())));
        }
        for path in files(&lab.join("solution"), "yaml") {
            let own = triples(&lines(&fs::read_to_string(&path).unwrap()));
            looked_at += own.len();
            // Three lines that any manifest of this kind begins with give nothing away.
            let leaked: Vec<_> = own.difference(&public).filter(|three| shown.contains(*three)).collect();
            let telling: Vec<_> = leaked.into_iter().filter(|three| !boilerplate(three)).collect();
            assert_eq!(telling, Vec::<&[String; 3]>::new(), "{}", path.display());
        }
    }
    assert!(looked_at > 20, "only {looked_at} lines were looked at");
}

/// Lines that say what kind of thing this is, and nothing about it.
fn boilerplate(three: &[String; 3]) -> bool {
    let empty = |line: &String| {
        line.ends_with(':') || ["kind:", "apiVersion:"].iter().any(|head| line.starts_with(head))
    };
    three.iter().filter(|line| !empty(line)).count() < 2
}

#[test]
fn the_book_is_the_same_when_there_are_no_solutions_to_read() {
    let dir = tempfile::tempdir().unwrap();
    copy(&root().join("book"), &dir.path().join("book"));
    for lab in fs::read_dir(root().join("labs")).unwrap().map(|entry| entry.unwrap().path()) {
        let to = dir.path().join("labs").join(lab.file_name().unwrap());
        fs::create_dir_all(&to).unwrap();
        fs::copy(lab.join("lab.yaml"), to.join("lab.yaml")).unwrap();
        if lab.join("console").is_dir() {
            copy(&lab.join("console"), &to.join("console"));
        }
    }
    let to = dir.path().join("built");
    build(&dir.path().join("book"), &to).unwrap();
    for (name, page) in built::pages() {
        assert_eq!(&fs::read_to_string(to.join(Path::new(name))).unwrap(), page, "{name}");
    }
}
