//! The `cel` crate has two parsers. We use the fast one; the other, generated
//! from the grammar, has to agree on the whole corpus.

use cel::parser::{Expression, Parser, PrattParser};

use crate::answers::corpus;

/// The tree without the numbers of its nodes.
fn shape(tree: &Expression) -> String {
    let text = format!("{tree:?}");
    let mut parts = text.split("id: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn both_parsers_give_the_same_tree() {
    let mut parsed = 0;
    for (_, source) in corpus() {
        let fast =
            PrattParser::new().enable_optional_syntax(true).enable_ident_escape_syntax(true).parse(&source);
        let generated =
            Parser::new().enable_optional_syntax(true).enable_ident_escape_syntax(true).parse(&source);
        match (fast, generated) {
            (Ok(fast), Ok(generated)) => {
                parsed += 1;
                assert_eq!(shape(&fast), shape(&generated), "{source}");
            }
            (Err(_), Err(_)) => {}
            (fast, generated) => panic!("{source}: {fast:?} against {generated:?}"),
        }
    }
    assert!(parsed > 800, "only {parsed} expressions parse");
}
