//! A small project, a daemon, and what a run may have left of a copy.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use bollard::{
    Docker,
    query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder},
};
use futures::FutureExt as _;
use indexmap::IndexMap;
use lab_experiment::{
    Permission, Recovery, Setting, System, Target,
    compose::{Beside, Daemon, Place, Project},
    recover,
};
use tokio_util::sync::CancellationToken;

/// Everything of one test, below one directory.
pub struct Bench {
    pub dir: PathBuf,
    daemon: Daemon,
    program: PathBuf,
    config: PathBuf,
}

fn config() -> PathBuf {
    let built = || {
        let cache = env::var_os("LABCHECK_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache/labcheck"))).unwrap();
        cache.join("offline/current")
    };
    env::var_os("LABCHECK_TEST_DOCKER_CONFIG").map_or_else(built, PathBuf::from)
}

impl Bench {
    /// A project with these rules in a directory that is there.
    pub async fn new(dir: PathBuf, rules: &str) -> Self {
        let project = dir.join("project");
        fs::create_dir_all(project.join("src")).unwrap();
        let compose = format!("services:\n  api:\n    build: .\n    develop:\n      watch: {rules}\n");
        let dockerfile = "FROM ms:v1\nUSER 0\nCOPY lock.txt /app/\nCOPY src/ /app/src/\n\
                          ENV MS_VERSION_FILE=/app/src/version.txt MS_VERSION_RELOAD=request\n";
        for (name, text) in [
            ("compose.yaml", compose.as_str()),
            ("Dockerfile", dockerfile),
            ("lock.txt", "one\n"),
            ("src/version.txt", "one\n"),
        ] {
            fs::write(project.join(name), text).unwrap();
        }
        Self::open(dir).await
    }

    /// The one that is in the directory already.
    pub async fn open(dir: PathBuf) -> Self {
        let client = Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
        let id = client.info().await.unwrap().id.unwrap();
        let host = env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let config = config();
        let program = config.join("cli-plugins/docker-compose");
        let probe_image = "labcheck/probe:0.1.0".to_owned();
        Self { dir, daemon: Daemon { client, host, id, probe_image }, program, config }
    }

    /// Makes it a project of one service, which runs this in a shell with the
    /// directory `data`, in which nobody but user 999 may look.
    pub fn keep_in_data(&self, script: &str) {
        use std::os::unix::fs::{PermissionsExt as _, chown};

        let project = self.dir.join("project");
        let data = project.join("data");
        fs::create_dir_all(data.join("base")).unwrap();
        fs::write(data.join("base/1"), "").unwrap();
        chown(&data, Some(999), Some(999)).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        let healthy = "test -e /data/base/1 && test $$(stat -c %u /data) = 999";
        let compose = format!(
            "services:\n  db:\n    image: redis:7.4-alpine\n    user: '0'\n    volumes: [./data:/data]\n    \
             entrypoint: [sh, -c, '{script}']\n    healthcheck: {{test: '{healthy}', interval: 1s}}\n"
        );
        fs::write(project.join("compose.yaml"), compose).unwrap();
    }

    /// Runs compose through this script from now on; `REAL` is compose itself.
    pub fn wrap(&mut self, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;

        let path = self.dir.join("docker-compose");
        let script = format!("#!/bin/sh\n{}\n", script.replace("REAL", &self.program.display().to_string()));
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.program = path;
    }

    fn copy(&self) -> String {
        let name = self.dir.file_name().unwrap().to_string_lossy().to_lowercase();
        format!("labcheck-test-{}", name.trim_start_matches('.'))
    }

    pub fn setting<'a>(&self, progress: &'a (dyn Fn(&str) + Send + Sync)) -> Setting<'a> {
        let directory = self.dir.join("project").canonicalize().unwrap();
        let place = Place {
            daemon: self.daemon.clone(),
            project: Project {
                files: vec![directory.join("compose.yaml")],
                directory,
                program: self.program.clone(),
                config: Some(self.config.clone()),
            },
            copy: self.copy(),
            copies: self.dir.join("copies"),
            beside: Beside::default(),
        };
        Setting {
            target: Target::Compose(Box::new(place)),
            permission: Permission::Owned,
            journal_dir: self.dir.join("journal"),
            nonce: "n0nce".to_owned(),
            clock: &|| 0,
            look: &|_| async { IndexMap::new() }.boxed(),
            progress,
            cancel: CancellationToken::new(),
        }
    }

    pub async fn recover(&self) -> Recovery {
        recover(System::Docker(&self.daemon), &self.dir.join("journal")).await.unwrap()
    }

    pub fn remove(self) {
        fs::remove_dir_all(&self.dir).unwrap();
    }
}

/// What is left of the copy, in words.
pub async fn traces(bench: &Bench) -> Vec<String> {
    let (client, copy) = (&bench.daemon.client, bench.copy());
    let filters =
        std::collections::HashMap::from([("label", vec![format!("com.docker.compose.project={copy}")])]);
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let images = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let containers = client.list_containers(Some(containers)).await.unwrap().len();
    let images = client.list_images(Some(images)).await.unwrap().len();
    let networks = client.list_networks(Some(networks)).await.unwrap().len();
    let counts = [("containers", containers), ("images", images), ("networks", networks)];
    let mut traces: Vec<_> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    let processes = Command::new("ps").args(["-eww", "-o", "pid=,command="]).output().unwrap();
    let processes = String::from_utf8(processes.stdout).unwrap();
    traces.extend(processes.lines().filter(|line| line.contains(&copy)).map(str::to_owned));
    let files = |name: &str| fs::read_dir(bench.dir.join(name)).map_or(0, Iterator::count);
    for name in ["copies", "journal"] {
        if files(Path::new(name).to_str().unwrap()) > 0 {
            traces.push(format!("files in `{name}`"));
        }
    }
    traces
}
