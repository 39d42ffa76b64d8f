//! The author's side: a lab proves itself before learners see it.

mod digest;
mod kubeconfig;
pub mod lint;
pub mod new;
mod scene;
mod state;
pub mod test;
mod verdicts;

use std::path::PathBuf;

use crate::{failure::Failure, labs::Library, output};

/// Arguments of `labcheck author`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Begin a new lab from a template that passes the lint
    New(new::Args),
    /// Check lab files without a cluster
    Lint(lint::Args),
    /// Prove a lab on a real cluster and record its evidence
    Test(test::Args),
    /// Print the functions that expressions have
    Functions,
    /// Print the JSON schema of lab.yaml
    Schema,
}

/// Runs an author's command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Args, labs: Option<&PathBuf>) -> Result<u8, Failure> {
    let dir = labs.cloned().unwrap_or_else(|| PathBuf::from("labs"));
    match &args.command {
        Command::New(args) => new::run(args, &dir),
        Command::Lint(args) => lint::run(args, &Library::open(Some(&dir))?),
        Command::Test(args) => test::run(args, &dir),
        Command::Functions => {
            let docs = lab_judge::functions::all();
            let docs =
                docs.map(|doc| format!("{}\n    {}\n    trap: {}\n\n", doc.signature, doc.says, doc.trap));
            output::write(&docs.collect::<String>())?;
            Ok(0)
        }
        Command::Schema => {
            output::write(&format!("{:#}\n", lab_spec::Lab::schema()))?;
            Ok(0)
        }
    }
}
