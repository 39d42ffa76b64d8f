//! `ms`, the multi-call workload of the labs: one static binary that serves
//! real predictions and breaks in known ways.
//!
//! It has to run alone in a `FROM scratch` image: as PID 1, as a numeric user
//! without `/etc/passwd`, on a read-only root, without a libc that can load
//! NSS modules. Hence explicit signal handlers, a resolver of its own and
//! nothing written to disk.

mod client;
mod health;
mod load;
mod log;
mod model;
mod net;
mod proof;
mod queue;
mod resp;
mod serve;
mod shutdown;
mod units;
mod worker;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// The labs' workload: serves iris predictions, and breaks in known ways.
///
/// Durations are written `250ms`, `30s`, `2m`; sizes `64KiB`, `1MiB`. Every
/// flag can also be set by the environment variable shown with it; the flag
/// wins.
#[derive(Debug, Parser)]
#[command(name = "ms", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train the model and serve predictions over HTTP/1.1.
    Serve(serve::Args),
    /// Take jobs from a queue, predict, and hand the results back.
    Worker(worker::Args),
    /// A small queue that speaks the Redis protocol.
    Queue(queue::Args),
    /// Send requests at a fixed rate, whatever the answers (open loop).
    Load(load::Args),
    /// Ask once whether a server is healthy: exit code 0 or 1, one line.
    Health(health::Args),
    /// Ask PID 1 of this container to stop (SIGTERM): what `kill 1` does where
    /// there is no shell.
    Stop,
    /// Remove all that is in a directory, whoever owns it.
    Empty {
        /// The directory; it stays.
        directory: PathBuf,
    },
    /// Print the version of the binary and the digest of each model.
    Version,
    /// Write the weights of a trained model to stdout, as a file for
    /// `--weights`.
    Weights {
        /// Version of the model.
        #[arg(value_enum, default_value = "v1")]
        version: model::Version,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Worker(args) => worker::run(args),
        Command::Queue(args) => queue::run(&args),
        Command::Load(args) => load::run(args),
        Command::Health(args) => return health::run(&args),
        Command::Stop => shutdown::ask_init(),
        Command::Empty { directory } => empty(&directory),
        Command::Version => version(),
        Command::Weights { version } => weights(version),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ms: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn empty(directory: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("`{}`", directory.display()))? {
        let entry = entry?;
        let path = entry.path();
        let removed =
            if entry.file_type()?.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("cannot remove `{}`", path.display()))?;
    }
    Ok(())
}

/// One line for the binary, then one line `VERSION DIGEST` per model.
fn version() -> anyhow::Result<()> {
    println!("ms {}", env!("CARGO_PKG_VERSION"));
    for version in model::Version::ALL {
        println!("{version} {}", model::Model::train(version)?.digest());
    }
    Ok(())
}

/// Exactly the bytes whose digest is the model's: no line end.
fn weights(version: model::Version) -> anyhow::Result<()> {
    use std::io::Write as _;

    Ok(std::io::stdout().write_all(&model::Model::train(version)?.weights()?)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
