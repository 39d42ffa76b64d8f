//! Times as the API writes them.

/// Milliseconds since the epoch of an RFC 3339 time, or `None` if it is none.
pub(crate) fn ms(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}
