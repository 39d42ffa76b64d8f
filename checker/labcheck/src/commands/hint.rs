//! `labcheck hint lab01 image`: one hint at a time.

use crate::{failure::Failure, labs::Library};

/// Arguments of `labcheck hint`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab01
    lab: String,
    /// Task, as the report names it [default: list the tasks]
    task: Option<String>,
    /// Which hint: 1 where to look, 2 the concept, 3 a skeleton
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    number: u8,
}

/// Prints one hint.
///
/// # Errors
/// If there is no such lab or task.
pub fn run(args: &Args, library: &Library) -> Result<u8, Failure> {
    let entry = library.find(&args.lab)?;
    let lab = &entry.lab;
    let Some(wanted) = &args.task else {
        for task in &lab.tasks {
            anstream::println!("{}  {}", task.id, task.title);
        }
        return Ok(0);
    };
    let task = lab.tasks.iter().find(|task| task.id == *wanted).ok_or_else(|| {
        let known: Vec<_> = lab.tasks.iter().map(|task| format!("`{}`", task.id)).collect();
        Failure::usage(format!("`{}` has no task `{wanted}`; there is {}", lab.id, known.join(", ")))
    })?;
    let hint = &task.hints[usize::from(args.number) - 1];
    for line in textwrap::wrap(hint.trim(), crate::output::width()) {
        anstream::println!("{line}");
    }
    let next = match args.number {
        3 => format!("the solution: labcheck solution {}", lab.id),
        n => format!("the next hint: labcheck hint {} {} {}", lab.id, task.id, n + 1),
    };
    anstream::eprintln!("{next}");
    Ok(0)
}
