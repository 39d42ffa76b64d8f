//! Parts of timestamps and durations. The API server reads timestamps in UTC
//! unless a zone is given.

use jiff::civil::DateTime;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::value::Value;

use super::arguments::wrong_types;

const NANOS: i64 = 1_000_000_000;

pub(super) fn register(functions: &mut Functions) {
    functions
        .member("getFullYear", |_, r, a| part(r, a, |t| i64::from(t.year()), None))
        .member("getMonth", |_, r, a| part(r, a, |t| i64::from(t.month()) - 1, None))
        .member("getDayOfYear", |_, r, a| part(r, a, |t| i64::from(t.day_of_year()) - 1, None))
        .member("getDayOfMonth", |_, r, a| part(r, a, |t| i64::from(t.day()) - 1, None))
        .member("getDate", |_, r, a| part(r, a, |t| i64::from(t.day()), None))
        .member("getDayOfWeek", |_, r, a| {
            part(r, a, |t| i64::from(t.weekday().to_sunday_zero_offset()), None)
        })
        .member("getHours", |_, r, a| part(r, a, |t| i64::from(t.hour()), Some(3600 * NANOS)))
        .member("getMinutes", |_, r, a| part(r, a, |t| i64::from(t.minute()), Some(60 * NANOS)))
        .member("getSeconds", |_, r, a| part(r, a, |t| i64::from(t.second()), Some(NANOS)))
        .member("getMilliseconds", milliseconds);
}

fn milliseconds(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let of_second = |t: &DateTime| i64::from(t.subsec_nanosecond()) / 1_000_000;
    part(receiver, arguments, of_second, Some(1_000_000))
}

/// A part of a timestamp, or a duration in whole units of `unit` nanoseconds.
fn part(
    receiver: Option<&Value>,
    arguments: &[Value],
    of_time: impl Fn(&DateTime) -> i64,
    unit: Option<i64>,
) -> Outcome {
    match (receiver, arguments, unit) {
        (Some(Value::Duration(d)), [], Some(unit)) => Ok(Value::Int(d.0 / unit)),
        (Some(Value::Timestamp(t)), [], _) => Ok(Value::Int(of_time(&t.in_utc()))),
        (Some(Value::Timestamp(t)), [Value::String(zone)], _) => t
            .in_zone(zone)
            .map(|time| Value::Int(of_time(&time)))
            .ok_or_else(|| EvalError::invalid(format!("`{zone}` is not a time zone"))),
        _ => Err(wrong_types(receiver, arguments)),
    }
}
