//! Spans of time as labs write them: `500ms`, `10s`, `2m`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A span of time in whole milliseconds, at most one hour: nothing in a lab
/// may wait longer than a learner would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// The longest span a lab may ask for.
    pub const MAX: Span = Span(3_600_000);

    /// A span of whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(secs * 1000)
    }

    /// A span of milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Self(ms)
    }

    /// The span in milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Duration::from_millis(span.0)
    }
}

/// Why a text is not a span.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpanError {
    /// Not a whole number followed by a unit.
    #[error("`{0}` is not a span of time; expected a whole number and a unit, as in `500ms`, `10s` or `2m`")]
    Shape(String),
    /// Longer than [`Span::MAX`].
    #[error("`{0}` is longer than an hour")]
    TooLong(String),
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let shape = || SpanError::Shape(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(shape)?;
        let number: u64 = text[..digits].parse().map_err(|_| shape())?;
        let unit = match &text[digits..] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(shape()),
        };
        match number.checked_mul(unit) {
            Some(ms) if ms <= Self::MAX.0 => Ok(Self(ms)),
            _ => Err(SpanError::TooLong(text.to_owned())),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms > 0 && ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_the_same_text() {
        for text in ["0s", "500ms", "10s", "2m", "60m"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("1h".parse::<Span>().unwrap(), Span::MAX);
    }

    #[test]
    fn refuses_what_is_not_a_span() {
        for text in ["", "10", "s", "-1s", "1.5s", "10 s", "1d", "2h", "99999999999999999999s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
