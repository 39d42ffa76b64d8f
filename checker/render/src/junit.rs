//! A report as JUnit XML: a suite per task, a case per check.

use lab_spec::report::{CheckReport, Report, TaskReport, Verdict};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::{neutral, phrase};

/// The report as JUnit XML. A fail and a pending check are failures, told
/// apart by their type; an unknown one is an error; blocked and skipped ones
/// are skipped, which JUnit does not count as passed.
pub fn junit(report: &Report) -> String {
    let mut suites = quick_junit::Report::new(phrase::named(&report.lab, &report.title));
    for task in &report.tasks {
        let mut suite = TestSuite::new(phrase::named(&task.id, &task.title));
        suite.add_property(("points", task.points.to_string().as_str()));
        let earned = task.earned.map_or_else(|| "ungraded".to_owned(), |points| points.to_string());
        suite.add_property(("earned", earned.as_str()));
        suite.add_test_cases(task.checks.iter().map(|check| case(report, task, check)));
        suites.add_test_suite(suite);
    }
    suites.to_string().expect("writing XML to memory cannot fail, and all of it is UTF-8")
}

fn case(report: &Report, task: &TaskReport, check: &CheckReport) -> TestCase {
    // The id makes the name unique and keeps it when a title is reworded.
    let name = phrase::named(&check.id, &check.title);
    let mut case = TestCase::new(name, status(check));
    case.set_classname(format!("{}.{}", neutral::line(&report.lab), neutral::line(&task.id)));
    case
}

fn status(check: &CheckReport) -> TestCaseStatus {
    let mut status = match check.verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail | Verdict::Pending => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Blocked | Verdict::Skipped => TestCaseStatus::skipped(),
    };
    status.set_type(check.verdict.word());
    status.set_message(phrase::reason(check).join("; "));
    status.set_description(phrase::details(check).join("\n"));
    status
}
