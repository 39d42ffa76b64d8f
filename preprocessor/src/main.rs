//! `mdbook-labcheck`: called by mdBook, as `[preprocessor.labcheck]` in
//! `book.toml` asks for.

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};
use mdbook_labcheck::Labcheck;
use mdbook_preprocessor::{Preprocessor, parse_input};

/// Puts labs, hints, quizzes, recorded consoles, diagrams and the coverage
/// table into the course's chapters
///
/// mdBook calls it; run `mdbook build book`.
#[derive(Parser)]
#[command(name = "mdbook-labcheck", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Say by exit code whether a renderer is supported
    Supports {
        /// As in `html`
        renderer: String,
    },
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Some(Command::Supports { renderer }) => match Labcheck.supports_renderer(&renderer) {
            Ok(true) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        },
        None => match rewrite() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

/// A book from stdin to stdout, as mdBook's protocol wants it.
fn rewrite() -> anyhow::Result<()> {
    let (context, book) = parse_input(io::stdin().lock())?;
    let book = Labcheck.run(&context, book)?;
    serde_json::to_writer(io::stdout().lock(), &book)?;
    Ok(())
}
