//! The command line: every command's arguments are declared in its own file.

use clap::{Parser, Subcommand};

use crate::{commands, failure::Failure};

/// Grades what you really built: a kind cluster, a compose stack or files.
#[derive(Parser)]
#[command(name = "labcheck", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the labs
    List(commands::list::Args),
    /// Make a kind cluster with the labs' images on it
    Up(commands::up::Args),
    /// Delete the cluster that `up` made
    Down(commands::down::Args),
    /// Say what this machine lacks, each with the fix
    Doctor(commands::doctor::Args),
    /// Print a shell's completion script
    Completions(commands::completions::Args),
    /// Write man pages
    Man(commands::completions::ManArgs),
}

impl Cli {
    /// Runs the command and returns the exit code.
    ///
    /// # Errors
    /// What stopped the command, with its exit code.
    pub fn run(self) -> Result<u8, Failure> {
        match self.command {
            Command::List(args) => commands::list::run(&args),
            Command::Up(args) => commands::up::run(&args),
            Command::Down(args) => commands::down::run(&args),
            Command::Doctor(args) => commands::doctor::run(&args),
            Command::Completions(args) => commands::completions::run(&args),
            Command::Man(args) => commands::completions::man(&args),
        }
    }
}
