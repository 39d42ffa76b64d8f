//! Expressions that mean harm: they end, soon, with a message.

use std::time::{Duration, Instant};

use lab_judge::cel::limits::{MAX_DEPTH, MAX_LENGTH, MAX_NESTING};
use lab_judge::cel::{Budget, EvalError, Program, Scope, Value};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use serde_json::json;

/// Compiles and evaluates; the answer does not matter, arriving does.
fn survive(source: &str) {
    if let Ok(program) = Program::compile(source) {
        let mut scope = Scope::default();
        scope.set("a", Value::from_json(&json!({"b": [1, {"c": "x"}], "d": null})));
        scope.set("gone", Value::absent("pod `gone`"));
        scope.set("dark", Value::unavailable("logs", "timeout"));
        let _ = program.eval(&scope, &mut Budget::new(20_000));
        let _ = program.explain(&scope, &mut Budget::new(20_000));
    }
}

#[test]
fn nesting_is_refused_with_its_place() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{1:", "}"), ("f(", ")"), ("a[", "]")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let error = Program::compile(&deep).expect_err("too long");
        assert!(error.message.contains("bytes"), "{error}");

        let deep = format!("{}1{}", open.repeat(500), close.repeat(500));
        let error = Program::compile(&deep).expect_err("too deep");
        let complaint = &error.message;
        assert!(
            complaint.contains("brackets are open") || complaint.contains("nested too deeply"),
            "{error}"
        );
        assert_eq!(error.line, 1);
        assert!(error.offset > 20 && error.offset < 200, "{error:?}");
    }
}

#[test]
fn chains_as_long_as_allowed_neither_overflow_nor_lie() {
    let long = |unit: &str, first: &str| {
        let mut source = first.to_owned();
        while source.len() + unit.len() <= MAX_LENGTH {
            source.push_str(unit);
        }
        source
    };
    for (unit, first) in [
        ("!", "!"),
        ("-", "-"),
        (".a", "a"),
        (" + 1", "1"),
        ("[0]", "a"),
        (".f()", "a"),
        (" ? 1 : 1", "true"),
        ("? 1 : true", "true"),
        (" in a", "1"),
        (" == 1", "1"),
        (".map(x, x)", "[1]"),
        ("[1].map(x, ", ""),
        ("(a.", ""),
        ("a?(", ""),
        ("//", ""),
    ] {
        survive(&long(unit, first));
        let suffix = long(unit, first);
        survive(&format!("{}true", &suffix[..suffix.len() - 4]));
    }
    // `&&` is as long as it likes: its tree is balanced.
    assert!(Program::compile(&long(" && true", "true")).is_ok());
}

#[test]
fn the_deepest_allowed_expression_fits_a_small_stack_even_in_a_debug_build() {
    let brackets = format!("{}1{}", "(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING));
    let sums = format!("1{}", " + 1".repeat(MAX_DEPTH - 2));
    let lists = format!("{}1{}", "[".repeat(MAX_NESTING), "]".repeat(MAX_NESTING));
    let mixed = format!("{}1{}", "(1 + 1 + 1 + ".repeat(30), ")".repeat(30));
    let chosen = format!("{}1", "true ? 1 : ".repeat(75));
    for source in [brackets, sums, lists, mixed, chosen] {
        let thread = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || {
                let program = Program::compile(&source).unwrap_or_else(|e| panic!("{source}: {e}"));
                program
                    .eval(&Scope::default(), &mut Budget::default())
                    .unwrap_or_else(|e| panic!("{source}: {e}"));
                program.explain(&Scope::default(), &mut Budget::default());
            })
            .expect("a thread");
        thread.join().expect("no overflow");
    }
}

#[test]
fn a_runaway_expression_ends_by_its_budget() {
    for source in [
        "lists.range(999).all(a, lists.range(999).all(b, lists.range(999).all(c, a + b + c >= 0)))",
        "lists.range(9223372036854775807).size() > 0",
        "lists.range(1000).map(a, lists.range(1000).map(b, 'xxxxxxxxxxxxxxxxxxxxxxxxxxx' + string(b)))",
        "lists.range(100000).distinct().size() > 0",
        "lists.range(900).map(x, lists.range(900)).flatten().sort().size() > 0",
        "lists.range(5000).map(x, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').join('bbbbbbbbbbbbbbbbbbbb').replace('', 'cccccccccccccccccccccccccccccccccccccccccccccc').size() > 9000000",
        "lists.range(99999).exists(x, 'a'.matches('(a|b)*' + string(x)))",
        "1 / 0 == 1 || lists.range(999999999).size() > 0",
    ] {
        let started = Instant::now();
        let program = Program::compile(source).unwrap_or_else(|e| panic!("{source}: {e}"));
        let mut budget = Budget::default();
        let outcome = program.eval(&Scope::default(), &mut budget);
        assert!(matches!(outcome, Err(EvalError::Budget { .. })), "{source}: {outcome:?}");
        // Generous: debug builds on a busy machine.
        assert!(started.elapsed() < Duration::from_secs(20), "{source}");
    }
    let message = Program::compile("lists.range(50).size() > 0")
        .map(|p| p.eval(&Scope::default(), &mut Budget::new(10)))
        .expect("it compiles")
        .expect_err("ten steps are not enough")
        .to_string();
    assert_eq!(
        message,
        "the expression needs more than 10 steps; nest fewer comprehensions or filter the lists first"
    );
}

#[test]
fn four_comprehensions_inside_each_other_are_refused() {
    let error = Program::compile("a.all(x, x.all(y, y.all(z, z.all(w, w))))").expect_err("four");
    assert!(error.message.contains("more than 3 comprehensions"), "{error}");
    assert!(Program::compile("a.all(x, x.all(y, y.all(z, z))).map(w, w)").is_ok());
}

/// Text made of what expressions are made of.
fn source() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            "?",
            ":",
            "+",
            "-",
            "*",
            "/",
            "%",
            "!",
            "=",
            "==",
            "!=",
            "<",
            "<=",
            "&&",
            "||",
            " in ",
            " ",
            ".?",
            "[?",
            "{?",
            "\n",
            "//",
            "'",
            "\"",
            "r'",
            "b'",
            "'''",
            "\\",
            "`",
            "a",
            "gone",
            "dark",
            "x",
            "it",
            "b",
            "0",
            "1",
            "9u",
            "1.5",
            "1e308",
            "0x",
            "'x'",
            "'\\u00e9'",
            "true",
            "null",
            "[1, 2]",
            "{'k': 1}",
            "size(",
            ".size()",
            ".all(x, ",
            ".map(x, ",
            ".exists(i, v, ",
            ".filter(x, ",
            ".sortBy(x, ",
            ".optMap(x, ",
            ".transformMap(k, v, ",
            "has(",
            "has(a.b",
            "optional.of(",
            ".orValue(",
            "quantity('1Gi')",
            ".add(",
            "semver('1.2.3')",
            "ip('::1')",
            "cidr('10.0.0.0/8')",
            "url('http://a/b?c')",
            "duration('1h')",
            "timestamp('2024-01-01T00:00:00Z')",
            ".getHours(",
            ".format([",
            "'%s %.3f'",
            ".matches('[a-z]+')",
            ".find('",
            ".split('",
            ".substring(",
            ".charAt(",
            ".indexOf(",
            ".slice(",
            ".flatten(",
            ".join(",
            ".replace(",
            "lists.range(",
            "sets.contains(",
            "present(",
            "int(",
            "string(",
            "double(",
            "🐱",
            "é",
            "9223372036854775807",
            "-9223372036854775808",
            "type(",
            "dyn(",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,3}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_text_is_survived(source in source()) {
        survive(&source);
    }

    #[test]
    fn any_pattern_is_survived(pattern in "[ -~é🐱]{0,30}", text in ".{0,30}") {
        let mut scope = Scope::default();
        scope.set("p", Value::from(pattern));
        scope.set("t", Value::from(text));
        for source in ["t.matches(p)", "t.findAll(p)", "t.format([p, 1.5, 2])", "quantity(p)",
                       "semver(p, true)", "ip(p)", "cidr(p)", "url(p).getQuery()", "duration(p)",
                       "timestamp(p)", "timestamp(t).getHours(p)", "double(p)", "p.split(t)",
                       "format.datetime().validate(p)", "format.uuid().validate(t)"] {
            let program = Program::compile(source).expect(source);
            let _ = program.eval(&scope, &mut Budget::default());
        }
    }
}
