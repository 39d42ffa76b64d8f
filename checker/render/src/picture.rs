//! A line of time as a picture: one bar for each column in which requests
//! failed, one dashed line for each thing that happened.

use std::borrow::Cow;

use lab_spec::report::Timeline;

use crate::{neutral, phrase};

/// Width of a column, and height of the tallest bar.
const COLUMN: u64 = 5;
const HEIGHT: u32 = 58;

/// What the template draws.
pub struct Picture<'a> {
    pub width: u64,
    pub label: String,
    pub caption: &'static str,
    pub from: String,
    pub to: String,
    pub bars: Vec<Bar>,
    pub marks: Vec<u64>,
    pub moments: Vec<(String, Cow<'a, str>, bool)>,
    pub more: Option<String>,
}

/// One bar.
pub struct Bar {
    pub x: u64,
    pub y: u32,
    pub height: u32,
}

impl<'a> Picture<'a> {
    /// The picture of a line of time.
    pub fn new(timeline: &'a Timeline) -> Self {
        let columns = timeline.failed.len().max(1) as u64;
        let step = timeline.column_ms.max(1);
        let most = timeline.failed.iter().copied().max().unwrap_or_default().max(1);
        let bar = |(at, failed): (usize, &u32)| {
            // However few failed, the bar can be seen.
            let height = u32::try_from(u64::from(*failed) * u64::from(HEIGHT) / u64::from(most));
            let height = height.unwrap_or(HEIGHT).max(3);
            Bar { x: at as u64 * COLUMN, y: 60 - height, height }
        };
        let at = |ms: u64| {
            (ms.saturating_sub(timeline.from_ms).saturating_mul(COLUMN) / step).min(columns * COLUMN)
        };
        let failed: u64 = timeline.failed.iter().map(|count| u64::from(*count)).sum();
        let sent: u64 = timeline.sent.iter().map(|count| u64::from(*count)).sum();
        Self {
            width: columns * COLUMN,
            label: format!("{failed} of {sent} requests failed; the times are listed below"),
            caption: phrase::TIMELINE,
            from: phrase::seconds(timeline.from_ms),
            to: phrase::seconds(timeline.from_ms.saturating_add(columns.saturating_mul(step))),
            bars: timeline.failed.iter().enumerate().filter(|(_, failed)| **failed > 0).map(bar).collect(),
            marks: timeline.moments.iter().filter(|is| is.failed == 0).map(|is| at(is.at_ms)).collect(),
            moments: (timeline.moments.iter())
                .map(|is| (phrase::seconds(is.at_ms), neutral::line(&is.says), is.failed > 0))
                .collect(),
            more: (timeline.more > 0).then(|| phrase::more(timeline.more)),
        }
    }
}
