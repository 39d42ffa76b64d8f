//! `labcheck progress`: the best result of each lab.

use crate::{failure::Failure, labs::Library, state::State};

/// Arguments of `labcheck progress`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Prints the best results, in the labs' order.
///
/// # Errors
/// A broken lab file or unreadable progress.
pub fn run(_: &Args, library: &Library) -> Result<u8, Failure> {
    let progress = State::open()?.progress()?;
    let (mut earned, mut points, mut any) = (0, 0, false);
    for entry in library.all()? {
        let lab = &entry.lab;
        points += u64::from(lab.points());
        let Some(best) = progress.labs.get(&lab.id) else { continue };
        any = true;
        earned += best.earned.0;
        anstream::println!("{}  {} of {} points  {}", lab.id, best.earned, best.points, lab.title);
    }
    if !any {
        anstream::println!("nothing graded yet; begin with `labcheck start lab01`");
        return Ok(0);
    }
    anstream::println!("all labs: {} of {points} points", lab_spec::report::Points(earned));
    Ok(0)
}
