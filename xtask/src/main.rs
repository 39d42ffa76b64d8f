//! `cargo xtask`: work on the repository itself that cargo has no command for.

mod dist;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make the release archive in dist/
    Dist,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Dist => dist::run(),
    }
}
