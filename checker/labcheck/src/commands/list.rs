//! `labcheck list`: the labs there are, and how far you got.

use comfy_table::{ContentArrangement, Table, presets};

use crate::{failure::Failure, labs::Library, output, state::State};

/// Arguments of `labcheck list`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Prints the labs.
///
/// # Errors
/// A broken lab file or unreadable progress.
pub fn run(_: &Args, library: &Library) -> Result<u8, Failure> {
    let progress = State::open()?.progress()?;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(output::width()).unwrap_or(80))
        .set_header(["LAB", "TITLE", "MINUTES", "POINTS", "BEST"]);
    for entry in library.all()? {
        let lab = &entry.lab;
        let best = progress.labs.get(&lab.id).map_or_else(|| "-".to_owned(), |best| best.earned.to_string());
        let (minutes, points) = (lab.minutes.to_string(), lab.points().to_string());
        table.add_row([lab.id.as_str(), &lab.title, &minutes, &points, &best]);
    }
    output::write(&format!("{}\n", table.trim_fmt()))?;
    Ok(0)
}
