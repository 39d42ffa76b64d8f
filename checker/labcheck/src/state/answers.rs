//! What the reader answered in the course's quizzes, as the browser exports
//! it: the book's `progress` page writes it to a file, `widgets/store.mjs` has
//! the format's other half.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::files::FORMAT;

/// A clock may be a little fast, or in another zone than it says.
const FAST: SignedDuration = SignedDuration::from_hours(24);
/// Characters of an answer that are kept.
const LONGEST: usize = 500;

/// Answers by question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    format: u32,
    /// By the question's id, as in `q03-who`.
    pub answers: BTreeMap<String, Answer>,
}

/// The last answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was answered.
    pub answer: String,
    /// Whether that is right.
    pub right: bool,
    /// When.
    pub at: Timestamp,
    /// How often the question was answered.
    #[serde(default = "once")]
    pub tries: u32,
}

fn once() -> u32 {
    1
}

impl Default for Answers {
    fn default() -> Self {
        Self { format: FORMAT, answers: BTreeMap::new() }
    }
}

impl Answers {
    /// Reads an exported file; `now` is when.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| match error.is_eof() {
            true => format!("is cut off at line {}", error.line()),
            false => format!("is not a progress file: {error}"),
        })?;
        if !value["answers"].is_object() {
            return Err("is not a progress file: it has no `answers`".to_owned());
        }
        match value["format"].as_u64() {
            Some(format) if format > u64::from(FORMAT) => {
                return Err(format!(
                    "has format {format}, written by a newer book than this labcheck, which reads {FORMAT}"
                ));
            }
            Some(format) if format == u64::from(FORMAT) => {}
            _ => return Err(format!("has format {}, expected {FORMAT}", value["format"])),
        }
        let mut read: Self = serde_json::from_value(value)
            .map_err(|error| format!("is not a progress file of a book: {error}"))?;
        for (id, answer) in &mut read.answers {
            if chapter(id).is_none() {
                return Err(format!("has an answer to `{id}`, expected ids as `q03-who`"));
            }
            if answer.at > now.saturating_add(FAST).unwrap_or(now) {
                return Err(format!(
                    "has an answer to `{id}` from {}, which is still to come: the clock it was written by is wrong",
                    answer.at
                ));
            }
            answer.answer = answer.answer.chars().take(LONGEST).collect();
        }
        Ok(read)
    }

    /// Takes in other answers; of two to one question the later counts. Says
    /// how many were new.
    pub fn merge(&mut self, others: Self) -> usize {
        let mut new = 0;
        for (id, answer) in others.answers {
            if self.answers.get(&id).is_none_or(|kept| kept.at < answer.at) {
                self.answers.insert(id, answer);
                new += 1;
            }
        }
        new
    }

    /// By chapter, how many questions were answered, and how many rightly.
    pub fn chapters(&self) -> BTreeMap<u32, (usize, usize)> {
        let mut chapters = BTreeMap::new();
        for (id, answer) in &self.answers {
            let Some(chapter) = chapter(id) else { continue };
            let (answered, right) = chapters.entry(chapter).or_insert((0, 0));
            *answered += 1;
            *right += usize::from(answer.right);
        }
        chapters
    }
}

/// The chapter of a question's id.
fn chapter(id: &str) -> Option<u32> {
    let (digits, name) = id.strip_prefix('q')?.split_once('-')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let well_formed = digits.len() == 2 && !name.is_empty() && id.len() <= 60 && name.chars().all(plain);
    if well_formed && digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}
