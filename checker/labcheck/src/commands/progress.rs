//! `labcheck progress`: the best result of each lab, and what was answered in
//! the course's quizzes.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use k8s_openapi::jiff::Timestamp;

use crate::{
    failure::Failure,
    labs::Library,
    state::{Answers, State},
};

/// Bytes of an exported file: a course of thousands of questions has fewer.
const MAX_EXPORT: u64 = 4 << 20;

/// Arguments of `labcheck progress`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Take in answers to quizzes from a file that the course's page “Your
    /// progress” saved
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
}

/// Prints the best results, in the labs' order, then the chapters' quizzes.
///
/// # Errors
/// A broken lab file, unreadable progress, or a file that is none of ours.
pub fn run(args: &Args, library: &Library) -> Result<u8, Failure> {
    let state = State::open()?;
    if let Some(path) = &args.import {
        let answers = read(path)?;
        let (found, new) = (answers.answers.len(), state.add_answers(answers)?);
        anstream::eprintln!("{found} answers in `{}`, {new} of them new here", path.display());
    }
    let (progress, chapters) = (state.progress()?, state.answers()?.chapters());
    let (mut earned, mut points, mut any) = (0, 0, false);
    for entry in library.all()? {
        let lab = &entry.lab;
        points += u64::from(lab.points());
        let Some(best) = progress.labs.get(&lab.id) else { continue };
        any = true;
        earned += best.earned.0;
        anstream::println!("{}  {} of {} points  {}", lab.id, best.earned, best.points, lab.title);
    }
    match any {
        true => anstream::println!("all labs: {} of {points} points", lab_spec::report::Points(earned)),
        false => anstream::println!("nothing graded yet; begin with `labcheck start lab01`"),
    }
    for (chapter, (answered, right)) in chapters {
        anstream::println!("quiz of chapter {chapter}: {answered} answered, {right} right");
    }
    Ok(0)
}

/// Reads an exported file.
fn read(path: &Path) -> Result<Answers, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Failure::usage(format!("`{shown}` cannot be read: {error}"));
    let again = "save it again on the course's page “Your progress”";
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_EXPORT + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_EXPORT {
        return Err(Failure::usage(format!(
            "`{shown}` is larger than {MAX_EXPORT} bytes: it is no progress file"
        ))
        .next(again));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("`{shown}` is not UTF-8: it is no progress file")).next(again))?;
    Answers::parse(&text, Timestamp::now())
        .map_err(|why| Failure::usage(format!("`{shown}` {why}")).next(again))
}
