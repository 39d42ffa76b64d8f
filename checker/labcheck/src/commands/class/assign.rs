//! `labcheck assign`: nonces, variants and deadlines, one token per student.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use lab_bulk::assignment::{COLUMNS, Token};

use crate::{failure::Failure, labs::Library, state::write_atomically};

/// Arguments of `labcheck assign`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab08
    #[arg(long)]
    lab: String,
    /// Everyone in the class: a table with a column `id`
    #[arg(long, value_name = "FILE")]
    roster: PathBuf,
    /// File to write the assignments to; `grade --assignment` takes it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File of the secret that assignments follow from; made if it is not there
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Until when it is handed in, as in 2026-12-01T23:59:00+01:00
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    deadline: Option<Timestamp>,
}

/// Bytes of a secret that is made.
const SECRET: usize = 32;

/// Writes the assignments.
///
/// # Errors
/// An unknown lab, a broken roster, or files that cannot be read or written.
pub fn run(args: &Args, library: &Library) -> Result<u8, Failure> {
    let lab = library.find(&args.lab)?.lab;
    let roster = super::roster(&args.roster)?;
    if args.out.exists() {
        let shown = args.out.display();
        return Err(Failure::usage(format!("`{shown}` exists; students may work from it already"))
            .next("choose another `--out`, or move it away"));
    }
    let secret = secret(&args.secret)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::unobservable(format!("cannot write `{}`: {error}", args.out.display()))
    };
    writer.write_record(COLUMNS).map_err(|error| cannot(&error))?;
    for student in roster.students() {
        let token = Token::new(&secret, &lab.id, &student.id, args.deadline);
        let text = token.text().map_err(Failure::usage)?;
        let deadline = args.deadline.map(|deadline| deadline.to_string()).unwrap_or_default();
        let cells = [&student.id, &token.params.nonce, &token.params.seed.to_string(), &deadline, &text];
        writer.write_record(cells).map_err(|error| cannot(&error))?;
    }
    let table = writer.into_inner().map_err(|error| cannot(&error))?;
    write_atomically(&args.out, &table).map_err(|error| cannot(&error))?;
    anstream::println!("{} assignments of {} in `{}`", roster.students().len(), lab.id, args.out.display());
    anstream::println!("next: give each student the token, for `labcheck start {} --token TOKEN`", lab.id);
    Ok(0)
}

/// The secret in this file, or a new one.
fn secret(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unreadable = |error: io::Error| Failure::usage(format!("cannot read `{shown}`: {error}"));
    match fs::read(path) {
        Ok(secret) if secret.len() >= 16 => Ok(secret),
        Ok(_) => {
            Err(Failure::usage(format!("`{shown}` has fewer than 16 bytes; a short secret can be guessed"))
                .next("name a file that is not there yet, and one is made"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret: [u8; SECRET] = rand::random();
            let cannot = |error| Failure::unobservable(format!("cannot write `{shown}`: {error}"));
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(cannot)?;
            file.write_all(&secret).and_then(|()| file.sync_all()).map_err(cannot)?;
            anstream::eprintln!("made the secret `{shown}`; keep it, and keep it to yourself");
            Ok(secret.to_vec())
        }
        Err(error) => Err(unreadable(error)),
    }
}
