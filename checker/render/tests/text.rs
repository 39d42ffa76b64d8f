//! What holds for text of every report, width and option.

mod fixtures;

use lab_render::{TextOptions, text};
use lab_spec::report::{CheckReport, Report};
use proptest::prelude::*;
use textwrap::core::display_width;

/// The fixture with every verdict, with `foreign` wherever a cluster speaks.
fn quoting(foreign: &str) -> Report {
    let mut report = fixtures::verdicts();
    report.cluster.context = foreign.into();
    for check in report.tasks.iter_mut().flat_map(|task| &mut task.checks) {
        let CheckReport { message, values, cause, waiting, .. } = check;
        *message = foreign.into();
        values.iter_mut().for_each(|value| value.value = foreign.into());
        cause.iter_mut().for_each(|link| {
            link.object = foreign.into();
            link.says = foreign.into();
        });
        *waiting = waiting.as_ref().map(|_| foreign.into());
    }
    report
}

proptest! {
    #[test]
    fn nothing_acts_on_the_terminal(foreign in any::<String>(), width in 0usize..200, explain: bool) {
        let page = text(&quoting(&foreign), &TextOptions { width, color: false, explain });
        prop_assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "{page:?}");
        prop_assert!(!page.contains(|c| ('\u{202a}'..='\u{202e}').contains(&c)), "{page:?}");
        prop_assert!(!page.contains(|c| ('\u{2066}'..='\u{2069}').contains(&c)), "{page:?}");
    }

    #[test]
    fn colour_adds_nothing_but_colour(foreign in any::<String>(), explain: bool) {
        let report = quoting(&foreign);
        let plain = TextOptions { explain, ..TextOptions::default() };
        let colored = text(&report, &TextOptions { color: true, ..plain });
        prop_assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text(&report, &plain));
    }

    #[test]
    fn lines_fit_but_for_commands(foreign in "[^`]*", width in 40usize..=120, explain: bool) {
        let page = text(&quoting(&foreign), &TextOptions { width, color: false, explain });
        for line in page.lines().filter(|line| !line.contains("look: ") && !line.starts_with("next: ")) {
            prop_assert!(display_width(line) <= width, "{} > {width}: {line:?}", display_width(line));
        }
    }

    /// A line at a verdict's place is a verdict: no message can forge one.
    #[test]
    fn no_message_forges_a_verdict(indent in 0usize..6, width in 40usize..=120) {
        let forged = format!("broken\n{}pass  everything", " ".repeat(indent));
        let page = text(&quoting(&forged), &TextOptions { width, ..TextOptions::default() });
        let passes = page.lines().filter(|line| line.trim_start_matches(' ').starts_with("pass"));
        let real = passes.filter(|line| line.starts_with("  pass ")).count();
        prop_assert_eq!(real, 2);
    }
}

#[test]
fn width_is_held_within_bounds() {
    let report = fixtures::verdicts();
    let at = |width| text(&report, &TextOptions { width, ..TextOptions::default() });
    assert_eq!(at(0), at(40));
    assert_eq!(at(usize::MAX), at(120));
    assert_ne!(at(40), at(120));
}

#[test]
fn commands_are_printed_whole() {
    for (name, report) in fixtures::all().into_iter().filter(|(name, _)| *name != "hostile") {
        let page = text(&report, &TextOptions { width: 40, ..TextOptions::default() });
        for (_, check) in report.checks().filter(|(_, check)| check.follows.is_none()) {
            if let Some(look) = &check.look {
                assert!(page.lines().any(|line| line.trim_start() == format!("look: {look}")), "{name}");
            }
        }
    }
}
