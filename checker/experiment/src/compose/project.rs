//! Resolving the learner's project and making a copy of it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::process::Command;

use super::{Place, Project, copy, model};
use crate::halt::Halt;

/// How long the resolver may take.
const RESOLVE: Duration = Duration::from_secs(15);
/// The copy's one file, beside the learner's in the copied directory.
pub(super) const FILE: &str = "labcheck.compose.json";
/// What compose would read from the environment and must not, for a copy.
const FOREIGN: &[&str] =
    &["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES", "DOCKER_CONTEXT"];

impl Project {
    /// `docker compose`, on the daemon at `host`.
    pub(super) fn command(&self, host: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.env("DOCKER_HOST", host).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(config) = &self.config {
            command.env("DOCKER_CONFIG", config);
        }
        command
    }
}

/// `docker compose` on the copy and nothing else.
pub(super) fn command(place: &Place) -> Command {
    let mut command = place.project.command(&place.daemon.host);
    let directory = place.directory();
    command.arg("-f").arg(directory.join(FILE)).args(["-p", &place.copy, "--progress", "plain"]);
    command.arg("--project-directory").arg(&directory).current_dir(&directory);
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    command
}

/// Resolves the learner's files; `Stopped` if compose refuses them.
pub(super) async fn resolve(place: &Place) -> Result<Value, Halt> {
    resolved(&place.project, &place.daemon.host).await
}

/// What compose makes of a project's files.
pub(super) async fn resolved(project: &Project, host: &str) -> Result<Value, Halt> {
    let mut command = project.command(host);
    for file in &project.files {
        command.arg("-f").arg(file);
    }
    command.args(["config", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cannot =
        |error: std::io::Error| Halt::Unavailable(format!("`docker compose` cannot be run: {error}"));
    let child = command.spawn().map_err(cannot)?;
    let finished = tokio::time::timeout(RESOLVE, child.wait_with_output())
        .await
        .map_err(|_| {
            Halt::Unavailable(format!("`docker compose config` did not end within {} s", RESOLVE.as_secs()))
        })?
        .map_err(cannot)?;
    if !finished.status.success() {
        let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        if let Some(why) = too_old(project).await {
            return Err(Halt::Unavailable(format!(
                "`docker compose` refuses the compose file: {said}; {why}"
            )));
        }
        return Err(Halt::Stopped(format!("`docker compose` refuses the compose file: {said}")));
    }
    serde_json::from_slice(&finished.stdout).map_err(|error| {
        Halt::Unavailable(format!("what `docker compose config` printed is no JSON: {error}"))
    })
}

/// Why the learner's Compose is too old to be believed; none if it is not.
pub(super) async fn too_old(project: &Project) -> Option<String> {
    let mut command = project.command("");
    command.args(["version", "--short"]).stderr(Stdio::null());
    let output = tokio::time::timeout(RESOLVE, command.output()).await.ok()?.ok()?;
    lab_spec::compose::too_old(&String::from_utf8_lossy(&output.stdout))
}

/// Makes the copy's directory and file from what was resolved; returns the
/// directories that are empty in it because the user may not read them.
pub(super) fn make(place: &Place, resolved: Value) -> Result<Vec<PathBuf>, Halt> {
    let (from, to) = (&place.project.directory, place.directory());
    let model = model::copied(resolved, &place.copy, from, &to)
        .map_err(|why| Halt::Unavailable(format!("no copy of this project is made: {why}")))?;
    let unread = copy::directory(from, &to).map_err(Halt::Unavailable)?;
    write(&to.join(FILE), model.to_string().as_bytes())
        .map_err(|error| Halt::Unavailable(format!("cannot write the copy's compose file: {error}")))?;
    Ok(unread)
}

/// Writes a file that only the user may read: it holds secrets.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;

    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}
