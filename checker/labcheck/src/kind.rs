//! Runs the real kind: creates clusters, deletes them, asks for their
//! kubeconfig.

pub mod api;
pub mod kubeconfig;
pub mod node_image;
pub mod offline;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use semver::Version;
use tokio::process::Command;

use crate::{docker::Docker, failure::Failure, program, progress::Step};

/// The oldest kind that starts the node images used here.
pub const OLDEST: Version = Version::new(0, 33, 0);

/// How to get a kind that is new enough.
pub const INSTALL: &str = "install kind v0.33.0 or newer: `go install sigs.k8s.io/kind@v0.33.0`, or a package of \
                           your system; in a checkout `clusters/offline/build` builds one";

/// How many nodes a cluster has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Nodes {
    /// A control plane that also runs pods.
    #[value(name = "1")]
    One,
    /// A control plane and two workers.
    #[value(name = "3")]
    Three,
}

impl Nodes {
    /// The number of them.
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }

    /// kind's configuration for them.
    const fn configuration(self) -> &'static str {
        match self {
            Self::One => include_str!("../../../clusters/kind/one-node.yaml"),
            Self::Three => include_str!("../../../clusters/kind/three-node.yaml"),
        }
    }
}

/// A kind that can be used.
pub struct Kind {
    binary: PathBuf,
    /// Its version.
    pub version: Version,
    /// Environment that leads to the daemon in use.
    docker: Option<(&'static str, String)>,
}

impl Kind {
    /// The kind on PATH, or else the one of the offline cache, whichever is
    /// new enough first. It is made to use the given daemon.
    ///
    /// # Errors
    /// None that is.
    pub async fn find(docker: Option<&Docker>) -> Result<Self, Failure> {
        let docker = docker.map(|docker| {
            let (variable, host) = docker.environment();
            (variable, host.to_owned())
        });
        let mut found = Vec::new();
        for binary in candidates() {
            let finished = match program::run(Command::new(&binary).arg("version"), None).await {
                Ok(finished) => finished,
                Err(error) => {
                    found.push(error.to_string());
                    continue;
                }
            };
            match version_of(&finished.out) {
                Some(version) if version >= OLDEST => {
                    return Ok(Self { binary, version, docker });
                }
                Some(version) => found.push(format!("`{}` is v{version}", binary.display())),
                None => found.push(format!("`{}` does not tell its version", binary.display())),
            }
        }
        let found = if found.is_empty() { "none on PATH".to_owned() } else { found.join(", ") };
        Err(Failure::unobservable(format!("no kind v{OLDEST} or newer: {found}")).next(INSTALL))
    }

    /// The file that is run.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.envs(self.docker.clone());
        command
    }

    /// Creates a cluster; its kubeconfig is written nowhere.
    ///
    /// # Errors
    /// What kind said last.
    pub async fn create(&self, name: &str, nodes: Nodes, image: &str, step: &Step) -> Result<(), Failure> {
        let scratch = scratch()?;
        let configuration = scratch.path().join("cluster.yaml");
        fs::write(&configuration, nodes.configuration()).map_err(|error| {
            Failure::unobservable(format!("cannot write `{}`: {error}", configuration.display()))
        })?;
        let mut command = self.command();
        command
            .args(["create", "cluster", "--name", name, "--image", image, "--config"])
            .arg(&configuration)
            .arg("--kubeconfig")
            .arg(scratch.path().join("kubeconfig"));
        let finished = program::run(&mut command, Some(step)).await?;
        if finished.success {
            return Ok(());
        }
        Err(Failure::unobservable(format!(
            "kind could not create cluster `{name}`: {}\n{}",
            finished.status, finished.tail
        ))
        .next("`labcheck doctor` looks for what it may lack"))
    }

    /// The kubeconfig of a cluster as YAML, read from its control plane.
    ///
    /// # Errors
    /// A control plane that does not run.
    pub async fn kubeconfig(&self, name: &str) -> Result<String, Failure> {
        let finished = program::run(self.command().args(["get", "kubeconfig", "--name", name]), None).await?;
        if finished.success {
            return Ok(finished.out);
        }
        Err(Failure::unobservable(format!(
            "kind does not know how to reach cluster `{name}`: {}",
            finished.tail
        ))
        .next(format!("`labcheck down --name {name}`, then `labcheck up --name {name}`")))
    }

    /// Deletes a cluster; no kubeconfig is touched.
    ///
    /// # Errors
    /// What kind said last.
    pub async fn delete(&self, name: &str, step: &Step) -> Result<(), Failure> {
        let scratch = scratch()?;
        let mut command = self.command();
        command
            .args(["delete", "cluster", "--name", name, "--kubeconfig"])
            .arg(scratch.path().join("kubeconfig"));
        let finished = program::run(&mut command, Some(step)).await?;
        if finished.success {
            return Ok(());
        }
        Err(Failure::unobservable(format!(
            "kind could not delete cluster `{name}`: {}\n{}",
            finished.status, finished.tail
        ))
        .next(format!("`docker ps -a --filter label=io.x-k8s.kind.cluster={name}` shows what is left")))
    }
}

/// The name of the context that kind gives a cluster.
pub fn context(name: &str) -> String {
    format!("kind-{name}")
}

fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|error| {
        Failure::unobservable(format!("cannot make a temporary directory: {error}"))
            .next("free some disk space, or set TMPDIR")
    })
}

fn candidates() -> Vec<PathBuf> {
    let on_path = find_on_path("kind");
    let cached = offline::tools().map(|folder| folder.join("kind")).filter(|path| path.is_file());
    on_path.into_iter().chain(cached).collect()
}

/// The first executable file of this name on PATH.
pub fn find_on_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&name)).find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// The first word that is a version, with or without a `v` in front.
pub fn version_of(text: &str) -> Option<Version> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '"'))
        .find_map(|word| Version::parse(word.trim_start_matches('v')).ok())
}

#[cfg(test)]
mod tests {
    use super::{Nodes, OLDEST, version_of};

    #[test]
    fn versions_are_read_as_tools_print_them() {
        let parse = |text: &str| version_of(text).map(|version| version.to_string());
        assert_eq!(parse("kind v0.33.0 go1.26.8 linux/amd64\n").as_deref(), Some("0.33.0"));
        assert_eq!(
            parse("kind v0.34.0-alpha+3f2a9c go1.26.8 linux/amd64").as_deref(),
            Some("0.34.0-alpha+3f2a9c")
        );
        assert_eq!(parse("Docker Compose version v5.5.1").as_deref(), Some("5.5.1"));
        assert_eq!(parse("Docker Compose version 2.32.4-desktop.1").as_deref(), Some("2.32.4-desktop.1"));
        assert_eq!(parse("kind (devel) go1.26"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn an_older_kind_is_told_from_a_newer_one() {
        assert!(version_of("kind v0.9.0 go1.15").unwrap() < OLDEST);
        assert!(version_of("kind v0.33.1 go1.26").unwrap() >= OLDEST);
    }

    #[test]
    fn the_configurations_have_as_many_nodes_as_they_say() {
        for nodes in [Nodes::One, Nodes::Three] {
            let configuration: serde_json::Value = serde_yaml::from_str(nodes.configuration()).unwrap();
            assert_eq!(configuration["kind"], "Cluster");
            assert_eq!(configuration["nodes"].as_array().unwrap().len(), nodes.count());
        }
    }
}
