//! Times as clocks tell them. What says another was made by hand, and whoever
//! adds two of them would leave the numbers there are.

use lab_spec::Evidence;

use crate::{Fault, observations};

/// The last millisecond of the year 9999, after the epoch: no clock that people
/// read shows more.
const LAST_MS: u64 = 253_402_300_799_999;

/// Refuses evidence with a time, or a difference of clocks, beyond the year
/// 9999.
///
/// # Errors
/// [`Fault::Forged`], with the time and what it is of.
pub fn check_times(evidence: &Evidence) -> Result<(), Fault> {
    for (number, look) in (1..).zip(&evidence.looks) {
        within(look.at_ms.max(look.wall_ms.unsigned_abs()), || format!("look {number}"))?;
    }
    for (key, observation) in observations(evidence) {
        let from = &observation.provenance;
        within(from.at_ms.max(from.skew_ms.unsigned_abs()), || format!("`{}`", key.escape_debug()))?;
    }
    Ok(())
}

fn within(ms: u64, what: impl Fn() -> String) -> Result<(), Fault> {
    match ms {
        ..=LAST_MS => Ok(()),
        _ => Err(Fault::Forged(format!("{} has a time of {ms} ms, which no clock shows", what()))),
    }
}
