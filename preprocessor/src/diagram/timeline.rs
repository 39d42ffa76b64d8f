//! Rows of spans over seconds, with marks across them.

use serde::Deserialize;

use super::{
    Tone,
    svg::{Drawing, text_width},
};

const ROW: f64 = 40.0;
const BAR: f64 = 28.0;
const SPAN_WIDTH: f64 = 560.0;
const MARK_LINE: f64 = 18.0;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeline {
    /// Where the axis ends.
    end: f64,
    /// What the axis counts.
    unit: String,
    /// Distance of the axis' numbers.
    step: f64,
    rows: Vec<Row>,
    #[serde(default)]
    marks: Vec<Mark>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    spans: Vec<Bar>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bar {
    from: f64,
    to: f64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    tone: Tone,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    at: f64,
    text: String,
}

impl Timeline {
    pub(super) fn draw(&self) -> Result<Drawing, Vec<String>> {
        let mut problems = Vec::new();
        let left = self.rows.iter().map(|row| text_width(&row.name)).fold(40.0, f64::max) + 18.0;
        let top = MARK_LINE * self.marks.len() as f64 + 8.0;
        let bottom = top + ROW * self.rows.len() as f64;
        let x = |at: f64| left + at / self.end * SPAN_WIDTH;
        let mut drawing =
            Drawing { width: left + SPAN_WIDTH + 24.0, height: bottom + 28.0, ..Drawing::default() };
        for (index, row) in self.rows.iter().enumerate() {
            let y = top + ROW * index as f64;
            drawing.left((4.0, y + BAR / 2.0 + 10.0), "d-text", &row.name);
            for bar in &row.spans {
                let (from, to) = (x(bar.from), x(bar.to));
                if bar.from < 0.0 || bar.to > self.end || bar.from >= bar.to {
                    problems.push(format!("`{}`: span `{}` is not on the axis", row.name, bar.text));
                    continue;
                }
                if text_width(&bar.text) * 0.92 > to - from {
                    problems.push(format!("`{}`: `{}` does not fit its span", row.name, bar.text));
                }
                drawing.rect((from, y + 6.0), (to - from, BAR), bar.tone);
                drawing.label(((from + to) / 2.0, y + BAR / 2.0 + 10.0), "d-note", &bar.text);
            }
        }
        for (index, mark) in self.marks.iter().enumerate() {
            let (at, y) = (x(mark.at), MARK_LINE * (index + 1) as f64);
            drawing.line((at, y + 4.0), (at, bottom), "d-line d-dashed");
            // A label stands beside its line, on the side that has room.
            let width = text_width(&mark.text) * 0.92;
            let middle = if at + width / 2.0 < drawing.width { at } else { drawing.width - width / 2.0 };
            drawing.label((middle.max(width / 2.0), y), "d-note", &mark.text);
        }
        drawing.line((left, bottom), (left + SPAN_WIDTH, bottom), "d-axis");
        let mut tick = 0.0;
        while tick <= self.end && self.step > 0.0 {
            drawing.label((x(tick), bottom + 18.0), "d-note", &format!("{tick} {}", self.unit));
            tick += self.step;
        }
        if problems.is_empty() { Ok(drawing) } else { Err(problems) }
    }
}
