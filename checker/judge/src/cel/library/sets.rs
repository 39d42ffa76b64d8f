//! Placeholder.
use crate::cel::functions::Functions;
pub(super) fn register(_: &mut Functions) {}
