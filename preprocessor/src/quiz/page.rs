//! Quizzes on pages. Without a script every question is text with a folded
//! answer; `theme/js/quiz.mjs` turns the same elements into something to answer.

use std::{fmt::Write, path::Path};

use super::{Choice, Number, Place, Question, Quiz, check::recorded};
use crate::html::{escape, fence, inline, markdown};

impl Quiz {
    /// The HTML of the whole quiz; `again` finds a question of an earlier one.
    pub(crate) fn html<'q>(&self, root: &Path, again: impl Fn(&str) -> Option<&'q Question>) -> String {
        let mut out = format!("<div class=\"quiz\" data-quiz=\"{}\">", escape(&self.id.value));
        for (index, question) in self.questions.iter().enumerate() {
            out.push_str(&question.html(root, index + 1, false));
        }
        let spaced: Vec<&Question> = self.spaced.iter().filter_map(|id| again(&id.value)).collect();
        if !spaced.is_empty() {
            out.push_str("<p class=\"again\">From earlier chapters, to see what has stayed:</p>");
        }
        for (index, question) in spaced.into_iter().enumerate() {
            out.push_str(&question.html(root, self.questions.len() + index + 1, true));
        }
        out.push_str("</div>\n");
        out
    }
}

impl Question {
    fn html(&self, root: &Path, number: usize, again: bool) -> String {
        let id = &self.id.value;
        let html_id = if again { format!("again-{id}") } else { id.clone() };
        let (kind, right, body, answer) = if let Some(choices) = self.choices() {
            ("choose", right_choice(choices), options(choices), self.chosen_answer(root, choices))
        } else if let Some(places) = &self.order {
            ("order", joined(places), shuffled(places), ordered_answer(places, self.why.as_deref()))
        } else if let Some(number) = &self.number {
            (
                "number",
                number.is.to_string(),
                asked_number(number),
                numeric_answer(number, self.why.as_deref()),
            )
        } else {
            return String::new();
        };
        let command = self.predict.as_ref().and_then(|predict| {
            let step = recorded(root, &predict.console.value, predict.step).ok()?;
            Some(markdown(&fence("sh", &step.command)))
        });
        format!(
            "<section class=\"question\" id=\"{html_id}\" data-question=\"{id}\" data-kind=\"{kind}\" data-right=\"{}\">\
             <p class=\"ask-number\">Question {number}</p><div class=\"ask\">{}{}</div>{body}\
             <details class=\"answer\"><summary>Answer</summary>{answer}</details></section>",
            escape(&right),
            markdown(&self.ask),
            command.unwrap_or_default(),
        )
    }

    fn chosen_answer(&self, root: &Path, choices: &[Choice]) -> String {
        let mut out = String::new();
        for (index, choice) in choices.iter().enumerate() {
            let verdict = if choice.right { "right" } else { "wrong" };
            let _ = write!(
                out,
                "<p class=\"{verdict}\" data-for=\"{}\"><strong>{} is {verdict}.</strong> {}</p>",
                escape(&choice.id.value),
                letter(index),
                inline(&choice.why)
            );
        }
        let output = self
            .predict
            .as_ref()
            .and_then(|predict| recorded(root, &predict.console.value, predict.step).ok())
            .map(|step| format!("<p>What it printed:</p>{}", markdown(&fence("text", &step.output))));
        out + &output.unwrap_or_default()
    }
}

fn letter(index: usize) -> char {
    char::from(b'A' + (index % 26) as u8)
}

fn right_choice(choices: &[Choice]) -> String {
    choices.iter().find(|choice| choice.right).map(|choice| choice.id.value.clone()).unwrap_or_default()
}

fn options(choices: &[Choice]) -> String {
    let items = choices.iter().map(|choice| {
        format!("<li data-option=\"{}\">{}</li>", escape(&choice.id.value), inline(&choice.text))
    });
    format!("<ol class=\"options\" type=\"A\">{}</ol>", items.collect::<String>())
}

fn joined(places: &[Place]) -> String {
    places.iter().map(|place| place.id.value.as_str()).collect::<Vec<_>>().join(" ")
}

/// In an order that is the same at every build and is not the right one.
fn shuffled(places: &[Place]) -> String {
    let mut mixed: Vec<&Place> = places.iter().collect();
    mixed.sort_by_key(|place| &place.text);
    if mixed.iter().zip(places).all(|(a, b)| a.id.value == b.id.value) {
        mixed.reverse();
    }
    let items = mixed
        .iter()
        .map(|place| format!("<li data-option=\"{}\">{}</li>", escape(&place.id.value), inline(&place.text)));
    format!("<ul class=\"options\">{}</ul>", items.collect::<String>())
}

fn ordered_answer(places: &[Place], why: Option<&str>) -> String {
    let items = places.iter().map(|place| format!("<li>{} {}</li>", inline(&place.text), inline(&place.why)));
    format!("<ol>{}</ol>{}", items.collect::<String>(), markdown(why.unwrap_or_default()))
}

fn asked_number(number: &Number) -> String {
    format!(
        "<p class=\"number\" data-within=\"{}\" data-unit=\"{unit}\">Answer in {unit}.</p>",
        number.within,
        unit = escape(&number.unit)
    )
}

fn numeric_answer(number: &Number, why: Option<&str>) -> String {
    let mut out = format!("<p class=\"right\"><strong>{} {}.</strong></p>", number.is, escape(&number.unit));
    out.push_str(&markdown(why.unwrap_or_default()));
    for slip in &number.slips {
        let _ = write!(
            out,
            "<p class=\"wrong\" data-slip=\"{0}\"><strong>Not {0}.</strong> {1}</p>",
            slip.is,
            inline(&slip.why)
        );
    }
    out
}
