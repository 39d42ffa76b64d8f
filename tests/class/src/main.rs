//! `cargo run -p class -- --lab lab08 --students 300 --out DIR`: makes a class.

use std::path::PathBuf;

use clap::Parser;

/// Makes a class for tests: roster, assignments, submissions, answer key.
#[derive(Parser)]
struct Args {
    /// Directory to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Directory of labs
    #[arg(long, value_name = "DIR", default_value = "labs")]
    labs: PathBuf,
    /// Lab, as in lab08
    #[arg(long, default_value = "lab08")]
    lab: String,
    /// How many students are in it
    #[arg(long, default_value_t = 300)]
    students: usize,
    /// Another seed gives another class
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// All hand in something whole
    #[arg(long)]
    honest: bool,
}

fn main() -> anyhow::Result<()> {
    let Args { out, labs, lab, students, seed, honest } = Args::parse();
    class::Plan { labs, lab, students, seed, honest }.write(&out)
}
