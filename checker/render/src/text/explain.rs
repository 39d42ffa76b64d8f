//! What `--explain` adds: how a verdict came about.

use lab_spec::Report;
use lab_spec::report::CheckReport;

use super::page::Page;
use super::{PLAIN, ROOM};
use crate::{neutral, phrase};

/// Facts about the whole report.
pub fn lab(page: &mut Page, report: &Report) {
    page.paragraph(PLAIN, 0, 2, &format!("lab.yaml sha256 {}", neutral::line(&report.lab_digest)));
    page.paragraph(PLAIN, 0, 2, phrase::owner(report));
}

/// The values and the evidence behind one check.
pub fn check(page: &mut Page, report: &Report, check: &CheckReport, indent: usize) {
    if check.follows.is_some() {
        // Above, the root alone is named.
        for line in neutral::lines(&check.message) {
            page.paragraph(PLAIN, indent, 2, &line);
        }
    }
    let deeper = (indent + 2).min(page.width() - ROOM);
    if !check.expression.is_empty() {
        page.paragraph(PLAIN, indent, 4, &format!("expects: {}", neutral::line(&check.expression)));
    }
    for value in &check.values {
        let (expression, value) = (neutral::line(&value.expression), neutral::line(&value.value));
        page.paragraph(PLAIN, deeper, 4, &format!("{expression} is {value}"));
    }
    for key in &check.evidence {
        page.paragraph(PLAIN, indent, 4, &format!("evidence: {}", neutral::line(key)));
        page.paragraph(PLAIN, deeper, 4, &phrase::asked(report, key));
    }
}
