//! Semantic versions.

use std::sync::Arc;

use semver::Version;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::value::Value;

use super::arguments::{cel_arguments, wrong_types};

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("semver", semver)
        .global("isSemver", is_semver)
        .member("major", |_, r, a| number(r, a, |v| v.major))
        .member("minor", |_, r, a| number(r, a, |v| v.minor))
        .member("patch", |_, r, a| number(r, a, |v| v.patch));
}

fn parse(receiver: Option<&Value>, arguments: &[Value]) -> Result<Option<Version>, EvalError> {
    match (receiver, arguments) {
        (None, [Value::String(text)] | [Value::String(text), Value::Bool(false)]) => {
            Ok(Version::parse(text).ok())
        }
        (None, [Value::String(text), Value::Bool(true)]) => {
            Ok(normalized(text).and_then(|text| Version::parse(&text).ok()))
        }
        _ => Err(wrong_types(receiver, arguments)),
    }
}

/// Drops a leading `v` and leading zeros, and adds what is missing of
/// `major.minor.patch`. A short version has no pre-release.
fn normalized(text: &str) -> Option<String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 {
        if parts.last()?.contains(['+', '-']) {
            return None;
        }
        parts.resize(3, "0".to_owned());
    }
    Some(parts.join("."))
}

fn without_zeros(part: &str) -> String {
    if part.len() <= 1 {
        return part.to_owned();
    }
    let stripped = part.trim_start_matches('0');
    if stripped.starts_with(|c: char| c.is_ascii_digit()) {
        stripped.to_owned()
    } else {
        format!("0{stripped}")
    }
}

fn semver(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match parse(receiver, arguments)? {
        Some(version) => Ok(Value::Semver(Arc::new(version))),
        None => Err(EvalError::invalid(format!(
            "`{}` is not a semantic version such as `1.2.3`",
            arguments[0].as_str().unwrap_or_default()
        ))),
    }
}

fn is_semver(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    Ok(Value::Bool(parse(receiver, arguments)?.is_some()))
}

fn number(receiver: Option<&Value>, arguments: &[Value], part: fn(&Version) -> u64) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Semver(version)), []));
    i64::try_from(part(version)).map(Value::Int).map_err(|_| EvalError::overflow("semver"))
}
