//! The `ms` binary that the labs' images hold: built from source in a
//! checkout, beside labcheck in a release archive.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::archive::Variant;
use crate::{failure::Failure, program, progress::Step};

/// Static, because the image holds nothing else.
const RUSTFLAGS: &str = "-C target-feature=+crt-static";

/// The tag of the image that experiments look through.
pub const PROBE: &str = concat!("labcheck/probe:", env!("CARGO_PKG_VERSION"));

/// Every image that `up` loads.
pub fn variants() -> Vec<Variant> {
    let version =
        |version: &str| Variant { tag: format!("ms:{version}"), env: vec![format!("MS_VERSION={version}")] };
    let probe = Variant { tag: PROBE.to_owned(), env: Vec::new() };
    vec![version("v1"), version("v2"), version("v2-bad"), probe]
}

/// The binary for an architecture by Go's name.
///
/// # Errors
/// A build that fails, or a release archive without the file.
pub async fn binary(architecture: &str, checkout: Option<&Path>, step: &Step) -> Result<Vec<u8>, Failure> {
    let path = match checkout {
        Some(root) => build(root, architecture, step).await?,
        None => shipped(architecture)?,
    };
    fs::read(&path)
        .map_err(|error| Failure::unobservable(format!("cannot read `{}`: {error}", path.display())))
}

async fn build(root: &Path, architecture: &str, step: &Step) -> Result<PathBuf, Failure> {
    let target = match architecture {
        "amd64" => "x86_64-unknown-linux-gnu",
        "arm64" => "aarch64-unknown-linux-gnu",
        other => {
            return Err(Failure::unobservable(format!(
                "Docker runs on `{other}`: `ms` can be built for amd64 and arm64"
            )));
        }
    };
    // A directory of its own: other flags would rebuild everything each time.
    let directory = root.join("target/image");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--profile", "image", "-p", "ms", "--target", target, "--target-dir"])
        .arg(&directory)
        .env("RUSTFLAGS", RUSTFLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let finished = program::run(&mut command, Some(step)).await.map_err(|failure| {
        failure.next("install Rust with rustup, or use a release archive, which needs none")
    })?;
    if !finished.success {
        return Err(Failure::unobservable(format!(
            "the `ms` image's binary could not be built: cargo: {}\n{}",
            finished.status, finished.tail
        ))
        .next(format!("`rustup target add {target}`, or see the lines above")));
    }
    Ok(directory.join(target).join("image/ms"))
}

/// Beside the executable, or where packages put such files.
fn shipped(architecture: &str) -> Result<PathBuf, Failure> {
    let name = format!("ms-linux-{architecture}");
    let executable = env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|error| Failure::unobservable(format!("cannot find labcheck's own file: {error}")))?;
    let folder = executable.parent().unwrap_or(Path::new("/"));
    let places = [folder.join(&name), folder.join("../share/labcheck").join(&name)];
    places.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        Failure::unobservable(format!(
            "`{name}`, the program in the labs' images, is neither at `{}` nor at `{}`",
            places[0].display(),
            places[1].display()
        ))
        .next("unpack the whole release archive and keep its files together")
    })
}
