//! Whether evidence agrees with itself. Forging one object is easy, forging
//! all that refer to it is not. Findings are for the teacher and change no
//! score.
//!
//! A false accusation is worse than a forgery that passes, so every rule here
//! holds for any cluster that works: lists are taken at different moments,
//! controllers lag, objects are being deleted, laptops sleep. What a broken
//! cluster could look like as well, a finding says.

mod attempt;
mod owners;
mod replicas;
mod seen;
mod times;
mod versions;

use std::collections::BTreeMap;

use lab_bundle::Submission;

use crate::grade::Flag;
use seen::Seen;

/// Findings of one kind that are told; a forger may make any number.
const TOLD: usize = 3;
/// Characters of a name that are told.
const NAME: usize = 80;

/// What does not agree in a submission's evidence.
pub fn findings(submission: &Submission) -> Vec<Flag> {
    let seen = Seen::of(submission);
    let mut found = Findings::default();
    owners::check(&seen, &mut found);
    replicas::check(&seen, &mut found);
    versions::check(&seen, &mut found);
    times::check(&seen, &mut found);
    attempt::check(submission, &seen, &mut found);
    found.flags()
}

/// What was found, by code.
#[derive(Default)]
struct Findings(BTreeMap<&'static str, (Vec<String>, usize)>);

impl Findings {
    fn add(&mut self, code: &'static str, says: impl FnOnce() -> String) {
        let (told, count) = self.0.entry(code).or_default();
        *count += 1;
        if told.len() < TOLD {
            let says = says();
            if !told.contains(&says) {
                told.push(says);
            }
        }
    }

    fn flags(self) -> Vec<Flag> {
        let mut flags = Vec::new();
        for (code, (mut told, count)) in self.0 {
            let more = count - told.len();
            if let Some(last) = told.last_mut().filter(|_| more > 0) {
                last.push_str(&format!("; and {more} more of this kind"));
            }
            flags.extend(told.into_iter().map(|says| Flag::new(code, says)));
        }
        flags.sort();
        flags
    }
}

/// Text of the evidence, as a finding quotes it.
fn quoted(text: &str) -> String {
    let cut = text.char_indices().nth(NAME).map_or(text.len(), |(at, _)| at);
    let more = if cut < text.len() { "…" } else { "" };
    format!("`{}{more}`", text[..cut].escape_debug())
}
