//! Quiz files: questions with one right answer, a reason for every wrong one,
//! and ids that outlive rewording.

mod check;
mod page;

pub(crate) use check::check;

use lab_spec::Diagnostic;
use serde::Deserialize;
use serde_yaml::Spanned;

/// The questions of one chapter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiz {
    /// Format number; 1.
    pub format: u32,
    /// The chapter's number, as in `03`.
    pub id: Spanned<String>,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Questions of earlier chapters, asked again.
    #[serde(default)]
    pub spaced: Vec<Spanned<String>>,
    /// The file's name in problems.
    #[serde(skip)]
    pub file: String,
}

/// One question: exactly one of `choose`, `order`, `number` and `predict`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// `q03-…`; stored with the reader's answer, so it never changes.
    pub id: Spanned<String>,
    /// The question, Markdown.
    pub ask: String,
    /// One of several.
    pub choose: Option<Vec<Choice>>,
    /// Several, to be brought into order; written in the right one.
    pub order: Option<Vec<Place>>,
    /// A number.
    pub number: Option<Number>,
    /// What a recorded command printed.
    pub predict: Option<Predict>,
    /// Why the right answer is right; a chosen answer carries its own.
    pub why: Option<String>,
}

/// An answer to choose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Stored with the reader's answer.
    pub id: Spanned<String>,
    /// The answer, Markdown.
    pub text: String,
    /// Why it is right, or what makes it tempting and wrong.
    pub why: String,
    /// Whether it is the right one.
    #[serde(default)]
    pub right: bool,
    /// Of a prediction: text that the recorded output has if, and only if,
    /// this is the right answer.
    pub shows: Option<String>,
}

/// A thing to be brought into order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Stored with the reader's answer.
    pub id: Spanned<String>,
    /// What happens, Markdown.
    pub text: String,
    /// Why it stands where it does.
    pub why: String,
}

/// A number to be worked out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The right one.
    pub is: f64,
    /// How far off an answer may be.
    #[serde(default)]
    pub within: f64,
    /// What it counts, as in `minutes`.
    pub unit: String,
    /// Wrong ones that people get, with the slip that leads there.
    #[serde(default)]
    pub slips: Vec<Slip>,
}

/// A wrong number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slip {
    /// The number.
    pub is: f64,
    /// What leads there.
    pub why: String,
}

/// A recorded command whose output is to be guessed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The console file, as pages name it: `systems/apart/look`.
    pub console: Spanned<String>,
    /// Which of its commands, counted from 1, hidden ones not counted.
    pub step: usize,
    /// The answers.
    pub choose: Vec<Choice>,
}

impl Quiz {
    /// Reads a quiz file.
    ///
    /// # Errors
    /// The file is malformed.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let mut quiz: Self = lab_spec::yaml(file, text)?;
        file.clone_into(&mut quiz.file);
        Ok(quiz)
    }

    /// The chapter's number.
    pub(crate) fn chapter(&self) -> Option<u32> {
        self.id.value.parse().ok()
    }

    pub(crate) fn at<T>(&self, value: &Spanned<T>, message: String) -> Diagnostic {
        let place = value.referenced;
        Diagnostic::at(&self.file, place.line() as u32, place.column() as u32, message)
    }
}

impl Question {
    /// The answers to choose from, if that is how it is asked.
    pub(crate) fn choices(&self) -> Option<&[Choice]> {
        self.choose.as_deref().or(self.predict.as_ref().map(|predict| predict.choose.as_slice()))
    }
}
