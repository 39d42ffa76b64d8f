//! Traffic: what became of the requests of a load, and of what was watched
//! beside it. Expressions never walk thousands of requests; these functions
//! do.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc};

use lab_spec::sample::{Answer, Load, Sample, Watched};

use super::{Doc, items, number, text, wrong_types};
use crate::cel::{Ctx, EvalError, Native, Unavailability, Value};

pub(super) const DOCS: &[Doc] = &[
    Doc {
        name: "requests",
        signature: "requests(load[, window]) -> int",
        says: "How many requests were sent. A window is `'first 3s'`, `'last 3s'`, or two times in milliseconds, `[step.at_ms, then.at_ms]`; a request belongs to the moment it was due.",
        trap: "No failures among no requests proves nothing: judge this beside `failures`.",
        call: requests,
    },
    Doc {
        name: "failures",
        signature: "failures(load[, window]) -> int",
        says: "How many requests got no 2xx answer, or, if the load carries a nonce, one that does not prove it.",
        trap: "Nothing is sent twice, so a failure that a client's retry would hide counts. A prober that lagged or could not send makes the load unavailable, which is no failure.",
        call: failures,
    },
    Doc {
        name: "broken",
        signature: "broken(load[, window]) -> int",
        says: "How many requests were lost after they had reached a server: the connection was reset or closed, or no answer came in time.",
        trap: "A refused connection was never under way. A server that stops may refuse new requests and still finish the old ones, or the other way round.",
        call: broken,
    },
    Doc {
        name: "failedHow",
        signature: "failedHow(load[, window]) -> string",
        says: "How requests failed, for messages, as in `12 refused, 3 reset`.",
        trap: "`refused` and `reset` come from a process that is gone, `timeout` from an address nobody has, `status` from a process that is there.",
        call: failed_how,
    },
    Doc {
        name: "lossBound",
        signature: "lossBound(load) -> double",
        says: "The share of requests that may really fail, with 95 % confidence, when none of these did: about 3/n, in percent.",
        trap: "No failure in n requests is not a loss of 0; with failures it is an error to ask.",
        call: loss_bound,
    },
    Doc {
        name: "quantile",
        signature: "quantile(load, q[, window]) -> double",
        says: "The latency in milliseconds that the share `q` of the requests stayed within, counted from when each was due; a failed request counts as the load's timeout.",
        trap: "Quantiles of the successes alone get better the more requests fail; and a client that waits for answers hides the delay of all it did not send.",
        call: quantile,
    },
    Doc {
        name: "share",
        signature: "share(load, field, value[, window]) -> double",
        says: "The share of all requests whose answer has this `version` or `pod`, 0.0 to 1.0.",
        trap: "Failed requests count as answered by nobody. Of n requests a share is known only to about 1/sqrt(n): judge a split with a tolerance.",
        call: share,
    },
    Doc {
        name: "outage",
        signature: "outage(load[, window]) -> double",
        says: "The longest time in milliseconds in which every request failed, 0.0 without a failure.",
        trap: "It is known only to one request's distance, so its resolution is 1000/rate milliseconds.",
        call: outage,
    },
    Doc {
        name: "fewest",
        signature: "fewest(watch, state[, window]) -> int",
        says: "The fewest objects of a watch that were in this state at once, as in `fewest(friday.slices, 'ready')`.",
        trap: "What is heard of a change comes milliseconds after it; two changes heard of at once count as one moment.",
        call: fewest,
    },
];

/// A prober that sent one request in a hundred later than this was not the
/// open loop it says it is; what it saw then is not held against anybody.
const MOST_LAG_MS: f64 = 1_000.0;

/// A prober that sent nothing for longer than this, in requests that were due,
/// may have slept through an outage.
const MOST_PAUSE_MS: f64 = 500.0;

/// Latencies count from when a request was due, so they hold the prober's own
/// lag: past this they say more of the prober than of the server.
const MOST_LAG_OF_LATENCIES_MS: f64 = 50.0;

/// A load as expressions hold it.
#[derive(Debug)]
struct Traffic(Load);

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = 0..self.0.answer.len();
        let failed = all.clone().filter(|seq| failed(&self.0, *seq)).count();
        write!(f, "{} requests, {failed} failed", all.len())
    }
}

impl Native for Traffic {
    fn kind_name(&self) -> &'static str {
        "load"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What the name of a sampler stands for.
pub(crate) fn bind(name: &str, sample: &Sample) -> Value {
    match sample {
        Sample::Load(load) => match unfit(load) {
            Some(why) => Value::unavailable(format!("load `{name}`"), why),
            None => Value::Native(Arc::new(Traffic((**load).clone()))),
        },
        Sample::Watch(watched) if watched.gap => Value::unavailable(
            format!("watch `{name}`"),
            "there was a time when changes could have gone unseen",
        ),
        Sample::Watch(watched) => watch(watched),
        Sample::Unavailable { why } => Value::unavailable(format!("sampler `{name}`"), why.clone()),
    }
}

/// Why nothing follows from a load, if nothing does.
pub(crate) fn unfit(load: &Load) -> Option<String> {
    let columns = load.answer.len() == load.latency.len()
        && load.answer.iter().all(|answer| (*answer as usize) < load.answers.len());
    if !columns {
        return Some("its columns do not fit together".to_owned());
    }
    let distance = 1000.0 / f64::from(load.rate.max(1));
    let busy = "the machine is too busy to measure on";
    if load.lag_p99_ms > MOST_LAG_MS {
        return Some(format!(
            "the prober sent one request in a hundred more than {:.0} ms late, accepted are {MOST_LAG_MS:.0} ms; \
             {busy}",
            load.lag_p99_ms
        ));
    }
    (load.pause_max_ms > MOST_PAUSE_MS + distance).then(|| {
        format!(
            "the prober sent nothing for {:.0} ms, accepted are {:.0} ms; {busy}",
            load.pause_max_ms,
            MOST_PAUSE_MS + distance
        )
    })
}

fn watch(watched: &Watched) -> Value {
    let changes: Vec<_> = watched
        .changes
        .iter()
        .map(|change| {
            Value::object([
                ("at_ms", Value::Int(change.at_ms as i64)),
                ("object", change.object.as_str().into()),
                ("state", change.state.as_str().into()),
            ])
        })
        .collect();
    Value::object([("from_ms", Value::Int(watched.from_ms as i64)), ("changes", changes.into())])
}

fn answer(load: &Load, seq: usize) -> &Answer {
    &load.answers[load.answer[seq] as usize]
}

/// Whether request `seq` failed.
pub(crate) fn failed(load: &Load, seq: usize) -> bool {
    let answer = answer(load, seq);
    answer.error.is_some() || (load.nonce && !answer.proven)
}

/// In a word, how request `seq` failed.
pub(crate) fn how(load: &Load, seq: usize) -> String {
    let answer = answer(load, seq);
    match (&answer.error, answer.status) {
        (Some(error), Some(status)) if error == "status" => format!("status {status}"),
        (Some(error), _) => error.clone(),
        (None, _) => "unproven".to_owned(),
    }
}

/// The most requests that may fail of many, in percent, when none of `n` did.
pub(crate) fn bound(n: usize) -> f64 {
    // 1 - 0.05^(1/n): the rule of three, also right for small n.
    (1.0 - 0.05_f64.powf(1.0 / n.max(1) as f64)) * 100.0
}

fn load<'a>(name: &str, arguments: &'a [Value]) -> Result<&'a Load, EvalError> {
    let Some(Value::Native(native)) = arguments.first() else { return Err(wrong_types(name, arguments)) };
    let traffic = native.as_any().downcast_ref::<Traffic>();
    traffic.map(|traffic| &traffic.0).ok_or_else(|| wrong_types(name, arguments))
}

/// From and to in milliseconds after the first look.
fn window(window: Option<&Value>, begin: f64, end: f64) -> Result<(f64, f64), EvalError> {
    let odd = |value: &Value| {
        EvalError::invalid(format!(
            "`{value}` is no window; expected `'last 3s'`, `'first 3s'` or `[from, to]`"
        ))
    };
    match window {
        None => Ok((f64::NEG_INFINITY, f64::INFINITY)),
        Some(value @ Value::String(text)) => {
            let (word, span) = text.split_once(' ').ok_or_else(|| odd(value))?;
            let span: lab_spec::Span = span.parse().map_err(|_| odd(value))?;
            match word {
                "first" => Ok((begin, begin + span.as_ms() as f64)),
                "last" => Ok((end - span.as_ms() as f64, end)),
                _ => Err(odd(value)),
            }
        }
        Some(value @ Value::List(ends)) => {
            let time = |end: &Value| match end {
                Value::Int(ms) => Some(*ms as f64),
                Value::Double(ms) => Some(*ms),
                _ => None,
            };
            match &ends[..] {
                [from, to] => time(from).zip(time(to)).ok_or_else(|| odd(value)),
                _ => Err(odd(value)),
            }
        }
        Some(other) => Err(odd(other)),
    }
}

/// The requests that were due in a window.
fn chosen(
    ctx: &mut Ctx<'_>,
    load: &Load,
    given: Option<&Value>,
) -> Result<std::ops::Range<usize>, EvalError> {
    let count = load.answer.len();
    ctx.take(count as u64)?;
    let (from, to) = window(given, load.start_ms, load.due_ms(count))?;
    let begin = due_from(load, from);
    Ok(begin..due_from(load, to).max(begin))
}

/// The first request that was due at `limit` or later, of those there are.
fn due_from(load: &Load, limit: f64) -> usize {
    let (mut low, mut high) = (0, load.answer.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if load.due_ms(middle) < limit {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn some(range: std::ops::Range<usize>, given: Option<&Value>) -> Result<std::ops::Range<usize>, EvalError> {
    if range.is_empty() {
        let when = given.map(|window| format!(" in {window}")).unwrap_or_default();
        return Err(EvalError::invalid(format!("no request was due{when}")));
    }
    Ok(range)
}

fn requests(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let range = chosen(ctx, load("requests", arguments)?, arguments.get(1))?;
    Ok(Value::Int(range.len() as i64))
}

fn failures(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("failures", arguments)?;
    let range = chosen(ctx, load, arguments.get(1))?;
    Ok(Value::Int(range.filter(|seq| failed(load, *seq)).count() as i64))
}

/// Failures of requests that were under way.
const UNDER_WAY: &[&str] = &["reset", "closed", "timeout", "protocol"];

fn broken(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("broken", arguments)?;
    let range = chosen(ctx, load, arguments.get(1))?;
    let lost =
        |seq: &usize| answer(load, *seq).error.as_deref().is_some_and(|error| UNDER_WAY.contains(&error));
    Ok(Value::Int(range.filter(lost).count() as i64))
}

fn failed_how(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("failedHow", arguments)?;
    let range = chosen(ctx, load, arguments.get(1))?;
    Ok(counted(load, range).into())
}

/// How the requests of a range failed, as in `12 refused, 3 reset`.
pub(crate) fn counted(load: &Load, range: impl Iterator<Item = usize>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for seq in range.filter(|seq| failed(load, *seq)) {
        *counts.entry(how(load, seq)).or_default() += 1;
    }
    if counts.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<_> = counts.into_iter().map(|(how, count)| format!("{count} {how}")).collect();
    words.join(", ")
}

fn loss_bound(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("lossBound", arguments)?;
    let range = some(chosen(ctx, load, None)?, None)?;
    let failures = range.clone().filter(|seq| failed(load, *seq)).count();
    if failures > 0 {
        return Err(EvalError::invalid(format!("{failures} requests failed, so there is no bound by none")));
    }
    Ok(bound(range.len()).into())
}

fn quantile(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("quantile", arguments)?;
    let q = match arguments.get(1) {
        Some(Value::Double(q)) if (0.0..=1.0).contains(q) => *q,
        _ => return Err(wrong_types("quantile", arguments)),
    };
    if load.lag_p99_ms > MOST_LAG_OF_LATENCIES_MS {
        let what = "the latency of requests".to_owned();
        let why = format!(
            "the prober sent one in a hundred more than {:.0} ms late, accepted are {MOST_LAG_OF_LATENCIES_MS:.0} ms",
            load.lag_p99_ms
        );
        return Err(EvalError::Unavailable(Arc::new(Unavailability { what, why })));
    }
    let range = some(chosen(ctx, load, arguments.get(2))?, arguments.get(2))?;
    let latency = |seq: usize| {
        if failed(load, seq) { load.timeout_ms as f64 } else { f64::from(load.latency[seq]) / 10.0 }
    };
    let mut latencies: Vec<f64> = range.map(latency).collect();
    latencies.sort_by(f64::total_cmp);
    let rank = (q * latencies.len() as f64).ceil() as usize;
    Ok(latencies[rank.clamp(1, latencies.len()) - 1].into())
}

fn share(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("share", arguments)?;
    let (Some(Value::String(field)), Some(Value::String(wanted))) = (arguments.get(1), arguments.get(2))
    else {
        return Err(wrong_types("share", arguments));
    };
    let said = |seq: usize| match &**field {
        "version" => answer(load, seq).version.as_deref(),
        _ => answer(load, seq).pod.as_deref(),
    };
    if !matches!(&**field, "version" | "pod") {
        return Err(EvalError::invalid(format!("an answer has no `{field}`; expected `version` or `pod`")));
    }
    let range = some(chosen(ctx, load, arguments.get(3))?, arguments.get(3))?;
    let all = range.len();
    let fits = range.filter(|seq| !failed(load, *seq) && said(*seq) == Some(wanted)).count();
    Ok((fits as f64 / all as f64).into())
}

fn outage(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let load = load("outage", arguments)?;
    let range = some(chosen(ctx, load, arguments.get(1))?, arguments.get(1))?;
    let (mut longest, mut current) = (0_usize, 0_usize);
    for seq in range {
        current = if failed(load, seq) { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    Ok((longest as f64 * 1000.0 / f64::from(load.rate.max(1))).into())
}

fn fewest(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let (Some(watch @ Value::Map(_)), Some(Value::String(state))) = (arguments.first(), arguments.get(1))
    else {
        return Err(wrong_types("fewest", arguments));
    };
    let changes = items(watch, &["changes"]);
    ctx.take(changes.len() as u64)?;
    let begin = number(watch, &["from_ms"]) as f64;
    let end = changes.last().map_or(begin, |change| number(change, &["at_ms"]) as f64);
    let (from, to) = window(arguments.get(2), begin, end)?;
    let mut states: BTreeMap<&str, &str> = BTreeMap::new();
    let count = |states: &BTreeMap<&str, &str>| states.values().filter(|is| **is == &**state).count();
    let mut least: Option<usize> = None;
    let mut at = 0;
    while at < changes.len() {
        let moment = number(&changes[at], &["at_ms"]);
        // How it was until this moment.
        if moment as f64 > from.max(begin) {
            let now = count(&states);
            least = Some(least.map_or(now, |least| least.min(now)));
        }
        if moment as f64 > to {
            return Ok(Value::Int(least.unwrap_or_default() as i64));
        }
        while at < changes.len() && number(&changes[at], &["at_ms"]) == moment {
            states.insert(text(&changes[at], &["object"]), text(&changes[at], &["state"]));
            at += 1;
        }
    }
    let now = count(&states);
    Ok(Value::Int(least.map_or(now, |least| least.min(now)) as i64))
}

#[cfg(test)]
mod tests;
