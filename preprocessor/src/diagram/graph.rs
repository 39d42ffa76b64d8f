//! Boxes on a grid with arrows between them.

use serde::Deserialize;

use super::{
    Tone,
    svg::{Drawing, LINE, text_width},
};

const GAP: (f64, f64) = (110.0, 58.0);
const MARGIN: f64 = 6.0;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Graph {
    boxes: Vec<Block>,
    #[serde(default)]
    arrows: Vec<Arrow>,
    /// Room between columns, if labels need more.
    #[serde(default = "usual_gap")]
    gap: f64,
}

fn usual_gap() -> f64 {
    GAP.0
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    id: String,
    /// Column and row, from 0; halves are allowed.
    at: (f64, f64),
    text: String,
    /// Smaller lines below it.
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    tone: Tone,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrow {
    from: String,
    to: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    dashed: bool,
}

/// A box with its place on the page.
struct Placed<'graph> {
    block: &'graph Block,
    middle: (f64, f64),
    size: (f64, f64),
}

impl Graph {
    pub(super) fn draw(&self) -> Result<Drawing, Vec<String>> {
        let width = self.boxes.iter().map(Block::width).fold(90.0, f64::max);
        let height = self.boxes.iter().map(Block::height).fold(0.0, f64::max);
        let placed: Vec<Placed<'_>> = self
            .boxes
            .iter()
            .map(|block| Placed {
                block,
                middle: (
                    MARGIN + width / 2.0 + block.at.0 * (width + self.gap),
                    MARGIN + height / 2.0 + block.at.1 * (height + GAP.1),
                ),
                size: (width, block.height()),
            })
            .collect();
        let find = |id: &str| placed.iter().find(|known| known.block.id == id);
        let (mut drawing, mut problems) = (Drawing::default(), Vec::new());
        let mut labels = Vec::new();
        for arrow in &self.arrows {
            let (Some(from), Some(to)) = (find(&arrow.from), find(&arrow.to)) else {
                problems.push(format!("arrow `{}` to `{}` leads from or to no box", arrow.from, arrow.to));
                continue;
            };
            let back = self.arrows.iter().any(|other| other.from == arrow.to && other.to == arrow.from);
            let (start, end) = ends(from, to, if back { 11.0 } else { 0.0 });
            drawing.arrow(start, end, arrow.dashed);
            if !arrow.text.is_empty() {
                let side =
                    if back { if start.0 < end.0 || start.1 < end.1 { -9.0 } else { 15.0 } } else { 0.0 };
                let level = (start.1 - end.1).abs() < 1.0;
                let middle =
                    ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0 + if level { side - 3.0 } else { 4.0 });
                let shift = if !level && back { side * 4.0 } else { 0.0 };
                labels.push(((middle.0 + shift, middle.1), arrow.text.as_str()));
                let room = (start.0 - end.0).abs();
                if level && room + 4.0 < text_width(&arrow.text) * 0.92 {
                    problems.push(format!(
                        "arrow `{}` has no room for `{}`: raise `gap`",
                        arrow.from, arrow.text
                    ));
                }
            }
        }
        for (at, text) in labels {
            drawing.label_on_ground(at, text);
        }
        for one in &placed {
            one.draw(&mut drawing);
        }
        drawing.width += MARGIN;
        drawing.height += MARGIN;
        if problems.is_empty() { Ok(drawing) } else { Err(problems) }
    }
}

impl Block {
    fn width(&self) -> f64 {
        let notes = self.notes.iter().map(|note| text_width(note) * 0.92).fold(0.0, f64::max);
        text_width(&self.text).max(notes) + 24.0
    }

    fn height(&self) -> f64 {
        18.0 + LINE * (1 + self.notes.len()) as f64
    }
}

impl Placed<'_> {
    fn draw(&self, drawing: &mut Drawing) {
        let (x, top) = (self.middle.0 - self.size.0 / 2.0, self.middle.1 - self.size.1 / 2.0);
        drawing.rect((x, top), self.size, self.block.tone);
        drawing.label((self.middle.0, top + LINE + 4.0), "d-text", &self.block.text);
        for (index, note) in self.block.notes.iter().enumerate() {
            drawing.label((self.middle.0, top + LINE * (index + 2) as f64 + 4.0), "d-note", note);
        }
        drawing.width = drawing.width.max(x + self.size.0);
        drawing.height = drawing.height.max(top + self.size.1);
    }

    /// Where a line from the middle in this direction leaves the box.
    fn edge(&self, (dx, dy): (f64, f64)) -> f64 {
        let across = if dx == 0.0 { f64::INFINITY } else { self.size.0 / 2.0 / dx.abs() };
        let down = if dy == 0.0 { f64::INFINITY } else { self.size.1 / 2.0 / dy.abs() };
        across.min(down)
    }
}

/// Both ends of an arrow, moved aside by `aside` so that one back does not
/// cover it.
fn ends(from: &Placed<'_>, to: &Placed<'_>, aside: f64) -> ((f64, f64), (f64, f64)) {
    let (dx, dy) = (to.middle.0 - from.middle.0, to.middle.1 - from.middle.1);
    let length = dx.hypot(dy).max(1.0);
    let unit = (dx / length, dy / length);
    let shift = (unit.1 * aside, -unit.0 * aside);
    let (leave, reach) = (from.edge(unit) + 2.0, to.edge(unit) + 3.0);
    let point = |middle: (f64, f64), along: f64| {
        (middle.0 + unit.0 * along + shift.0, middle.1 + unit.1 * along + shift.1)
    };
    (point(from.middle, leave), point(to.middle, -reach))
}
