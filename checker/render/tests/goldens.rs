//! Every fixture in every output, byte for byte.
//!
//! After a wanted change: `UPDATE_GOLDENS=1 cargo test -p lab-render`, then
//! read the diff.

mod fixtures;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lab_render::{TextOptions, html, json, junit, text};
use snapbox::assert::Action;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// File name and content of every golden.
fn rendered() -> BTreeMap<String, String> {
    let plain = TextOptions::default();
    let mut files = BTreeMap::new();
    for (name, report) in fixtures::all() {
        let mut add = |suffix: &str, content| files.insert(format!("{name}{suffix}"), content);
        add(".txt", text(&report, &plain));
        add("-explain.txt", text(&report, &TextOptions { explain: true, ..plain }));
        add("-narrow.txt", text(&report, &TextOptions { width: 40, ..plain }));
        add(".json", json(&report));
        add(".xml", junit(&report));
        add(".html", html(&report));
        if name == "verdicts" {
            add("-color.txt", text(&report, &TextOptions { color: true, ..plain }));
            add("-wide.txt", text(&report, &TextOptions { width: 120, explain: true, ..plain }));
        }
    }
    files
}

#[test]
fn outputs_are_as_recorded() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| !value.is_empty());
    let assert = Assert::new().action(if update { Action::Overwrite } else { Action::Verify });
    for (file, content) in rendered() {
        let golden = Data::read_from(&folder().join(file), Some(DataFormat::Text)).raw();
        assert.eq(Data::text(content), golden);
    }
}

#[test]
fn no_golden_is_left_over() {
    let wanted = rendered();
    let files = std::fs::read_dir(folder()).expect("the goldens can be listed");
    for file in files {
        let name = file.expect("a file").file_name().to_string_lossy().into_owned();
        assert!(wanted.contains_key(&name), "`tests/goldens/{name}` belongs to no fixture: delete it");
    }
}
