//! What is said before anything is looked at.

use std::{io::Read as _, process::Stdio};

use crate::place::{Place, lab_ids, recorded};

#[test]
fn version_is_one_line() {
    Place::new().run(&["--version"]).is(0, concat!("labcheck ", env!("CARGO_PKG_VERSION"), "\n"), "");
}

#[test]
fn help_tells_the_exit_codes_and_every_command() {
    let said = Place::new().run(&["--help"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(
            "Exit codes: 0 all passed, 1 something failed, 2 usage or broken lab, 3 could not observe"
        ),
        "{words}"
    );
    for command in [
        "quickstart",
        "list",
        "up",
        "down",
        "start",
        "reset",
        "hint",
        "solution",
        "progress",
        "serve",
        "doctor",
        "completions",
        "man",
        "author",
    ] {
        assert!(
            said.out.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))),
            "`{command}` is not in:\n{}",
            said.out
        );
        let own = Place::new().run(&[command, "--help"]);
        assert_eq!((own.code, own.err.as_str()), (0, ""), "{command}");
        assert!(own.out.contains(&format!("Usage: labcheck {command}")), "{}", own.out);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
}

#[test]
fn nothing_said_is_usage_with_the_next_step() {
    Place::new()
        .run(&[])
        .is_usage("error: no lab and no command was given\nnext: labcheck list, or labcheck --help\n");
}

#[test]
fn an_unknown_lab_names_those_there_are() {
    let known = lab_ids().iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    for wanted in ["lab99", "frobnicate", "99", "", "lab", "../labs"] {
        Place::new()
            .run(&[wanted])
            .is_usage(&format!("error: there is no lab `{wanted}`; there is {known}\nnext: labcheck list\n"));
    }
}

#[test]
fn an_unknown_flag_is_named() {
    let said = Place::new().run(&["lab01", "--frobnicate"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.starts_with("error: unexpected argument '--frobnicate' found\n"), "{}", said.err);
}

#[test]
fn a_lab_before_a_command_is_said_to_be_misplaced() {
    Place::new()
        .run(&["lab01", "list"])
        .is_usage("error: `lab01` stands before the command; it goes after it\n");
}

#[test]
fn a_time_that_is_none_is_refused() {
    for time in ["soon", "-3s", "10", "99999999999999999999h"] {
        let said = Place::new().run(&["lab01", &format!("--timeout={time}")]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(
            said.err.starts_with(&format!("error: invalid value '{time}' for '--timeout ")),
            "{}",
            said.err
        );
    }
}

#[test]
fn colour_needs_a_terminal() {
    let place = Place::new();
    let args = ["lab01", "--evidence", &recorded("starter")];
    // `run` refuses every escape sequence; colours that are asked for do not
    // change what a pipe gets, nor does NO_COLOR.
    let plain = place.run(&args);
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "xterm-256color"), ("TERM", "dumb")] {
        let output = place.command(&args).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(plain.code));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), plain.out, "{name}={value}");
        assert!(!output.stderr.contains(&0x1b), "{name}={value}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_panic() {
    let place = Place::new();
    let evidence = recorded("starter");
    for args in [
        ["lab01", "--evidence", &evidence, "-o", "html"].as_slice(),
        &["lab01", "--evidence", &evidence],
        &["author", "schema"],
        &["author", "functions"],
        &["list"],
        &["solution", "lab01", "--yes"],
        &["hint", "lab01"],
        &["--help"],
        &["completions", "bash"],
    ] {
        let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert!(status.code().is_some(), "{args:?} was killed: {status}");
        assert!(!err.contains("panicked"), "{args:?}: {err}");
    }
}
