//! The whole book, built: every link leads somewhere, nothing is loaded from
//! elsewhere, and it is small.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use regex::Regex;

use crate::{build, files, root};

/// The pages by their path in the built book; built once for all tests.
pub fn pages() -> &'static BTreeMap<String, String> {
    static PAGES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    PAGES.get_or_init(|| {
        let to = folder();
        if to.exists() {
            fs::remove_dir_all(&to).unwrap();
        }
        build(&root().join("book"), &to).unwrap_or_else(|error| panic!("{error}"));
        files(&to, "html")
            .into_iter()
            .map(|path| {
                let name = path.strip_prefix(&to).unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect()
    })
}

/// Where the pages are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("book")
}

fn matches<'page>(pattern: &str, page: &'page str) -> Vec<&'page str> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(page).map(|found| found.get(1).unwrap().as_str()).collect()
}

#[test]
fn every_link_inside_leads_to_a_place_that_exists() {
    let ids: BTreeMap<&str, BTreeSet<&str>> = pages()
        .iter()
        .map(|(name, page)| (name.as_str(), matches(r#"\bid="([^"]*)""#, page).into_iter().collect()))
        .collect();
    let mut dead = Vec::new();
    let mut seen = 0;
    for (name, page) in pages().iter().filter(|(name, _)| *name != "print.html" && *name != "404.html") {
        for link in matches(r#"\b(?:href|src)="([^"]*)""#, page) {
            if link.starts_with("https://") || link.starts_with("data:") {
                continue;
            }
            seen += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = resolve(name, path);
            let there = folder().join(&target).is_file();
            let anchored =
                anchor.is_empty() || ids.get(target.as_str()).is_some_and(|ids| ids.contains(anchor));
            if !there || !anchored {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(seen > 500, "only {seen} links were looked at");
    assert_eq!(dead, Vec::<String>::new());
}

/// A link's path from the book's root.
fn resolve(page: &str, path: &str) -> String {
    if path.is_empty() {
        return page.to_owned();
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.push(name.to_str().unwrap()),
            _ => {}
        }
    }
    parts.join("/")
}

#[test]
fn links_outside_are_well_formed_and_encrypted() {
    let form = Regex::new(r"^https://[a-z0-9.-]+\.[a-z]+(/[^\s<>]*)?$").unwrap();
    for (name, page) in pages() {
        for link in matches(r#"\bhref="((?:[a-z]+:)?//[^"]*)""#, page) {
            assert!(form.is_match(link), "{name}: {link}");
        }
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_no_script_stands_in_a_page() {
    for (name, page) in pages().iter().filter(|(name, _)| *name != "toc.html") {
        let loaded = matches(r#"<(?:script|img|iframe|source)[^>]*\bsrc="((?:[a-z]+:)?//[^"]*)""#, page);
        assert_eq!(loaded, Vec::<&str>::new(), "{name}");
        let sheets = matches(r#"<link[^>]*\bhref="((?:[a-z]+:)?//[^"]*)""#, page);
        assert_eq!(sheets, Vec::<&str>::new(), "{name}");
        let inline: Vec<&str> = matches(r"<script([^>]*)>", page)
            .into_iter()
            .filter(|attributes| !attributes.contains("src=") && !attributes.contains("application/json"))
            .collect();
        assert_eq!(inline, Vec::<&str>::new(), "{name}");
        // mdBook itself puts `style` on the page breaks of its print page; theme/css/course.css breaks them.
        let handlers: Vec<&str> = matches(r#"<[a-z]+[^>]*\s(on[a-z]+|style)=""#, page)
            .into_iter()
            .filter(|attribute| name != "print.html" || *attribute != "style")
            .collect();
        assert_eq!(handlers, Vec::<&str>::new(), "{name}");
        assert!(page.contains("script-src 'self'; style-src 'self'"), "{name} has no policy");
    }
}

#[test]
fn no_directive_is_left_over() {
    for (name, page) in
        pages().iter().filter(|(name, _)| !name.starts_with("reference/") && *name != "print.html")
    {
        assert!(!page.contains("{{#"), "{name}");
    }
}

#[test]
fn every_drawing_has_a_title_and_a_description() {
    let mut drawings = 0;
    for (name, page) in pages().iter().filter(|(name, _)| name.starts_with('0')) {
        for drawing in matches(r"(?s)(<svg role.*?</svg>)", page) {
            drawings += 1;
            for part in ["<title id=", "<desc id=", "aria-labelledby="] {
                assert!(drawing.contains(part), "{name} lacks {part}");
            }
        }
    }
    assert!(drawings >= 6, "{drawings}");
}

#[test]
fn chapters_have_their_parts_and_their_length() {
    let source = root().join("book/src");
    for path in files(&source, "md") {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with('0') {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in [
            "## Five minutes: ",
            "## A worked example: ",
            "{{#lab ",
            "{{#quiz ",
            "## What to remember",
            "## Sources",
        ] {
            assert!(text.contains(part), "{name} lacks `{part}`");
        }
        let words = text.split_whitespace().count();
        assert!((1_600..=3_200).contains(&words), "{name} has {words} words");
    }
}

#[test]
fn a_page_is_small_enough_for_a_bad_line() {
    // What the first page needs: itself, its sheets and its scripts, without the search index.
    let page = &pages()["05-rollouts.html"];
    let mut parts = vec![page.clone().into_bytes()];
    let sheets = matches(r#"<link rel="stylesheet"[^>]*href="([^"]*)""#, page);
    let scripts = matches(r#"<script[^>]*src="([^"]*)""#, page);
    for link in sheets.into_iter().chain(scripts) {
        parts.push(fs::read(folder().join(resolve("05-rollouts.html", link))).unwrap());
    }
    for module in files(&folder().join("widgets"), "mjs") {
        parts.push(fs::read(module).unwrap());
    }
    let bytes: usize = parts.iter().map(|part| compressed(part)).sum();
    println!("{bytes} bytes compressed");
    assert!(bytes < 300 * 1024, "{bytes} bytes");
}

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap().len()
}
