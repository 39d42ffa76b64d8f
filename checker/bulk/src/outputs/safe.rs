//! Foreign text in tables.

use std::borrow::Cow;

/// A text cell that no spreadsheet takes for a formula. Numbers of ours are
/// never passed through here.
pub fn cell(text: &str) -> Cow<'_, str> {
    let shown = lab_render::line(text);
    match shown.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{shown}")),
        false => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn formulas_become_text() {
        for formula in ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("\t=1"), "\\t=1");
        assert_eq!(cell("Ada = Lovelace"), "Ada = Lovelace");
    }
}
