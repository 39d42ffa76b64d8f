//! Hostile inputs 16 to 22, 31 and 32: what is in a submission's text.

use std::fs;

use lab_bundle::submission::{EVIDENCE, SIGNATURE};
use lab_spec::{Evidence, Outcome};
use serde_json::{Value, json};

use crate::{
    forge::{self, beside, file, parts, parts_with, signed, tar, zstd},
    room::{Class, Refused},
};

fn text() -> String {
    serde_json::to_string(&forge::evidence("eve")).unwrap()
}

/// The evidence with something more in its first answer.
fn with_answer(answer: &str) -> Vec<u8> {
    let text = text();
    let at = text.find("\"present\":").unwrap() + "\"present\":".len();
    format!("{}{answer}{}", &text[..at], &text[at..]).into_bytes()
}

#[test]
fn deep_and_wide_text_is_refused_before_it_is_parsed() {
    let mut all = Refused::default();
    // 16 and 17; JSON has no aliases.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    all.add(parts(deep.as_bytes()).packed(), "its evidence is nested deeper than 127 levels");
    let objects = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    all.add(parts(objects.as_bytes()).packed(), "its evidence is nested deeper than 127 levels");
    all.add(parts(&with_answer(&format!("{deep},\"x\":"))).packed(), "nested deeper than 127 levels");
    let wide = format!("[{}0]", "0,".repeat(300_000));
    all.add(parts(wide.as_bytes()).packed(), "its evidence has more than 300000 values");
    let fields: String = (0..100_001).map(|at| format!("\"{at}\":0,")).collect();
    all.add(
        parts(format!("{{{}\"x\":0}}", fields).as_bytes()).packed(),
        "its evidence has more than 100000 fields",
    );
    let mut own = parts(text().as_bytes());
    own.manifest = deep.clone().into_bytes();
    all.add(own.packed(), "is larger than");
    own.manifest = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)).into_bytes();
    all.add(own.packed(), "nested deeper than 127 levels");
    let mut own = parts(text().as_bytes());
    own.signature = "[".repeat(60_000).into_bytes();
    all.add(own.packed(), "its signature cannot be read");
    all.check();
}

#[test]
fn keys_that_stand_twice_are_refused() {
    let mut all = Refused::default();
    // 18.
    for key in ["\"format\":1", "\"f\\u006frmat\":1"] {
        let twice = text().replacen("{\"format\":1", &format!("{{\"format\":1,{key}"), 1);
        all.add(parts(twice.as_bytes()).packed(), "its JSON has key `format` twice in one object");
    }
    let twice = text().replacen("\"kind\":\"Node\"", "\"kind\":\"Pod\",\"kind\":\"Node\"", 1);
    all.add(parts(twice.as_bytes()).packed(), "its JSON has key `kind` twice in one object");
    let manifest = String::from_utf8(parts(text().as_bytes()).manifest).unwrap();
    let manifest = manifest.replacen("\"student\":\"eve\"", "\"student\":\"bob\",\"student\":\"eve\"", 1);
    let own = signed(manifest.into_bytes(), text().into_bytes());
    all.add(own.packed(), "its JSON has key `student` twice in one object");
    let mut own = parts(text().as_bytes());
    own.signature = [&b"{\"algorithm\":\"none\","[..], &own.signature[1..]].concat();
    all.add(own.packed(), "duplicate field `algorithm`");
    all.check();
}

#[test]
fn numbers_beyond_numbers_are_refused() {
    let mut all = Refused::default();
    // 19.
    for (number, why) in [
        ("1e999", "number out of range"),
        ("-1e999", "number out of range"),
        ("NaN", "does not hold evidence"),
        ("Infinity", "does not hold evidence"),
        ("18446744073709551616", "has the number 18446744073709551616, which is beyond 64 bits"),
    ] {
        let more = text().replacen("\"replicas\":", &format!("\"replicas\":{number},\"x\":"), 1);
        assert_ne!(more, text());
        all.add(parts(more.as_bytes()).packed(), why);
    }
    let seed = text().replacen("\"seed\":", "\"seed\":-1,\"s\":", 1);
    all.add(parts(seed.as_bytes()).packed(), "does not hold evidence");
    all.check();
}

#[test]
fn more_than_one_document_and_huge_strings_are_refused() {
    let mut all = Refused::default();
    // 20.
    let more = format!("{}\n{}", text(), text());
    all.add(parts(more.as_bytes()).packed(), "trailing characters");
    // Almost nothing while it is compressed.
    let long = with_answer(&format!("\"{}\",\"x\":", "a".repeat(64 << 20)));
    let bytes = parts(&long).packed();
    assert!(bytes.len() < 1 << 20);
    all.add(&bytes, "its archive is larger than 16 MiB");
    all.check();
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut all = Refused::default();
    // 21.
    let with = |bytes: &[u8]| [&with_answer("\"")[..], bytes].concat();
    for bytes in [
        [b"\xef\xbb\xbf", text().as_bytes()].concat(),
        text().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        with(b"\xff\xfe"),
        text().replacen("\"lab01\"", "\"lab01\0\"", 1).into_bytes(),
        text().as_bytes().iter().map(|byte| if *byte == b'm' { 0xff } else { *byte }).collect(),
        Vec::new(),
    ] {
        all.add(parts(&bytes).packed(), "does not hold evidence");
    }
    // Half of a surrogate pair, and a NUL that is written as it may be.
    let half = text().replacen("\"lab01\"", "\"lab01\\ud800\"", 1);
    all.add(parts(half.as_bytes()).packed(), "does not hold evidence");
    let student = "eve\0\u{1b}[31m\u{202e}";
    let class = Class::new();
    let named = parts_with(text().as_bytes(), |card| card["student"] = json!(student)).packed();
    class.put("x.tar.zst", named);
    let graded = class.grade(&[]);
    graded.is_full("ada");
    assert_eq!(graded.said.code, 3);
    assert_eq!(
        graded.unmatched[0].1,
        "it says it is of `eve\\0\\u{1b}[31m\\u{202e}`, who is not in the roster"
    );
    all.check();
}

#[test]
fn a_score_of_ones_own_is_ignored_or_refused() {
    let mut all = Refused::default();
    // 22.
    let starter = |student: &str| forge::attempt("starter", student);
    let class = Class::new();
    class.put("eve.tar.zst", forge::submission("eve", &starter("eve")));
    let honest = class.grade(&[]).of("eve")["score"].clone();
    let own = parts(&serde_json::to_vec(&starter("eve")).unwrap());
    let claims = [
        file("results.json", b"{\"score\": 10000}"),
        file("grades.csv", b"eve,10000"),
        file("report.json", b"{}"),
    ];
    class.put("eve.tar.zst", zstd(&tar(&[own.members(), claims.to_vec()].concat())));
    let graded = class.grade(&[]);
    graded.is_full("ada");
    assert_eq!((&graded.of("eve")["score"], graded.said.code), (&honest, 0));
    assert_eq!(graded.flags("eve"), ["extra-member"; 3]);
    assert!(graded.written.contains("it also holds `results.json`, which was not read"));
    let scored = parts_with(text().as_bytes(), |card| card["score"] = json!(10_000));
    all.add(scored.packed(), "unknown field `score`");
    let scored = text().replacen("{\"format\":1", "{\"format\":1,\"score\":10000", 1);
    all.add(parts(scored.as_bytes()).packed(), "unknown field `score`");
    all.check();
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let mut all = Refused::default();
    let other = text().replacen("lab01-solution", "lab01-sOlution", 1);
    let mut own = parts(text().as_bytes());
    own.evidence = other.into_bytes();
    all.add(own.packed(), "does not have the SHA-256 that `manifest.json` says");
    let mut own = parts(text().as_bytes());
    own.manifest =
        parts_with(text().as_bytes(), |card| card["made"] = json!("2020-01-01T00:00:00Z")).manifest;
    all.add(own.packed(), "its signature does not match `manifest.json`");
    let own = parts(text().as_bytes());
    all.add(zstd(&tar(&own.members()[..2])), &format!("it has no `{SIGNATURE}`"));
    all.add(zstd(&tar(&own.members()[..1])), &format!("it has no `{EVIDENCE}`"));
    all.check();
}

#[test]
fn secret_values_are_in_no_output() {
    // 31.
    const PASSWORD: &str = "aHVudGVyMg==";
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": PASSWORD},
    });
    let plain = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"password": PASSWORD}});
    let put = |look: bool, value: Value| {
        let mut evidence = forge::evidence("eve");
        let looks = match look {
            true => &mut evidence.looks[0].observations,
            false => evidence.experiments[0].looks.values_mut().next().unwrap(),
        };
        let mut observation = looks.values().next().unwrap().clone();
        observation.outcome = Outcome::Present(value);
        looks.insert("list v1 secrets -n lab01-solution".to_owned(), observation);
        serde_json::to_vec(&evidence).unwrap()
    };
    for (look, value) in [
        (true, json!([secret])),
        (false, json!([secret])),
        (true, json!([plain])),
        (true, secret.clone()),
        (false, plain),
    ] {
        let class = Class::new();
        class.put("eve.tar.zst", parts(&put(look, value)).packed());
        let graded = class.grade(&[]);
        graded.is_refused("ungradable", "holds a Secret whose values were not redacted");
        assert!(!graded.written.contains(PASSWORD));
        for entry in fs::read_dir(class.place.path("out")).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));
        }
        assert!(!graded.said.err.contains(PASSWORD) && !graded.said.out.contains(PASSWORD));
    }
}

#[test]
fn patterns_take_time_linear_in_the_text() {
    // 32: a backtracking engine would need longer than there is time for this.
    let mut evidence = forge::evidence("eve");
    let long = format!("{}!", "a".repeat(1 << 20));
    let set = |evidence: &mut Evidence, text: &str| {
        for look in &mut evidence.looks {
            let Some(answer) = look.observations.get_mut("context") else { continue };
            let Outcome::Present(context) = &mut answer.outcome else { panic!("no context") };
            context["user"] = json!(text);
        }
    };
    set(&mut evidence, &long);
    let class = Class::new();
    class.put("eve.tar.zst", forge::submission("eve", &evidence));
    let lab = "format: 1\nlab: lab01\nbonus: [extra]\nhidden:\n- id: extra\n  title: Beyond\n  points: 1\n  \
               text: unseen\n  hints: [a, b, c]\n  checks:\n  - id: unseen\n    title: a pattern\n    \
               expect: \"!context.user.matches('^(a+)+$')\"\n    wrong: no\n";
    class.place.write("rubric.yaml", lab);
    let begun = std::time::Instant::now();
    let graded = class.grade(&["--rubric", "rubric.yaml"]);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    // Graded as ada is; the text is cut where it is told.
    assert_eq!(graded.of("ada")["score"], 10_100);
    let eve = graded.of("eve");
    assert!(eve["score"] == 10_100 || eve["standing"]["is"] == "unknown", "{}", eve["standing"]);
    assert!(graded.written.len() < 1 << 20, "{}", graded.written.len());
}

#[test]
fn text_of_students_is_told_without_control() {
    let mut evidence = forge::evidence("eve");
    evidence.lab.id = "lab\u{1b}]8;;http://x\u{7}".to_owned();
    let text = serde_json::to_vec(&evidence).unwrap();
    let own = parts_with(&text, |card| card["lab"]["id"] = json!(evidence.lab.id));
    let class = Class::new();
    class.put("eve.tar.zst", own.packed());
    class.grade(&[]).is_refused("ungradable", "is of `lab\\u{1b}]8;;http://x\\u{7}`, expected `lab01`");
    let class = Class::new();
    class.put("eve.tar.zst", beside(vec![], vec![file("x\u{202e}y", b"\x1b[2J")]));
    let graded = class.grade(&[]);
    graded.is_full("eve");
    assert!(graded.written.contains("it also holds `x\\u{202e}y`, which was not read"));
}
