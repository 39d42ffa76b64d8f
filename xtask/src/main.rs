//! `cargo xtask`: work on the repository itself that cargo has no command for.

mod book;
mod dist;
mod fields;

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
    /// Build the course's pages, without mdBook being installed
    Book {
        /// Folder to build into [default: target/book]
        #[arg(long)]
        to: Option<std::path::PathBuf>,
    },
    /// Write down which fields the kinds that labs look at have, as an API server says
    Fields {
        /// Kubeconfig of a cluster made for tests
        #[arg(long)]
        kubeconfig: std::path::PathBuf,
        /// Write nothing, and fail if the server says otherwise
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Dist => dist::run(),
        Task::Book { to } => book::run(to),
        Task::Fields { kubeconfig, check } => fields::run(&kubeconfig, check),
    }
}
