//! The functions that every expression has: those of CEL, those that the API
//! server adds, and `present()`.

pub mod arguments;
mod convert;
pub mod format;
mod format_checks;
mod lists;
mod net;
mod optional;
mod quantities;
mod semvers;
mod sets;
mod standard;
mod string_format;
mod strings;
mod times;
mod urls;

use super::functions::Functions;

/// Names with a dot that are functions, not members of a variable.
const QUALIFIED: [&str; 11] = [
    "format.named",
    "ip.isCanonical",
    "lists.range",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "optional.unwrap",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "strings.quote",
];

/// Whether `name` is a function of a namespace.
pub(super) fn is_qualified(name: &str) -> bool {
    QUALIFIED.contains(&name)
        || name.strip_prefix("format.").is_some_and(|name| format::Format::named(name).is_some())
}

/// Registers every function.
pub(super) fn register(functions: &mut Functions) {
    standard::register(functions);
    convert::register(functions);
    optional::register(functions);
    times::register(functions);
    strings::register(functions);
    string_format::register(functions);
    lists::register(functions);
    sets::register(functions);
    quantities::register(functions);
    semvers::register(functions);
    net::register(functions);
    urls::register(functions);
    format::register(functions);
}
