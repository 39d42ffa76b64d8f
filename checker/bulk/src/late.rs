//! Late policies. Lateness rests on the time of receipt alone: what a
//! submission says of itself, its sender chose.

use jiff::Timestamp;

use crate::grade::{Flag, Penalty};

/// What is taken off for being late.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Until when nothing is taken off; `None`: nobody is late.
    pub deadline: Option<Timestamp>,
    /// Hundredths of a percent taken off for each day begun after the deadline.
    pub per_day: u32,
    /// Days begun after the deadline that cost nothing.
    pub grace_days: u32,
    /// From when on nothing is earned any more.
    pub cut_off: Option<Timestamp>,
}

impl Policy {
    /// What is taken off what was received then, and what a teacher should know
    /// of it. `late` says that a platform called it late without saying when.
    pub fn penalty(&self, received: Option<Timestamp>, late: bool) -> (Option<Penalty>, Option<Flag>) {
        let Some(deadline) = self.deadline else { return (None, None) };
        let Some(received) = received else {
            let says = match late {
                true => "the platform calls it late and not how late; nothing was taken off",
                false => "when it was received is not known; nothing was taken off",
            };
            return (None, Some(Flag::new("receipt-unknown", says)));
        };
        if received <= deadline {
            return (None, None);
        }
        if self.cut_off.is_some_and(|cut_off| received > cut_off) {
            let why = format!("received {received}, after the cut-off");
            return (Some(Penalty { hundredths: 10_000, why }), None);
        }
        let days = days(deadline, received);
        let counted = days.saturating_sub(self.grace_days);
        let hundredths = self.per_day.saturating_mul(counted).min(10_000);
        let mut why = format!("{days} {} late", if days == 1 { "day" } else { "days" });
        let graced = days.min(self.grace_days);
        if graced > 0 {
            why = format!("{why}, {graced} of them without penalty");
        }
        (Some(Penalty { hundredths, why }), None)
    }
}

/// Days begun between the two, of 24 hours each: no clock change makes one
/// shorter.
fn days(deadline: Timestamp, received: Timestamp) -> u32 {
    let seconds = received.duration_since(deadline).as_secs_f64();
    let days = (seconds / 86_400.0).ceil();
    // Far below the bound: timestamps end in the year 9999.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and below 3,000,000"
    )]
    let days = days as u32;
    days.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn policy() -> Policy {
        Policy {
            deadline: Some(at("2026-03-28T12:00:00Z")),
            per_day: 1_000,
            grace_days: 1,
            cut_off: Some(at("2026-04-02T12:00:00Z")),
        }
    }

    fn taken(received: &str) -> Option<u32> {
        policy().penalty(Some(at(received)), false).0.map(|penalty| penalty.hundredths)
    }

    #[test]
    fn each_day_begun_costs_after_the_grace_days() {
        assert_eq!(taken("2026-03-28T12:00:00Z"), None);
        assert_eq!(taken("2026-03-28T12:00:00.5Z"), Some(0));
        assert_eq!(taken("2026-03-29T12:00:00Z"), Some(0));
        // The clocks of Europe go forward in between: a day stays 24 hours.
        assert_eq!(taken("2026-03-29T14:00:00+02:00"), Some(0));
        assert_eq!(taken("2026-03-29T12:00:01Z"), Some(1_000));
        assert_eq!(taken("2026-04-02T12:00:00Z"), Some(4_000));
        assert_eq!(taken("2026-04-02T12:00:01Z"), Some(10_000));
    }

    #[test]
    fn never_more_than_all_is_taken() {
        let policy = Policy { per_day: 6_000, grace_days: 0, cut_off: None, ..policy() };
        let (penalty, _) = policy.penalty(Some(at("2026-12-01T00:00:00Z")), false);
        assert_eq!(penalty.unwrap().hundredths, 10_000);
    }

    #[test]
    fn an_unknown_receipt_costs_nothing_and_is_flagged() {
        for late in [false, true] {
            let (penalty, flag) = policy().penalty(None, late);
            assert_eq!((penalty, flag.unwrap().code.as_str()), (None, "receipt-unknown"));
        }
        assert_eq!(Policy::default().penalty(None, true), (None, None));
    }
}
