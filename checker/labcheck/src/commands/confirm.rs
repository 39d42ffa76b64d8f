//! Questions that stand before something cannot be taken back.

use std::io::{BufRead as _, IsTerminal as _, stdin};

use crate::failure::Failure;

/// Asks the user to type the server's name, and says whether it was typed.
///
/// # Errors
/// If nobody can be asked.
pub fn server(server: &str) -> Result<bool, Failure> {
    let host = server.split("://").last().unwrap_or(server);
    typed(&format!("experiments will delete pods on `{host}`. Type its name to allow that: "), host)
}

/// Asks a question that only `yes` answers.
///
/// # Errors
/// If nobody can be asked.
pub fn yes(question: &str) -> Result<bool, Failure> {
    typed(&format!("{question} Type yes: "), "yes")
}

fn typed(question: &str, expected: &str) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage("this needs an answer, and there is no terminal to ask at"));
    }
    anstream::eprint!("{question}");
    let mut line = String::new();
    stdin().lock().read_line(&mut line).map_err(|error| Failure::usage(format!("no answer: {error}")))?;
    Ok(line.trim() == expected)
}
