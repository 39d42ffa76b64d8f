//! The command line: every command's arguments are declared in its own file.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{author, commands, failure::Failure, labs::Library, progress::Progress};

/// Grades what you really built: a kind cluster, a compose stack or files.
///
/// Exit codes: 0 all passed, 1 something failed, 2 usage or broken lab, 3
/// could not observe.
#[derive(Parser)]
#[command(name = "labcheck", version, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    grade: commands::grade::Args,
    /// Directory of labs [default: those of this binary]
    #[arg(long, global = true, value_name = "DIR")]
    labs: Option<PathBuf>,
    /// Show plain lines instead of a moving one
    #[arg(long, global = true)]
    no_progress: bool,
}

#[derive(Subcommand)]
enum Command {
    /// From nothing to a graded lab
    Quickstart(commands::quickstart::Args),
    /// List the labs
    List(commands::list::Args),
    /// Make a kind cluster with the labs' images on it
    Up(commands::up::Args),
    /// Delete the cluster that `up` made
    Down(commands::down::Args),
    /// Make a lab's namespace with what you start from
    Start(commands::start::Args),
    /// Delete a lab's namespace and start again
    Reset(commands::start::Args),
    /// Show a hint for a task
    Hint(commands::hint::Args),
    /// Show the solution as a diff; asks first
    Solution(commands::solution::Args),
    /// Show the best result of each lab
    Progress(commands::progress::Args),
    /// Grade a lab and write what you hand in
    Submit(commands::submit::Args),
    /// For instructors: one assignment per student
    Assign(commands::class::assign::Args),
    /// For instructors: grade a class from what was handed in
    Grade(commands::class::grade::Args),
    /// For instructors: who changes when a class is judged under a changed lab
    Regrade(commands::class::regrade::Args),
    /// For instructors: what a class has in common, from its grades
    Triage(commands::class::triage::Args),
    /// For instructors: what students share that no two should
    Collusion(commands::class::collusion::Args),
    /// For instructors: look at students' clusters, read-only
    Sweep(commands::class::sweep::Args),
    /// For instructors: what Canvas or Moodle would make of a table of grades
    CheckImport(commands::class::check_import::Args),
    /// For instructors: post a class's scores into a learning platform (LTI)
    PostScores(commands::class::post_scores::Args),
    /// Serve the course, with live verdicts on its lab pages
    Serve(commands::serve::Args),
    /// Say what this machine lacks, each with the fix
    Doctor(commands::doctor::Args),
    /// Print a shell's completion script
    Completions(commands::completions::Args),
    /// Write man pages
    Man(commands::completions::ManArgs),
    /// For authors: new, lint, test
    Author(author::Args),
}

impl Cli {
    /// Runs the command and returns the exit code.
    ///
    /// # Errors
    /// What stopped the command, with its exit code.
    pub fn run(self) -> Result<u8, Failure> {
        let library = || Library::open(self.labs.as_deref());
        let progress = Progress::new(self.no_progress);
        if let (Some(_), Some(lab)) = (&self.command, &self.grade.lab) {
            return Err(Failure::usage(format!("`{lab}` stands before the command; it goes after it")));
        }
        match &self.command {
            None => commands::grade::run(&self.grade, &library()?, progress),
            Some(Command::Quickstart(args)) => commands::quickstart::run(args, &library()?),
            Some(Command::List(args)) => commands::list::run(args, &library()?),
            Some(Command::Up(args)) => commands::up::run(args, progress),
            Some(Command::Down(args)) => commands::down::run(args, progress),
            Some(Command::Start(args)) => commands::start::start(args, &library()?, progress),
            Some(Command::Reset(args)) => commands::start::reset(args, &library()?, progress),
            Some(Command::Hint(args)) => commands::hint::run(args, &library()?),
            Some(Command::Solution(args)) => commands::solution::run(args, &library()?),
            Some(Command::Progress(args)) => commands::progress::run(args, &library()?),
            Some(Command::Submit(args)) => commands::submit::run(args, &library()?, progress),
            Some(Command::Assign(args)) => commands::class::assign::run(args, &library()?),
            Some(Command::Grade(args)) => commands::class::grade::run(args, &library()?, progress),
            Some(Command::Regrade(args)) => commands::class::regrade::run(args, &library()?, progress),
            Some(Command::Triage(args)) => commands::class::triage::run(args),
            Some(Command::Collusion(args)) => commands::class::collusion::run(args, &library()?, progress),
            Some(Command::Sweep(args)) => commands::class::sweep::run(args, &library()?, progress),
            Some(Command::CheckImport(args)) => commands::class::check_import::run(args),
            Some(Command::PostScores(args)) => commands::class::post_scores::run(args, progress),
            Some(Command::Serve(args)) => commands::serve::run(args, library()?, progress),
            Some(Command::Doctor(args)) => commands::doctor::run(args),
            Some(Command::Completions(args)) => commands::completions::run(args),
            Some(Command::Man(args)) => commands::completions::man(args),
            Some(Command::Author(args)) => author::run(args, self.labs.as_ref()),
        }
    }
}
