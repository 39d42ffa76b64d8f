//! Numbers as text, the way Go prints them.

/// `d` as Go's `%g` prints it: the shortest digits that read back as `d`, with
/// an exponent below 1e-4 and from 1e6 on.
pub(super) fn general(d: f64) -> String {
    if !d.is_finite() {
        return special(d);
    }
    if d == 0.0 {
        return if d.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = format!("{d:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        format!("{d}")
    } else {
        format!("{digits}e{}", signed_exponent(exponent))
    }
}

/// `d` in decimal notation without an exponent, shortest form.
pub(super) fn plain(d: f64) -> String {
    if d.is_finite() { format!("{d}") } else { special(d) }
}

/// `d` in scientific notation with `precision` digits after the point.
pub(super) fn scientific(d: f64, precision: usize) -> String {
    if !d.is_finite() {
        return special(d);
    }
    let text = format!("{d:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}", signed_exponent(exponent))
}

/// The names of the values that are not numbers.
fn special(d: f64) -> String {
    if d.is_nan() {
        "NaN"
    } else if d > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
    .to_owned()
}

fn signed_exponent(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{:02}", exponent.unsigned_abs())
}
