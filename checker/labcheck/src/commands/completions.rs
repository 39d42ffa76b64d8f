//! `labcheck completions` and `labcheck man`: what shells and `man` know about
//! this command, made from its own arguments.

use std::{fs, path::PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, failure::Failure, output};

/// Arguments of `labcheck completions`.
#[derive(clap::Args)]
pub struct Args {
    /// The shell, as in `labcheck completions bash > ~/.local/share/bash-completion/completions/labcheck`
    shell: Shell,
}

/// Prints a shell's completion script.
///
/// # Errors
/// Standard output that cannot be written.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "labcheck", &mut script);
    output::write(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Arguments of `labcheck man`.
#[derive(clap::Args)]
pub struct ManArgs {
    /// Directory to write labcheck.1 and one page per command to
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the man pages.
///
/// # Errors
/// A directory that cannot be written.
pub fn man(args: &ManArgs) -> Result<u8, Failure> {
    let dir = &args.dir;
    fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir)).map_err(
        |error| Failure::unobservable(format!("cannot write man pages to `{}`: {error}", dir.display())),
    )?;
    Ok(0)
}
