//! Messages with expressions in them: `` `{{ name }}` has {{ n }} pods ``.

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// An expression to be evaluated.
    Expr(&'a str),
}

/// Splits a message into its pieces.
///
/// # Errors
/// The byte offset of a `{{` that is never closed.
pub fn pieces(message: &str) -> Result<Vec<Piece<'_>>, usize> {
    let (mut pieces, mut rest, mut offset) = (Vec::new(), message, 0);
    while let Some(open) = rest.find("{{") {
        let close = rest[open..].find("}}").ok_or(offset + open)? + open;
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        pieces.push(Piece::Expr(rest[open + 2..close].trim()));
        offset += close + 2;
        rest = &rest[close + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_text_and_expressions() {
        assert_eq!(
            pieces("has {{ a.size() }} of {{b}}").unwrap(),
            [Piece::Text("has "), Piece::Expr("a.size()"), Piece::Text(" of "), Piece::Expr("b")]
        );
        assert_eq!(pieces("plain").unwrap(), [Piece::Text("plain")]);
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(pieces("a {{ b"), Err(2));
        assert_eq!(pieces("{{a}} {{ b"), Err(6));
    }
}
