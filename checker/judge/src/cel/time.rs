//! Durations and timestamps with the ranges, the accepted texts and the
//! rounding of the API server's CEL.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{DateTime, datetime};
use jiff::tz::{Offset, TimeZoneDatabase};

use super::number;

const NANOS: i64 = 1_000_000_000;
const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in Unix seconds.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A span of time in nanoseconds, at most about 292 years either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

/// A point in time between the years 1 and 9999. It keeps the offset it was
/// written with, which only its text shows.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// Nanoseconds since 1970 began. (`jiff`'s own timestamps end a day before
    /// the year 9999 does.)
    nanos: i128,
    offset: Offset,
}

impl Duration {
    /// Reads a sequence of decimal numbers with units, such as `1h30m` or
    /// `-1.5s`; the units are h, m, s, ms, us, µs and ns.
    pub fn parse(text: &str) -> Option<Duration> {
        let (negative, mut rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Some(Duration(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (part, after) = segment(rest)?;
            total = total.checked_add(part)?;
            rest = after;
        }
        let signed = if negative { -total } else { total };
        i64::try_from(signed).ok().map(Duration)
    }

    /// The whole length in seconds.
    pub fn seconds(self) -> f64 {
        (self.0 / NANOS) as f64 + (self.0 % NANOS) as f64 / NANOS as f64
    }
}

/// One number with its unit in nanoseconds, and what follows it.
fn segment(text: &str) -> Option<(i128, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(number_end);
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let scale: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut nanos = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok().map(i128::from)? * scale };
    // Digits beyond what a nanosecond can hold are dropped, as Go does.
    let mut weight = scale;
    for digit in fraction.bytes() {
        weight /= 10;
        nanos += i128::from(digit - b'0') * weight;
    }
    Some((nanos, rest))
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", number::plain(self.seconds()))
    }
}

impl Timestamp {
    /// Reads an RFC 3339 timestamp.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let zone = match bytes.last()? {
            b'Z' => bytes.len() - 1,
            _ => bytes.len().checked_sub(6)?,
        };
        let digits = |range: std::ops::Range<usize>| {
            bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
        };
        let shaped = bytes.is_ascii()
            && digits(0..4)
            && digits(5..7)
            && digits(8..10)
            && digits(11..13)
            && digits(14..16)
            && digits(17..19)
            && bytes[4] == b'-'
            && bytes[7] == b'-'
            && bytes[10] == b'T'
            && bytes[13] == b':'
            && bytes[16] == b':'
            && (zone == 19 || (zone > 20 && bytes[19] == b'.' && digits(20..zone)))
            // A leap second exists in no clock that Go knows.
            && &bytes[17..19] != b"60";
        if !shaped {
            return None;
        }
        let offset = if zone + 1 == bytes.len() { Offset::UTC } else { fixed_offset(&text[zone..])? };
        let civil: DateTime = text[..zone.min(29)].parse().ok()?;
        let nanos = civil.duration_since(EPOCH).as_nanos();
        Timestamp::checked(nanos - i128::from(offset.seconds()) * i128::from(NANOS), offset)
    }

    /// The time `seconds` after 1970 began, in UTC.
    pub fn from_unix(seconds: i64) -> Option<Timestamp> {
        Timestamp::checked(i128::from(seconds) * i128::from(NANOS), Offset::UTC)
    }

    fn checked(nanos: i128, offset: Offset) -> Option<Timestamp> {
        let seconds = i64::try_from(nanos.div_euclid(i128::from(NANOS))).ok()?;
        SECONDS.contains(&seconds).then_some(Timestamp { nanos, offset })
    }

    /// Seconds since 1970 began, rounded towards the past.
    pub fn unix(self) -> i64 {
        self.nanos.div_euclid(i128::from(NANOS)) as i64
    }

    /// Nanoseconds since 1970 began.
    pub fn unix_nanos(self) -> i128 {
        self.nanos
    }

    /// This time moved by `by` nanoseconds; `None` outside the years 1 to 9999.
    pub fn shifted(self, by: i128) -> Option<Timestamp> {
        Timestamp::checked(self.nanos.checked_add(by)?, self.offset)
    }

    /// The time from `earlier` until this, if a duration can hold it.
    pub fn since(self, earlier: Timestamp) -> Option<Duration> {
        i64::try_from(self.nanos - earlier.nanos).ok().map(Duration)
    }

    /// The calendar and the clock at an offset, if it has this time.
    fn at(self, offset: Offset) -> Option<DateTime> {
        let nanos = self.nanos + i128::from(offset.seconds()) * i128::from(NANOS);
        let seconds = i64::try_from(nanos.div_euclid(i128::from(NANOS))).ok()?;
        let rest = i32::try_from(nanos.rem_euclid(i128::from(NANOS))).ok()?;
        EPOCH.checked_add(SignedDuration::new(seconds, rest)).ok()
    }

    /// The calendar and the clock in a zone: an IANA name, or an offset such
    /// as `-07:30`. Zones come from the copy compiled in, so that the answer
    /// does not depend on the machine.
    pub fn in_zone(self, zone: &str) -> Option<DateTime> {
        if zone.is_empty() {
            return self.at(Offset::UTC);
        }
        if zone.contains(':') {
            return self.at(fixed_offset(zone)?);
        }
        let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
        let known = jiff::Timestamp::from_nanosecond(self.nanos).unwrap_or(jiff::Timestamp::MAX);
        self.at(zone.to_offset(known))
    }

    /// The calendar and the clock in UTC.
    pub fn in_utc(self) -> DateTime {
        self.at(Offset::UTC).unwrap_or(DateTime::MAX)
    }
}

/// An offset from UTC written as hours and minutes, `-07:30`.
fn fixed_offset(text: &str) -> Option<Offset> {
    let (hours, minutes) = text.split_once(':')?;
    let hours: i64 = hours.parse().ok()?;
    let minutes: i64 = minutes.parse().ok()?;
    if !(-23..=23).contains(&hours) || !(0..60).contains(&minutes) {
        return None;
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let seconds = hours * 3600 + sign * minutes * 60;
    Offset::from_seconds(i32::try_from(seconds).ok()?).ok()
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Timestamp) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Timestamp) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Timestamp) -> std::cmp::Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.at(self.offset).unwrap_or(DateTime::MAX);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        )?;
        let nanos = civil.subsec_nanosecond();
        if nanos != 0 {
            write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?;
        }
        let offset = self.offset.seconds();
        if offset == 0 {
            return f.write_str("Z");
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}
