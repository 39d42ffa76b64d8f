//! The node image that `clusters/offline/build` makes where none can be
//! pulled, and the cache it leaves.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use bollard::query_parameters::ImportImageOptionsBuilder;
use etcetera::{BaseStrategy as _, choose_base_strategy};
use futures::StreamExt as _;
use tokio::process::Command;
use tokio_util::io::ReaderStream;

use crate::{
    docker::{Docker, failed},
    failure::Failure,
    program,
    progress::Step,
};

/// The build's cache, whether or not it exists; its place is the one the
/// script uses.
pub fn cache() -> Option<PathBuf> {
    if let Some(dir) = env::var_os("LABCHECK_CACHE").filter(|dir| !dir.is_empty()) {
        return Some(PathBuf::from(dir).join("offline"));
    }
    Some(choose_base_strategy().ok()?.cache_dir().join("labcheck/offline"))
}

/// The directory of the tools built so far.
pub fn tools() -> Option<PathBuf> {
    Some(cache()?.join("current/bin"))
}

/// The image built last, as the cache says.
fn cached_image() -> Option<String> {
    let text = fs::read_to_string(cache()?.join("current/image")).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The build script of a checkout.
pub fn script(checkout: &Path) -> Option<PathBuf> {
    Some(checkout.join("clusters/offline/build")).filter(|path| cfg!(target_os = "linux") && path.is_file())
}

/// The reference the offline image has or would have: what this checkout's
/// recipe makes, or else what was built last.
pub async fn reference(checkout: Option<&Path>) -> Option<String> {
    if let Some(script) = checkout.and_then(script)
        && let Ok(finished) = program::run(Command::new(script).arg("--image"), None).await
        && finished.success
    {
        return Some(finished.out.trim().to_owned());
    }
    cached_image()
}

/// Makes sure that the image is in the Docker engine: builds it in a checkout
/// (what is cached is not built again), loads it from the cache elsewhere.
///
/// # Errors
/// A build that fails, or nothing to make the image from.
pub async fn prepare(docker: &Docker, checkout: Option<&Path>, step: &Step) -> Result<String, Failure> {
    if let Some(script) = checkout.and_then(script) {
        let mut command = Command::new(&script);
        let (variable, host) = docker.environment();
        let finished = program::run(command.arg("cluster").env(variable, host), Some(step)).await?;
        if !finished.success {
            return Err(Failure::unobservable(format!(
                "the offline node image could not be built: {}\n{}",
                finished.status, finished.tail
            ))
            .next(format!(
                "mend what the last line says, then again; what is built stays (`{}`)",
                script.display()
            )));
        }
    }
    let image = reference(checkout).await.ok_or_else(|| {
        Failure::unobservable("there is no offline node image, and nothing here to build it from")
            .next("build it on Linux in a checkout with `clusters/offline/build`, then again")
    })?;
    if docker.image_id(&image).await?.is_none() {
        load(docker, &image).await?;
    }
    Ok(image)
}

/// Loads the image from the archive that the build keeps beside it.
async fn load(docker: &Docker, image: &str) -> Result<(), Failure> {
    let archive = archive(image).ok_or_else(|| {
        Failure::unobservable(format!("node image `{image}` is neither in Docker nor in the offline cache"))
            .next("`clusters/offline/build` in a checkout builds it again")
    })?;
    let what = format!("load `{}`", archive.display());
    let file = tokio::fs::File::open(&archive)
        .await
        .map_err(|error| Failure::unobservable(format!("cannot read `{}`: {error}", archive.display())))?;
    let options = ImportImageOptionsBuilder::default().quiet(true).build();
    let mut stream = docker.client.import_image_stream(options, ReaderStream::new(file), None);
    while let Some(info) = stream.next().await {
        info.map_err(|error| failed(&what, &error))?;
    }
    match docker.image_id(image).await? {
        Some(_) => Ok(()),
        None => Err(Failure::unobservable(format!("`{}` does not hold `{image}`", archive.display()))
            .next("`clusters/offline/build` in a checkout builds it again")),
    }
}

/// The image's tag ends with the first digits of its directory's name.
fn archive(image: &str) -> Option<PathBuf> {
    let prefix = format!("node-image-{}", image.rsplit('-').next()?);
    fs::read_dir(cache()?.join("built"))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_none())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .map(|folder| folder.join("image.tar"))
        .filter(|file| file.is_file())
}
