//! The bound on work. It counts steps, not time: the same lab and the same
//! evidence must give the same report on every machine.

use super::error::EvalError;

/// The work an expression may do. One step is one node evaluated, one element
/// or 16 bytes touched by a function.
#[derive(Clone, Debug)]
pub struct Budget {
    allowed: u64,
    left: u64,
}

/// Steps an expression gets unless said otherwise: some 20 ms of work.
pub const DEFAULT_STEPS: u64 = 1_000_000;

/// Bytes that a function touches in one step.
const BYTES_PER_STEP: usize = 16;

impl Budget {
    /// A budget of `steps`.
    pub fn new(steps: u64) -> Budget {
        Budget { allowed: steps, left: steps }
    }

    /// The steps used so far.
    pub fn used(&self) -> u64 {
        self.allowed - self.left
    }

    /// Takes `steps` off, or fails for good.
    pub fn take(&mut self, steps: u64) -> Result<(), EvalError> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(EvalError::Budget { steps: self.allowed })
            }
        }
    }

    /// Takes off the steps for reading or writing `bytes` bytes.
    pub fn take_bytes(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.take((bytes / BYTES_PER_STEP) as u64)
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(DEFAULT_STEPS)
    }
}
