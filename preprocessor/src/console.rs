//! Console files: commands with what they really printed.
//!
//! ```text
//! on: kind ch03
//! recorded: 2026-11-21 on Kubernetes v1.36.3
//! ---
//! % kubectl wait --for=condition=Ready pod --all
//! $ kubectl get pods
//! NAME   READY …
//! ```
//!
//! A line after `$ ` is a command, after `> ` its next line, after `% ` a
//! command the page leaves out; what follows is its output. `varies: REGEX` in
//! the head says what may differ from run to run. `tests/book/consoles`
//! runs them and compares; nobody writes output by hand.

use std::fmt::Write;

use lab_spec::Diagnostic;

use crate::html;

/// A console file.
#[derive(Debug, PartialEq, Eq)]
pub struct Console {
    /// Where its commands run.
    pub on: System,
    /// When its output was recorded and on what.
    pub recorded: String,
    /// The commands in order.
    pub steps: Vec<Step>,
}

/// Where commands run.
#[derive(Debug, PartialEq, Eq)]
pub enum System {
    /// Where `labcheck start` puts a lab.
    Lab(String),
    /// In a namespace of the course's cluster.
    Kind(String),
    /// With Docker and Compose.
    Compose,
    /// Anywhere.
    Shell,
}

/// A command with its output.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The command; several lines if it was continued.
    pub command: String,
    /// Whether the page leaves it out.
    pub hidden: bool,
    /// What it printed.
    pub output: String,
}

impl Console {
    /// Reads a console file.
    ///
    /// # Errors
    /// Every line that is out of place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let (mut on, mut recorded, mut header) = (None, None, true);
        let mut steps: Vec<Step> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let mut wrong = |message: &str| {
                problems.push(Diagnostic::at(file, index as u32 + 1, 1, message));
            };
            if header {
                match line.split_once(": ") {
                    Some(("on", system)) => match System::parse(system) {
                        Some(system) => on = Some(system),
                        None => wrong("`on` is not `kind NAMESPACE`, `lab LAB`, `compose` or `shell`"),
                    },
                    Some(("recorded", what)) => recorded = Some(what.to_owned()),
                    Some(("varies", _)) => {}
                    _ if line == "---" => header = false,
                    _ => wrong("expected `on: …`, `recorded: …`, `varies: …` or `---`"),
                }
            } else if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), hidden: false, output: String::new() });
            } else if let Some(command) = line.strip_prefix("% ") {
                steps.push(Step { command: command.to_owned(), hidden: true, output: String::new() });
            } else if let Some(step) = steps.last_mut() {
                match line.strip_prefix("> ") {
                    Some(more) if step.output.is_empty() => {
                        step.command.push('\n');
                        step.command.push_str(more);
                    }
                    _ => {
                        step.output.push_str(line);
                        step.output.push('\n');
                    }
                }
            } else {
                wrong("output stands before the first command");
            }
        }
        if steps.iter().all(|step| step.hidden) {
            problems.push(Diagnostic::file(file, "has no command that is shown"));
        }
        if recorded.is_none() {
            let folder = if file.starts_with("labs/") { "" } else { "book/" };
            let help = format!("tests/book/consoles record {folder}{file}");
            problems.push(Diagnostic::file(file, "was never recorded").help(help));
        }
        match (on, recorded) {
            (Some(on), Some(recorded)) if problems.is_empty() => Ok(Self { on, recorded, steps }),
            (on, _) => {
                if on.is_none() {
                    problems.push(Diagnostic::file(file, "does not say where it runs (`on`)"));
                }
                Err(problems)
            }
        }
    }

    /// The shown commands, ready to be copied, each with its output below it.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::from("<div class=\"console\">\n\n");
        for step in self.steps.iter().filter(|step| !step.hidden) {
            let _ = writeln!(out, "{}", html::fence("sh", &step.command));
            if !step.output.trim().is_empty() {
                let _ = writeln!(out, "{}", html::fence("text", &step.output));
            }
        }
        let _ =
            write!(out, "<p class=\"recorded\">Recorded {}</p>\n\n</div>\n", html::escape(&self.recorded));
        out
    }
}

impl System {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("lab", id)) if !id.is_empty() => Some(Self::Lab(id.to_owned())),
            Some(("kind", namespace)) if !namespace.is_empty() => Some(Self::Kind(namespace.to_owned())),
            None if text == "compose" => Some(Self::Compose),
            None if text == "shell" => Some(Self::Shell),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Console, System};

    #[test]
    fn commands_continuations_and_output_are_told_apart() {
        let text = "on: kind ch03\nrecorded: today\n---\n% sleep 1\n$ kubectl get \\\n> pods\nNAME\n> x\n";
        let console = Console::parse("a", text).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(console.on, System::Kind("ch03".to_owned()));
        assert_eq!(console.steps[1].command, "kubectl get \\\npods");
        assert_eq!(console.steps[1].output, "NAME\n> x\n");
        assert!(!console.markdown().contains("sleep"));
    }

    #[test]
    fn every_wrong_line_is_named() {
        let found = Console::parse("a", "on: moon\nhello\n---\noutput\n").unwrap_err();
        let lines: Vec<u32> = found.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 2, 4, 0, 0, 0], "{found:?}");
    }
}
