//! What a quiz must keep, so that no reader is told that a right answer is
//! wrong.

use std::{collections::BTreeMap, fs, path::Path};

use lab_spec::Diagnostic;

use super::{Choice, Question, Quiz};
use crate::{Console, console::Step};

/// How many questions of earlier chapters each quiz asks again.
const SPACED: usize = 2;

/// Every problem of every quiz.
pub(crate) fn check(quizzes: &[Quiz], root: &Path) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut ids: BTreeMap<&str, u32> = BTreeMap::new();
    for quiz in quizzes {
        let chapter = check_head(quiz, &mut problems);
        for question in &quiz.questions {
            let id = question.id.value.as_str();
            let prefix = format!("q{}-", quiz.id.value);
            if !id.starts_with(&prefix) {
                problems
                    .push(quiz.at(&question.id, format!("question `{id}` does not start with `{prefix}`")));
            }
            if ids.insert(id, chapter).is_some() {
                problems.push(quiz.at(&question.id, format!("question `{id}` is there twice")));
            }
            check_question(quiz, question, root, &mut problems);
        }
    }
    for quiz in quizzes {
        check_spaced(quiz, &ids, &mut problems);
    }
    problems
}

fn check_head(quiz: &Quiz, problems: &mut Vec<Diagnostic>) -> u32 {
    if quiz.format != lab_spec::FORMAT {
        let (found, wanted) = (quiz.format, lab_spec::FORMAT);
        problems.push(Diagnostic::file(&quiz.file, format!("format is `{found}`, expected `{wanted}`")));
    }
    let id = &quiz.id.value;
    if quiz.file != format!("quizzes/{id}.yaml") {
        problems.push(quiz.at(&quiz.id, format!("quiz `{id}` is not in `quizzes/{id}.yaml`")));
    }
    quiz.chapter().unwrap_or_else(|| {
        problems.push(quiz.at(&quiz.id, format!("quiz `{id}` is not the number of a chapter, as in `03`")));
        0
    })
}

/// Two questions of earlier chapters; the first chapter has none before it.
fn check_spaced(quiz: &Quiz, ids: &BTreeMap<&str, u32>, problems: &mut Vec<Diagnostic>) {
    let chapter = quiz.chapter().unwrap_or_default();
    let wanted = if chapter == 0 { 0 } else { SPACED };
    if quiz.spaced.len() != wanted {
        let found = quiz.spaced.len();
        problems.push(
            quiz.at(&quiz.id, format!("asks {found} questions of earlier chapters again, expected {wanted}")),
        );
    }
    for again in &quiz.spaced {
        match ids.get(again.value.as_str()) {
            Some(from) if *from < chapter => {}
            Some(from) => {
                let message =
                    format!("`{}` is of chapter {from}, expected an earlier one than {chapter}", again.value);
                problems.push(quiz.at(again, message));
            }
            None => problems.push(quiz.at(again, format!("there is no question `{}`", again.value))),
        }
    }
}

fn check_question(quiz: &Quiz, question: &Question, root: &Path, problems: &mut Vec<Diagnostic>) {
    let mut wrong = |message: String| {
        problems.push(quiz.at(&question.id, format!("question `{}` {message}", question.id.value)));
    };
    let kinds = [
        question.choose.is_some(),
        question.order.is_some(),
        question.number.is_some(),
        question.predict.is_some(),
    ];
    if kinds.into_iter().filter(|&there| there).count() != 1 {
        wrong("is not exactly one of `choose`, `order`, `number` and `predict`".to_owned());
    }
    if let Some(choices) = question.choices() {
        for message in choice_faults(choices) {
            wrong(message);
        }
    } else if question.why.is_none() {
        wrong("does not say why (`why`)".to_owned());
    }
    if let Some(places) = &question.order {
        if places.len() < 3 {
            wrong(format!("has {} things to order, expected 3 or more", places.len()));
        }
        if let Some(twice) = twice(places.iter().map(|place| place.id.value.as_str())) {
            wrong(format!("has `{twice}` twice"));
        }
    }
    if let Some(number) = &question.number {
        for slip in number.slips.iter().filter(|slip| (slip.is - number.is).abs() <= number.within) {
            wrong(format!("calls {} a slip, which it accepts as right", slip.is));
        }
        if number.slips.is_empty() {
            wrong("names no slip that leads to a wrong number (`slips`)".to_owned());
        }
    }
    if let Some(predict) = &question.predict {
        match recorded(root, &predict.console.value, predict.step) {
            Ok(step) => {
                for message in prediction_faults(&predict.choose, &step) {
                    wrong(message);
                }
            }
            Err(message) => problems.push(quiz.at(&predict.console, message)),
        }
    }
}

fn choice_faults(choices: &[Choice]) -> Vec<String> {
    let mut faults = Vec::new();
    let right = choices.iter().filter(|choice| choice.right).count();
    if right != 1 {
        faults.push(format!("has {right} right answers, expected 1"));
    }
    if choices.len() < 3 {
        faults.push(format!("has {} answers, expected 3 or more", choices.len()));
    }
    for choice in choices.iter().filter(|choice| choice.why.trim().is_empty()) {
        faults.push(format!("gives no reason for `{}`", choice.id.value));
    }
    if let Some(twice) = twice(choices.iter().map(|choice| choice.id.value.as_str())) {
        faults.push(format!("has the answer `{twice}` twice"));
    }
    faults
}

/// The right answer's text is in the recorded output, and no wrong one's is.
fn prediction_faults(choices: &[Choice], step: &Step) -> Vec<String> {
    choices
        .iter()
        .filter_map(|choice| match &choice.shows {
            None => Some(format!("does not say what `{}` would show (`shows`)", choice.id.value)),
            Some(text) if step.output.contains(text.as_str()) != choice.right => {
                let found = if choice.right { "lacks" } else { "has" };
                Some(format!(
                    "is contradicted by the recorded output, which {found} `{text}` of `{}`",
                    choice.id.value
                ))
            }
            Some(_) => None,
        })
        .collect()
}

/// A shown step of a console file in the book.
pub(super) fn recorded(root: &Path, name: &str, step: usize) -> Result<Step, String> {
    let path = root.join(format!("{name}.console"));
    let text =
        fs::read_to_string(&path).map_err(|error| format!("console `{name}` cannot be read: {error}"))?;
    let console = Console::parse(name, &text)
        .map_err(|found| found.first().map_or_else(String::new, |problem| problem.message.clone()))?;
    let shown: Vec<Step> = console.steps.into_iter().filter(|step| !step.hidden).collect();
    let count = shown.len();
    shown
        .into_iter()
        .nth(step.wrapping_sub(1))
        .ok_or_else(|| format!("console `{name}` has {count} commands, no number {step}"))
}

fn twice<'a>(ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = Vec::new();
    for id in ids {
        if seen.contains(&id) {
            return Some(id);
        }
        seen.push(id);
    }
    None
}
