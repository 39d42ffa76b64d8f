//! Writing files of the copied project, as the learner's editor would.

use std::{
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};

use lab_spec::experiment::compose::Edit;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Edited, Place, containers};
use crate::{
    halt::Halt,
    run::{Run, Told},
};

/// Writes the file in one go; the result is `{nonce, digest}`, the digest that
/// of the new content. A project without a file it takes from is the
/// learner's doing.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, at: usize, edit: &Edit) -> Result<Told, Halt> {
    let nonce = format!("{}-{}", run.setting.nonce, at + 1);
    let path = inside(place, &edit.path)?;
    let bytes = match (&edit.with, &edit.from) {
        (Some(text), _) => text.replace("{nonce}", &nonce).into_bytes(),
        (_, Some(from)) => fs::read(inside(place, from)?)
            .map_err(|error| Halt::Stopped(format!("the project's file `{from}` cannot be read: {error}")))?,
        _ => Vec::new(),
    };
    let digest = Sha256::digest(&bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let before = containers::faces(place).await?;
    let mut beside = place.beside.0.lock().await;
    beside.watch.check()?;
    beside.watch.begin();
    beside.edited = Some(Edited { nonce: nonce.clone(), before });
    drop(beside);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, &bytes))
        .map_err(|error| Halt::Unavailable(format!("cannot write `{}`: {error}", path.display())))?;
    let what = format!("wrote {} bytes to `{}` of the copy", bytes.len(), edit.path);
    Ok(Told { what, result: Some(json!({"nonce": nonce, "digest": digest})) })
}

/// A path of the lab file, which must lie in the copy.
fn inside(place: &Place, path: &str) -> Result<PathBuf, Halt> {
    if path.is_empty() || !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Halt::Unavailable(format!("`{path}` does not lie in the project")));
    }
    let directory = place.directory();
    let joined = directory.join(path);
    // A link of the learner's could lead out of the copy.
    let real = joined.parent().and_then(|folder| folder.canonicalize().ok());
    let root = directory.canonicalize().unwrap_or_else(|_| directory.clone());
    if real.is_some_and(|real| !real.starts_with(&root)) || joined.is_symlink() {
        return Err(Halt::Stopped(format!("`{path}` of the project is a link that leads elsewhere")));
    }
    Ok(joined)
}
