//! One gauge out of a page of Prometheus text.

use serde_json::{Number, Value};

/// What a page says about a metric.
#[derive(Debug, PartialEq)]
pub(crate) enum Gauge {
    /// It has no sample.
    Absent,
    /// Its one value: whole numbers are integers.
    Value(Value),
    /// It has samples that are not one number.
    Unusable(String),
}

/// Finds the one sample of `metric`, whatever its labels.
pub(crate) fn find(page: &str, metric: &str) -> Gauge {
    let mut found: Option<Value> = None;
    for line in page.lines() {
        let Some(rest) = line.trim_start().strip_prefix(metric) else { continue };
        let after = match rest.chars().next() {
            Some('{') => match after_labels(rest) {
                Some(after) => after,
                None => return Gauge::Unusable(format!("cannot read `{line}`")),
            },
            Some(' ' | '\t') => rest,
            // Another metric whose name begins the same.
            _ => continue,
        };
        // A timestamp may follow the value.
        let value = after.split_whitespace().next().and_then(number);
        let Some(value) = value else { return Gauge::Unusable(format!("cannot read `{line}`")) };
        if found.as_ref().is_some_and(|first| *first != value) {
            return Gauge::Unusable("its samples differ".to_owned());
        }
        found = Some(value);
    }
    found.map_or(Gauge::Absent, Gauge::Value)
}

/// What follows the label set; label values are quoted and may hold braces.
fn after_labels(text: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// A finite value; JSON has no others.
fn number(text: &str) -> Option<Value> {
    let value: f64 = text.parse().ok()?;
    // Beyond 2^53 a float is not exactly the integer it prints as.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return format!("{value:.0}").parse::<i64>().ok().map(Value::from);
    }
    Number::from_f64(value).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PAGE: &str = "\
# HELP kubelet_cgroup_version cgroup version on the hosts.
# TYPE kubelet_cgroup_version gauge
kubelet_cgroup_version 2
kubelet_cgroup_version_total 9
labelled{a=\"x}\\\" y\",b=\"\"} 1.5 1700000000000
twice{n=\"1\"} 3
twice{n=\"2\"} 4
same{n=\"1\"} 3
same{n=\"2\"} 3e0
nan NaN
broken{a=\"x 1
";

    #[test]
    fn one_number_or_why_not() {
        assert_eq!(find(PAGE, "kubelet_cgroup_version"), Gauge::Value(json!(2)));
        assert_eq!(find(PAGE, "labelled"), Gauge::Value(json!(1.5)));
        assert_eq!(find(PAGE, "same"), Gauge::Value(json!(3)));
        assert_eq!(find(PAGE, "kubelet_cgroup"), Gauge::Absent);
        assert_eq!(find("", "x"), Gauge::Absent);
        assert_eq!(find(PAGE, "twice"), Gauge::Unusable("its samples differ".into()));
        assert!(matches!(find(PAGE, "nan"), Gauge::Unusable(_)));
        assert!(matches!(find(PAGE, "broken"), Gauge::Unusable(_)));
    }
}
