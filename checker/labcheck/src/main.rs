//! `labcheck`, the grader's command line. This file is a table of contents:
//! one file per command, and what they share.

mod author;
mod book;
mod checkout;
mod cli;
mod collect;
mod commands;
mod docker;
mod failure;
mod kind;
mod labs;
mod live;
mod output;
mod program;
mod progress;
mod session;
mod state;
mod watcher;

use std::process::ExitCode;

use clap::Parser;

/// Judging is a third allocation, and a class leaves the C library's allocator
/// with ever more holes to search.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            anstream::eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
