//! `labcheck`, the grader's command line. This file is a table of contents:
//! one file per command, and what they share.

mod checkout;
mod cli;
mod commands;
mod docker;
mod failure;
mod kind;
mod program;
mod progress;
mod state;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            anstream::eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
