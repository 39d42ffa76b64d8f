//! Every hostile input of the list has a test that goes through the command line.

use std::{collections::BTreeMap, fs};

use crate::place::repository;

/// `number | what | file | test`, a line per test.
const TABLE: &str = include_str!("inputs.txt");
/// How many there are.
const INPUTS: usize = 56;
/// Where tests run the program itself.
const PLACES: [&str; 3] = ["tests/cli/", "tests/hostile/", "tests/live/"];

#[test]
fn every_hostile_input_has_a_test() {
    let mut tested: BTreeMap<usize, usize> = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [number, what, file, test] = cells[..] else { panic!("`{line}` has not four cells") };
        assert!(!what.is_empty(), "`{line}` does not say what it is");
        assert!(PLACES.iter().any(|place| file.starts_with(place)), "`{file}` does not run the program");
        exists(file, test);
        *tested.entry(number.parse().unwrap()).or_default() += 1;
    }
    let numbers: Vec<_> = tested.into_keys().collect();
    assert_eq!(numbers, (1..=INPUTS).collect::<Vec<_>>());
}

/// Asserts that the file has this test, that it is not passed over, and that its
/// file is a part of what is compiled.
fn exists(file: &str, test: &str) {
    let path = repository().join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{file}`: {error}"));
    let begin =
        text.find(&format!("\nfn {test}(")).unwrap_or_else(|| panic!("`{file}` has no test `{test}`"));
    let before: Vec<_> = text[..begin].lines().rev().take_while(|line| line.starts_with("#[")).collect();
    assert!(before.contains(&"#[test]"), "`{test}` in `{file}` is no test");
    assert!(!before.iter().any(|line| line.starts_with("#[ignore")), "`{test}` in `{file}` is passed over");
    // tests/cli/outputs/names.rs: `names` in outputs/mod.rs, `outputs` in main.rs.
    let mut module = path.with_extension("");
    if module.ends_with("mod") {
        module.pop();
    }
    while !module.join("main.rs").exists() {
        let name = module.file_name().unwrap().to_str().unwrap().to_owned();
        module.pop();
        let above = [module.join("main.rs"), module.join("mod.rs"), module.with_extension("rs")];
        let declared = format!("mod {name};");
        let found = above.iter().filter_map(|path| fs::read_to_string(path).ok());
        assert!(
            found.into_iter().any(|text| text.lines().any(|line| line == declared)),
            "`{file}` is not compiled"
        );
    }
}
