//! `labcheck author new lab27`: a lab that passes the lint, to begin from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// Arguments of `labcheck author new`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder of the lab: its number and a slug, as in 27-name-it
    folder: String,
    /// Title of the lab
    title: String,
}

/// The files of a new lab: a ConfigMap somebody has to make.
const FILES: &[(&str, &str)] = &[
    ("lab.yaml", include_str!("template/lab.yaml")),
    ("starter/question.yaml", include_str!("template/starter.yaml")),
    ("starter/expect.yaml", include_str!("template/starter-expect.yaml")),
    ("solution/question.yaml", include_str!("template/starter.yaml")),
    ("solution/answer.yaml", include_str!("template/answer.yaml")),
    ("mutants/empty/answer.yaml", include_str!("template/mutant.yaml")),
    ("mutants/empty/expect.yaml", include_str!("template/mutant-expect.yaml")),
    ("accepts/more-keys/answer.yaml", include_str!("template/accept.yaml")),
    ("accepts/more-keys/expect.yaml", include_str!("template/accept-expect.yaml")),
];

/// Writes a new lab into the labs' directory.
///
/// # Errors
/// If the name is no lab's, or the folder exists.
pub fn run(args: &Args, labs: &Path) -> Result<u8, Failure> {
    let number = args.folder.split_once('-').and_then(|(number, slug)| {
        let fits = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        (fits
            && !slug.is_empty()
            && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'))
        .then_some(number)
    });
    let Some(number) = number else {
        let message = format!(
            "`{}` is no folder of a lab; expected two digits and a slug, as in `27-name-it`",
            args.folder
        );
        return Err(Failure::usage(message));
    };
    let dir = labs.join(&args.folder);
    if let Some(taken) = taken(labs, number) {
        return Err(Failure::usage(format!("`{}` exists already", taken.display())).next("another number"));
    }
    for (name, text) in FILES {
        let path = dir.join(name);
        let title = serde_json::Value::from(args.title.as_str()).to_string();
        let text = text.replace("@ID@", &format!("lab{number}")).replace("@TITLE@", &title);
        let parent = path.parent().unwrap_or(&dir);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| Failure::usage(format!("`{}` cannot be written: {error}", path.display())))?;
    }
    anstream::println!("wrote {}", dir.display());
    anstream::println!("next: labcheck --labs {} author lint lab{number}", labs.display());
    Ok(0)
}

/// The folder that has this lab's number; two labs of one number could not be
/// told apart.
fn taken(labs: &Path, number: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(labs).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let prefix = format!("{number}-");
    folders
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
}
