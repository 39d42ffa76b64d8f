use super::*;

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

#[test]
fn every_kind_survives_the_wire_and_every_cut_is_incomplete() {
    let value = Value::Array(vec![
        Value::Simple("OK".to_owned()),
        Value::Error("ERR no".to_owned()),
        Value::Integer(-7),
        Value::Bulk(b"\r\n\0".to_vec()),
        Value::Nil,
        Value::Array(vec![Value::Bulk(Vec::new())]),
    ]);
    let bytes = encoded(&value);
    assert_eq!(parse(&bytes), Ok(Some((value, bytes.len()))));
    for cut in 0..bytes.len() {
        assert_eq!(parse(&bytes[..cut]), Ok(None), "cut at {cut}");
    }
}

#[test]
fn the_next_value_is_left_alone() {
    assert_eq!(parse(b":1\r\n:2\r\n"), Ok(Some((Value::Integer(1), b":1\r\n".len()))));
    assert_eq!(parse(b"*-1\r\n"), Ok(Some((Value::Nil, 5))));
}

#[test]
fn limits_hold_before_the_bytes_come() {
    for (bytes, part) in [
        (&b"$1048577\r\n"[..], "length 1048577"),
        (b"*65537\r\n", "length 65537"),
        (b"$-2\r\n", "length -2"),
        (b"$x\r\n", "whole number"),
        (b"$1\r\nabc", "longer than it says"),
        (b"?\r\n", "expected `+`"),
        (b"\r\n", "expected `+`"),
        (b"+\xff\r\n", "not UTF-8"),
    ] {
        let why = parse(bytes).expect_err("malformed").to_string();
        assert!(why.contains(part), "{why}");
    }
    let deep = parse(&b"*1\r\n".repeat(100_000)).expect_err("malformed");
    assert!(deep.to_string().contains("nested"), "{deep}");
    let long = parse(&[b'+'; LINE_LIMIT + 1]).expect_err("malformed");
    assert!(long.to_string().contains("a line of more"), "{long}");
}

#[test]
fn error_replies_stay_on_one_line() {
    assert_eq!(encoded(&Value::error("a\r\n+b")), b"-a  +b\r\n");
}
