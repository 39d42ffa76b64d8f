//! Reports on stdout.

use std::io::{IsTerminal as _, Write as _};

use lab_render::TextOptions;
use lab_spec::Report;

use crate::failure::Failure;

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs; stable, `format: 1`
    Json,
    /// For CI systems
    Junit,
    /// One self-contained page
    Html,
}

/// Widest text: longer lines are hard to read.
const MAX_WIDTH: usize = 100;

/// Prints a report; colours only on a terminal and without NO_COLOR.
///
/// # Errors
/// If stdout cannot be written.
pub fn print(report: &Report, format: Format, explain: bool) -> Result<(), Failure> {
    let text = match format {
        Format::Text => lab_render::text(report, &TextOptions { width: width(), color: true, explain }),
        Format::Json => lab_render::json(report),
        Format::Junit => lab_render::junit(report),
        Format::Html => lab_render::html(report),
    };
    write(&text)
}

/// Prints a long text.
///
/// # Errors
/// If stdout cannot be written.
pub fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // A reader that has seen enough (`| head`) is no failure of ours.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::usage(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Columns of the terminal, or 80 where there is none.
pub fn width() -> usize {
    if !std::io::stdout().is_terminal() {
        return 80;
    }
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).min(MAX_WIDTH))
}
