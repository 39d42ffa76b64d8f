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

/// Where compose and buildx lie as plugins, if they were built here.
pub fn compose() -> Option<PathBuf> {
    Some(cache()?.join("current")).filter(|dir| dir.join("cli-plugins").is_dir())
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

/// An image that stands in for an upstream one.
#[derive(Debug, PartialEq, Eq)]
pub struct StandIn {
    /// Its name in Docker, as in `redis:7.4-alpine`.
    pub image: String,
    /// What it is, as in `redis-server 5:7.0.15-1`.
    pub made_of: String,
}

/// Builds the stand-ins, unless they are cached, and puts them into Docker
/// with `prefix` before their names.
///
/// # Errors
/// No checkout to build in, or a build that fails.
pub async fn stand_ins(
    docker: &Docker,
    checkout: Option<&Path>,
    prefix: &str,
    step: &Step,
) -> Result<Vec<StandIn>, Failure> {
    let script = checkout.and_then(script).ok_or_else(|| {
        Failure::unobservable("nothing can be pulled, and there is nothing here to build stand-ins from")
            .next("run `labcheck up --compose` on Linux in a checkout, or where images can be pulled")
    })?;
    let mut command = Command::new(&script);
    let (variable, host) = docker.environment();
    let finished =
        program::run(command.args(["--stand-ins", prefix]).env(variable, host), Some(step)).await?;
    if !finished.success {
        return Err(Failure::unobservable(format!(
            "the stand-ins for upstream images could not be built: {}\n{}",
            finished.status, finished.tail
        ))
        .next(format!("mend what the last line says, then again (`{}`)", script.display())));
    }
    Ok(finished.out.lines().filter_map(stand_in).collect())
}

/// A line of the script's output: image, package, version.
fn stand_in(line: &str) -> Option<StandIn> {
    let (image, made_of) = line.split_once(' ')?;
    Some(StandIn { image: image.to_owned(), made_of: made_of.to_owned() })
}

/// Whether the daemon at this address is the one that `clusters/offline/dockerd`
/// started: nobody else's images can be mistaken in it.
pub fn started_by_us(host: &str) -> bool {
    if !matches!(host, "unix:///var/run/docker.sock" | "unix:///run/docker.sock") {
        return false;
    }
    let run = env::var_os("LABCHECK_RUN").map_or_else(|| PathBuf::from("/run/labcheck"), PathBuf::from);
    let first = |path: &Path| {
        let text = fs::read_to_string(path).ok()?;
        text.split_whitespace().next().map(str::to_owned)
    };
    let ours = first(&run.join("dockerd/pid"));
    ours.is_some() && ours == first(Path::new("/var/run/docker.pid"))
}

#[cfg(test)]
mod tests {
    use super::{stand_in, started_by_us};

    #[test]
    fn a_stand_in_says_what_it_is_made_of() {
        let made = stand_in("redis:7.4-alpine redis-server 5:7.0.15-1").unwrap();
        assert_eq!(
            (made.image.as_str(), made.made_of.as_str()),
            ("redis:7.4-alpine", "redis-server 5:7.0.15-1")
        );
        assert_eq!(stand_in(""), None);
    }

    #[test]
    fn a_daemon_elsewhere_is_never_ours() {
        assert!(!started_by_us("tcp://127.0.0.1:2375"));
        assert!(!started_by_us("unix:///home/a/.docker/run/docker.sock"));
    }
}
