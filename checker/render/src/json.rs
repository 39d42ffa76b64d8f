//! A report as JSON.

use lab_spec::Report;

use crate::neutral;

/// The report as pretty JSON with a trailing newline; `format` tells readers
/// which fields to expect. It reads back as the same report.
pub fn json(report: &Report) -> String {
    let pretty = serde_json::to_string_pretty(report)
        .expect("a report has neither maps nor numbers that JSON cannot hold");
    let mut document = neutral::json(&pretty);
    document.push('\n');
    document
}
