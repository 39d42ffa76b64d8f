//! What the author of a wrong expression is told.

use lab_judge::cel::Program;

#[test]
fn what_is_no_expression_is_told_with_its_place() {
    for (source, expected) in [
        ("1 +", "1:4: unexpected end of the expression, expected expression"),
        ("a ? b", "1:6: expected `:` in conditional expression"),
        ("a\n  .b(\n  c d)", "3:5: unexpected `d`, expected `)`"),
        ("'é' + )", "1:7: unexpected token"),
        ("'abc", "1:1: unterminated string literal"),
        ("", "1:1: unexpected end of the expression, expected expression"),
        ("a.matches('(x')", "1:12: `(x` is not a pattern: unclosed group"),
        ("Pod{name: 'a'}", "1:1: objects of type `Pod` cannot be made; write a map"),
        ("a.all(1, true)", "1:7: argument must be a simple name"),
        (
            "a.all(x, x.all(y, y.all(z, z.exists(w, w))))",
            "1:29: more than 3 comprehensions inside each other; share the inner ones with `let`",
        ),
        ("a.transformList(i, i, 1)", "1:2: `transformList` takes two different names"),
    ] {
        let error = Program::compile(source).expect_err(source);
        assert_eq!(error.to_string(), expected, "{source:?}");
    }
}
