//! Where `docker compose` lies. It is run by its own file, not through
//! `docker`: that saves a process, and works where only the plugin is there.

use std::{
    env,
    path::{Path, PathBuf},
};

/// What to say where there is none.
pub(super) const MISSING: &str = "there is no `docker compose`: install the Compose plugin of your Docker, or in a \
                                  checkout run `clusters/offline/build compose`";

/// Where plugins of the docker command lie, beside the user's own.
const PLUGINS: &[&str] = &[
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
    "/Applications/Docker.app/Contents/Resources/cli-plugins",
    "C:\\Program Files\\Docker\\cli-plugins",
];

/// The compose that is run.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// A directory for `DOCKER_CONFIG`, where compose finds a buildx beside
    /// itself; none if the user's own will do.
    pub config: Option<PathBuf>,
}

impl Program {
    /// The user's plugin, or the system's, or else `fallback`. A
    /// `docker-compose` on PATH is not taken: it may be the first version,
    /// which knows none of today's files.
    pub fn find(fallback: Option<&Path>) -> Option<Self> {
        let name = format!("docker-compose{}", env::consts::EXE_SUFFIX);
        let own = env::var_os("DOCKER_CONFIG")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
            .or_else(|| Some(env::home_dir()?.join(".docker")));
        let folders =
            own.map(|dir| dir.join("cli-plugins")).into_iter().chain(PLUGINS.iter().map(PathBuf::from));
        if let Some(path) = folders.map(|dir| dir.join(&name)).find(|path| path.is_file()) {
            return Some(Self { path, config: None });
        }
        let path = fallback.map(|dir| dir.join("cli-plugins").join(&name)).filter(|path| path.is_file())?;
        Some(Self { path, config: fallback.map(Path::to_owned) })
    }

    /// A command that runs it against the daemon at `host`, or against the
    /// user's own where none is named.
    pub fn command(&self, host: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.path);
        if !host.is_empty() {
            command.env("DOCKER_HOST", host).env_remove("DOCKER_CONTEXT");
        }
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        // It is short-lived: a sixth of its time goes into tidying up its memory.
        if env::var_os("GOGC").is_none() && env::var_os("GOMEMLIMIT").is_none() {
            command.env("GOGC", "off").env("GOMEMLIMIT", "256MiB");
        }
        if let Some(config) = &self.config {
            command.env("DOCKER_CONFIG", config);
        }
        command
    }
}
