//! One monotonic clock per observer, and how far the server's is from ours.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Time since the first look, and the skew seen so far.
#[derive(Default)]
pub(crate) struct Clock {
    start: OnceLock<Instant>,
    /// Bounds of server clock minus ours, in milliseconds.
    skew: Mutex<Option<(i64, i64)>>,
}

impl Clock {
    /// Starts the clock if it does not run; says whether it did.
    pub(crate) fn start(&self) -> bool {
        self.start.set(Instant::now()).is_err()
    }

    /// Milliseconds after the first look.
    pub(crate) fn at_ms(&self) -> u64 {
        let start = *self.start.get_or_init(Instant::now);
        u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes in an answer's Date, which the server set between `sent` and
    /// `received` (ours, milliseconds since the epoch).
    ///
    /// Date has whole seconds, cut off: one answer bounds the skew to about a
    /// second, each further one narrows it.
    pub(crate) fn observe_date(&self, date: &str, sent: i64, received: i64) {
        let Ok(date) = httpdate::parse_http_date(date) else { return };
        let date = epoch_ms(date);
        let (low, high) = (date - received, date + 999 - sent);
        let mut skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        let (known_low, known_high) = skew.unwrap_or((low, high));
        let (both_low, both_high) = (low.max(known_low), high.min(known_high));
        // No overlap: one of the clocks was set meanwhile, the newest counts.
        *skew = Some(if both_low <= both_high { (both_low, both_high) } else { (low, high) });
    }

    /// Server clock minus ours in milliseconds: 0 as long as that is possible,
    /// else the middle of what is.
    pub(crate) fn skew_ms(&self) -> i64 {
        match *self.skew.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((low, high)) if low > 0 || high < 0 => low.midpoint(high),
            _ => 0,
        }
    }
}

/// Our wall clock, in milliseconds since the epoch.
pub(crate) fn wall_ms() -> i64 {
    epoch_ms(SystemTime::now())
}

fn epoch_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Thu, 01 Jan 1970 00:01:40 GMT";

    #[test]
    fn a_date_within_its_second_is_no_skew() {
        let clock = Clock::default();
        clock.observe_date(DATE, 100_700, 100_720);
        assert_eq!(clock.skew_ms(), 0);
    }

    #[test]
    fn answers_narrow_the_skew_and_a_set_clock_starts_anew() {
        let clock = Clock::default();
        clock.observe_date(DATE, 90_000, 90_000);
        assert_eq!(clock.skew_ms(), 10_499);
        clock.observe_date(DATE, 90_800, 90_800);
        assert_eq!(clock.skew_ms(), 10_000 + 99);
        clock.observe_date(DATE, 100_100, 100_100);
        assert_eq!(clock.skew_ms(), 0);
    }

    #[test]
    fn the_first_look_starts_the_clock() {
        let clock = Clock::default();
        assert!(!clock.start());
        assert!(clock.start());
        assert!(clock.at_ms() < 1000);
    }
}
