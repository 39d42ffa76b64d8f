//! The programs a lab needs: Docker, kind, kubectl, docker compose.

use std::time::Duration;

use semver::Version;
use tokio::process::Command;

use super::Finding;
use crate::{
    docker::Docker,
    failure::Failure,
    kind::{self, Kind, find_on_path, node_image::KINDS_OWN, offline, version_of},
    program,
    state::State,
};

/// The oldest compose that has all the course uses (`watch` with restart).
const COMPOSE: Version = Version::new(2, 32, 0);
/// kubectl and the API server may be this many minor versions apart.
const SKEW: u64 = 1;
/// How long a program may take to tell its version.
const VERSION: Duration = Duration::from_secs(10);

pub fn docker(docker: &Result<Docker, Failure>) -> Finding {
    match docker {
        Ok(docker) => Finding::ok(
            "docker",
            format!(
                "{}, API {}, at {} ({})",
                docker.version, docker.api, docker.endpoint.host, docker.endpoint.why
            ),
        ),
        Err(failure) => Finding::fix("docker", failure.message(), failure.next_step().unwrap_or_default()),
    }
}

/// kind runs the `docker` command, so the socket alone is not enough.
pub fn docker_command() -> Option<Finding> {
    find_on_path("docker").is_none().then(|| {
        Finding::fix(
            "docker",
            "the command `docker`, which kind runs, is not on PATH",
            "install Docker's command line",
        )
    })
}

pub async fn kind(docker: Option<&Docker>) -> Finding {
    let found = Kind::find(docker).await;
    match found {
        Ok(kind) => Finding::ok("kind", format!("v{}, {}", kind.version, kind.binary().display())),
        Err(failure) => Finding::fix("kind", failure.message(), kind::INSTALL),
    }
}

pub async fn kubectl() -> Finding {
    const WHAT: &str = "kubectl";
    let Some(path) = find_on_path(WHAT) else {
        let cached = offline::tools().map(|folder| folder.join(WHAT)).filter(|path| path.is_file());
        return match cached {
            Some(path) => {
                let folder = path.parent().unwrap_or(&path).display().to_string();
                Finding::fix(
                    WHAT,
                    format!("not on PATH, but built in `{folder}`"),
                    format!("export PATH=\"{folder}:$PATH\""),
                )
            }
            None => {
                Finding::fix(WHAT, "not on PATH", "install kubectl: https://kubernetes.io/docs/tasks/tools/")
            }
        };
    };
    let json = output(Command::new(&path).args(["version", "--client", "-o", "json"])).await;
    let client = json
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .and_then(|value| version_of(value["clientVersion"]["gitVersion"].as_str()?));
    let Some(client) = client else {
        return Finding::note(
            WHAT,
            format!("`{}` does not tell its version", path.display()),
            "install kubectl again",
        );
    };
    let server = server_version();
    let found = format!("v{client}, {}", path.display());
    match server {
        Some(server) if client.minor.abs_diff(server.minor) > SKEW || client.major != server.major => {
            Finding::note(
                WHAT,
                format!(
                    "{found}: more than {SKEW} minor version away from Kubernetes v{server}, so some output differs"
                ),
                format!("install kubectl v{}.{}", server.major, server.minor),
            )
        }
        _ => Finding::ok(WHAT, found),
    }
}

/// The version of the newest cluster made here, or of the one that would be.
fn server_version() -> Option<Version> {
    let clusters = State::open().and_then(|state| state.clusters()).unwrap_or_default();
    let newest = clusters.into_iter().max_by_key(|cluster| cluster.created);
    let image = newest.map_or_else(|| KINDS_OWN.to_owned(), |cluster| cluster.node_image);
    image_version(&image)
}

/// The version in a node image's tag.
fn image_version(image: &str) -> Option<Version> {
    let tag = image.split('@').next()?.rsplit(':').next()?;
    version_of(tag).map(|version| Version::new(version.major, version.minor, version.patch))
}

pub async fn compose() -> Finding {
    const WHAT: &str = "compose";
    const FIX: &str = "install the compose plugin, v2.32 or newer; lab 01 needs none";
    let Some(docker) = find_on_path("docker") else {
        return Finding::note(WHAT, "no `docker` to ask", FIX);
    };
    match output(Command::new(docker).args(["compose", "version", "--short"]))
        .await
        .as_deref()
        .and_then(version_of)
    {
        Some(version) if version >= COMPOSE => Finding::ok(WHAT, format!("v{version}")),
        Some(version) => Finding::note(WHAT, format!("v{version}, expected v{COMPOSE} or newer"), FIX),
        None => Finding::note(WHAT, "`docker compose` is not installed", FIX),
    }
}

/// Standard output of a program that ends well and in time.
async fn output(command: &mut Command) -> Option<String> {
    let finished = tokio::time::timeout(VERSION, program::run(command, None)).await.ok()?.ok()?;
    finished.success.then_some(finished.out)
}

#[cfg(test)]
mod tests {
    use super::{KINDS_OWN, image_version};

    #[test]
    fn the_version_of_a_node_image_is_read_from_its_tag() {
        let version = |image: &str| image_version(image).map(|version| version.to_string());
        assert_eq!(version(KINDS_OWN).as_deref(), Some("1.37.0"));
        assert_eq!(version("labcheck/node:v1.36.3-2fbc0047").as_deref(), Some("1.36.3"));
        assert_eq!(version("node"), None);
    }
}
