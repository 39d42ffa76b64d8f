//! The judge: a report is a function of lab and evidence, and nothing else.
//!
//! This crate never does I/O: no cluster, no clock, no file system. That is
//! what makes a live grade, a replay and a regrade the same thing.

mod cause;
pub mod cel;
mod compose;
mod fields;
mod fill;
pub mod functions;
mod looks;
mod plan;
mod program;
mod report;
mod schema;
mod scope;
mod selector;
mod time;
mod timeline;
mod verdict;
mod view;

use lab_spec::{Diagnostic, Evidence, Lab};

pub use plan::{Limits, Next};

/// A lab ready to judge: its expressions compiled, its names checked.
pub struct Judge<'l> {
    lab: &'l Lab,
    compiled: Vec<program::Compiled>,
}

impl<'l> Judge<'l> {
    /// Compiles a lab's expressions; `file` is named in problems.
    ///
    /// # Errors
    /// Every expression that does not compile or names something unknown.
    pub fn new(file: &str, lab: &'l Lab) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self { lab, compiled: program::compile(file, lab)? })
    }

    /// What the lab needs and this cluster has not; empty when it can be
    /// judged. Judging anyway would blame the learner for it.
    pub fn unmet(&self, evidence: &Evidence) -> Vec<String> {
        plan::unmet(self.lab, evidence)
    }

    /// Fields that the lab reads and that no object of their kind has, for
    /// authors: which kinds there are is known, a cluster's own ones are not.
    pub fn unknown_fields(&self, file: &str) -> Vec<Diagnostic> {
        fields::unknown(file, self.lab)
    }
}

/// Whether a Deployment, as the API returns it, is rolled out.
pub fn is_rolled_out(deployment: &serde_json::Value) -> bool {
    let deployment = schema::bind("Deployment", deployment, 0);
    functions::workload::unfinished(&deployment).is_none() && functions::workload::wanted(&deployment) > 0
}
