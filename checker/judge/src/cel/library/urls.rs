//! URLs.

use std::sync::Arc;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::url::Url;
use crate::cel::value::Value;

use super::arguments::cel_arguments;

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("url", url)
        .global("isURL", is_url)
        .member("getScheme", |_, r, a| part(r, a, |u| u.scheme().to_owned()))
        .member("getHost", |_, r, a| part(r, a, |u| u.host().to_owned()))
        .member("getHostname", |_, r, a| part(r, a, |u| u.hostname().to_owned()))
        .member("getPort", |_, r, a| part(r, a, |u| u.port().to_owned()))
        .member("getEscapedPath", |_, r, a| part(r, a, Url::escaped_path))
        .member("getQuery", query);
}

fn url(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    ctx.take_bytes(text.len())?;
    Url::parse(text)
        .map(|url| Value::Url(Arc::new(url)))
        .ok_or_else(|| EvalError::invalid(format!("`{text}` is not an absolute URL")))
}

fn is_url(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    ctx.take_bytes(text.len())?;
    Ok(Value::Bool(Url::is_valid(text)))
}

fn part(receiver: Option<&Value>, arguments: &[Value], of: fn(&Url) -> String) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Url(url)), []));
    Ok(of(url).into())
}

fn query(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Url(url)), []));
    let values = url.query();
    ctx.take(values.len() as u64)?;
    Ok(Value::object(values.into_iter().map(|(name, values)| {
        let values: Vec<Value> = values.into_iter().map(Value::from).collect();
        (name, Value::from(values))
    })))
}
