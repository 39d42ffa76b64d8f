//! `labcheck quickstart`: from nothing to a graded lab, and on to the course.

use clap::Parser as _;
use lab_judge::Judge;

use crate::{
    cli::Cli,
    docker::Docker,
    failure::Failure,
    labs::{self, Library},
    output::{self, Format},
    state::State,
};

/// Arguments of `labcheck quickstart`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// End here, without serving the course: for scripts
    #[arg(long)]
    no_serve: bool,
}

const LAB: &str = "lab01";

/// With Docker: makes the cluster, starts lab 01, grades it. Without: grades
/// what was recorded of it. Ends with what to do next, and serves the course.
///
/// # Errors
/// What stopped one of the commands it runs.
pub fn run(args: &Args, library: &Library) -> Result<u8, Failure> {
    match super::block_on(Docker::connect()) {
        Ok(_) => live()?,
        Err(why) => recorded(library, &why)?,
    }
    if args.no_serve {
        return Ok(0);
    }
    anstream::println!(
        "\nThe course tells how. Its lab pages show each verdict while you work in another terminal:"
    );
    run_command(&["serve"])
}

fn live() -> Result<(), Failure> {
    run_command(&["up"])?;
    if State::open()?.lab(LAB)?.is_some() {
        anstream::println!("{LAB} was started before; your work on it stays as it is");
    } else {
        run_command(&["start", LAB])?;
    }
    run_command(&[LAB])?;
    anstream::println!(
        "\nThis is what you start from; it is broken on purpose. Now mend it:
  kubectl config use-context kind-labcheck      look around in your new cluster
  labcheck hint {LAB}                           its tasks, and a hint for each
  labcheck {LAB}                                grade it again
  labcheck down                                 delete the cluster when you are done"
    );
    Ok(())
}

/// Runs a command as the user would have typed it, and shows it.
fn run_command(words: &[&str]) -> Result<u8, Failure> {
    anstream::println!("\n$ labcheck {}", words.join(" "));
    let words = std::iter::once(&"labcheck").chain(words);
    Cli::try_parse_from(words).map_err(|error| Failure::usage(error.to_string()))?.run()
}

fn recorded(library: &Library, why: &Failure) -> Result<(), Failure> {
    anstream::println!("No Docker here, so there is no cluster to look at:\n{why}\n");
    anstream::println!("What follows is a recording: {LAB} as learners find it, seen on a real cluster.\n");
    let entry = library.find(LAB)?;
    let judge = Judge::new(&entry.file(), &entry.lab).map_err(|problems| labs::broken(&problems))?;
    let bytes = entry
        .read("evidence/starter.labcheck")
        .ok_or_else(|| Failure::usage(format!("{LAB} has no recorded evidence")))?;
    let evidence = lab_bundle::read_from(bytes.as_ref(), "evidence/starter.labcheck")
        .map_err(|error| Failure::usage(error.to_string()))?;
    output::print(&judge.report(&evidence), Format::Text, false)?;
    anstream::println!("\nWith Docker running, `labcheck quickstart` does this on a cluster of your own.");
    Ok(())
}
