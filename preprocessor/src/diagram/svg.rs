//! The few shapes diagrams are made of.

use std::fmt::Write;

use super::Tone;
use crate::html::escape;

/// Width of one letter of a label, in pixels: a little more than the widest
/// of the fonts that may be used needs on average.
const LETTER: f64 = 7.4;
/// Height of a line of text.
pub(super) const LINE: f64 = 17.0;

/// Finished shapes with the room they need.
#[derive(Default)]
pub(super) struct Drawing {
    pub width: f64,
    pub height: f64,
    pub body: String,
}

/// The room a label needs.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

impl Drawing {
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), tone: Tone) {
        let _ = write!(
            self.body,
            "<rect class=\"d-box d-{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>",
            tone.class()
        );
    }

    /// Text around its middle.
    pub fn label(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        let text = escape(text);
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{text}</text>"
        );
    }

    /// Text from its left end.
    pub fn left(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        let text = escape(text);
        let _ = write!(self.body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
    }

    /// A label on the page's own ground, so that lines behind it do not cross it.
    pub fn label_on_ground(&mut self, (x, y): (f64, f64), text: &str) {
        let width = text_width(text) * 0.92 + 8.0;
        let _ = write!(
            self.body,
            "<rect class=\"d-ground\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{LINE}\"/>",
            x - width / 2.0,
            y - 12.5
        );
        self.label((x, y), "d-note", text);
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        );
    }

    /// A line with a head at its end.
    pub fn arrow(&mut self, from: (f64, f64), to: (f64, f64), dashed: bool) {
        self.line(from, to, if dashed { "d-line d-dashed" } else { "d-line" });
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy).max(1.0);
        let (ux, uy) = (dx / length, dy / length);
        let at = |back: f64, side: f64| (to.0 - ux * back - uy * side, to.1 - uy * back + ux * side);
        let ((ax, ay), (bx, by)) = (at(9.0, 4.5), at(9.0, -4.5));
        let _ = write!(
            self.body,
            "<path class=\"d-head\" d=\"M{:.1} {:.1} L{ax:.1} {ay:.1} L{bx:.1} {by:.1} Z\"/>",
            to.0, to.1
        );
    }
}
