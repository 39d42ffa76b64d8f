//! `labcheck check-import`: what a learning platform would make of a table of
//! grades.

use std::path::PathBuf;

use lab_bulk::imports::{canvas, moodle};

use crate::failure::Failure;

/// Arguments of `labcheck check-import`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose importer
    #[arg(value_enum)]
    platform: Platform,
    /// Table of grades
    file: PathBuf,
    /// Highest grade that Moodle allows; its administrator can raise it
    #[arg(long, value_name = "GRADE", default_value_t = moodle::MOST)]
    most: u64,
}

/// A learning platform.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Platform {
    /// Canvas's grade book
    Canvas,
    /// Moodle's CSV import of grades
    Moodle,
}

/// Places that are printed.
const SHOWN: usize = 50;

/// Says what the importer would mangle; 0 if nothing, 1 otherwise.
///
/// # Errors
/// A file that cannot be read.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let bytes = super::read(&args.file)?;
    let checked = match args.platform {
        Platform::Canvas => canvas::check(&bytes),
        Platform::Moodle => moodle::check(&bytes, args.most),
    };
    let file = args.file.display().to_string();
    let file = lab_render::line(&file);
    if checked.troubles.is_empty() {
        let (students, scores) = (checked.students, checked.scores);
        crate::output::write(&format!(
            "`{file}`: {students} students, {scores} scores, nothing is mangled\n"
        ))?;
        return Ok(0);
    }
    let mut text = String::new();
    for trouble in checked.troubles.iter().take(SHOWN) {
        text.push_str(&format!("`{file}`, {trouble}\n"));
    }
    if checked.troubles.len() > SHOWN {
        text.push_str(&format!("and {} more\n", checked.troubles.len() - SHOWN));
    }
    text.push_str("next: mend these before you import the file\n");
    crate::output::write(&text)?;
    Ok(1)
}
