//! The ways a step does not come to its end.

use lab_spec::experiment::ExperimentEnd;

/// Why a step has no result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// An answer of the system under test.
    Stopped(String),
    /// Our own means failed.
    Unavailable(String),
    /// The experiment's time ran out.
    OutOfTime,
    /// The user stopped it.
    Interrupted,
}

impl Halt {
    /// How the experiment ended. Time that runs out is the system's answer if
    /// an earlier step already found the `slow` system at its limit, and a
    /// failure of our means otherwise.
    pub(crate) fn end(self, step: usize, slow: Option<&str>) -> ExperimentEnd {
        let why = match (self, slow) {
            (Self::Stopped(why), _) => return ExperimentEnd::Stopped { step, why },
            (Self::OutOfTime, Some(slow)) => {
                let why = format!("the experiment's time ran out after this: {slow}");
                return ExperimentEnd::Stopped { step, why };
            }
            (Self::OutOfTime, None) => {
                format!("the experiment's time ran out in step {}; raise `budget.time`", step + 1)
            }
            (Self::Unavailable(why), _) => why,
            (Self::Interrupted, _) => "interrupted".to_owned(),
        };
        ExperimentEnd::Unavailable { why }
    }

    /// Why, in words, for the log.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Stopped(why) | Self::Unavailable(why) => why,
            Self::OutOfTime => "time ran out",
            Self::Interrupted => "interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_a_slow_system_used_up_is_its_answer() {
        let end = Halt::OutOfTime.end(3, Some("deployment `api` was not rolled out in 30s"));
        assert!(matches!(end, ExperimentEnd::Stopped { step: 3, why } if why.contains("rolled out")));
    }

    #[test]
    fn time_that_we_used_up_is_our_failure() {
        let end = Halt::OutOfTime.end(0, None);
        assert!(matches!(end, ExperimentEnd::Unavailable { why } if why.contains("in step 1")));
    }
}
