//! Named string formats, with the API server's own messages.

use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Function, Functions};
use crate::cel::value::Value;

use super::arguments::cel_arguments;
use super::format_checks::{
    byte, date, datetime, dns1035_label, dns1123_label, dns1123_subdomain, label_value, masked,
    qualified_name, uri, uuid,
};

/// A named format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    name: &'static str,
    check: fn(&str) -> Vec<String>,
}

/// Registered as functions, `format.uri()`, and found by `format.named('uri')`.
const FORMATS: [(&str, Format); 13] = [
    ("format.byte", Format { name: "byte", check: byte }),
    ("format.date", Format { name: "date", check: date }),
    ("format.datetime", Format { name: "datetime", check: datetime }),
    ("format.dns1035Label", Format { name: "dns1035Label", check: dns1035_label }),
    (
        "format.dns1035LabelPrefix",
        Format { name: "dns1035LabelPrefix", check: |text| dns1035_label(&masked(text)) },
    ),
    ("format.dns1123Label", Format { name: "dns1123Label", check: dns1123_label }),
    (
        "format.dns1123LabelPrefix",
        Format { name: "dns1123LabelPrefix", check: |text| dns1123_label(&masked(text)) },
    ),
    ("format.dns1123Subdomain", Format { name: "dns1123Subdomain", check: dns1123_subdomain }),
    (
        "format.dns1123SubdomainPrefix",
        Format { name: "dns1123SubdomainPrefix", check: |text| dns1123_subdomain(&masked(text)) },
    ),
    ("format.labelValue", Format { name: "labelValue", check: label_value }),
    ("format.qualifiedName", Format { name: "qualifiedName", check: qualified_name }),
    ("format.uri", Format { name: "uri", check: uri }),
    ("format.uuid", Format { name: "uuid", check: uuid }),
];

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().map(|(_, format)| *format).find(|format| format.name == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What is wrong with `text`; nothing if it has this format.
    pub fn check(self, text: &str) -> Vec<String> {
        (self.check)(text)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name == other.name
    }
}

pub(super) fn register(functions: &mut Functions) {
    functions.global("format.named", named).member("validate", validate);
    for (qualified, _) in FORMATS {
        functions.global(qualified, constant(qualified));
    }
}

/// The function that gives one format.
fn constant(qualified: &str) -> Function {
    macro_rules! of {
        ($($at:literal)*) => {
            match FORMATS.iter().position(|(name, _)| *name == qualified) {
                $(Some($at) => |_, r, a| {
                    cel_arguments!(r, a, (None, []));
                    Ok(Value::Format(FORMATS[$at].1))
                },)*
                _ => |_, r, a| Err(super::arguments::wrong_types(r, a)),
            }
        };
    }
    of!(0 1 2 3 4 5 6 7 8 9 10 11 12)
}

fn named(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(name)]));
    Ok(match Format::named(name) {
        Some(format) => Value::some(Value::Format(format)),
        None => Value::Optional(None),
    })
}

fn validate(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Format(format)), [Value::String(text)]));
    ctx.take_bytes(text.len())?;
    let wrong: Vec<Value> = format.check(text).into_iter().map(Value::from).collect();
    Ok(if wrong.is_empty() { Value::Optional(None) } else { Value::some(wrong.into()) })
}
