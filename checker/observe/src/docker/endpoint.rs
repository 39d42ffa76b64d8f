//! Where the Docker daemon listens, found the way the `docker` command finds
//! it, plus two places where it would not look.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::DockerError;

/// An address of a daemon and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// As in `unix:///var/run/docker.sock`.
    pub host: String,
    /// As in ``the context `desktop-linux` ``, for messages.
    pub why: String,
}

/// What decides about the endpoint.
struct Surroundings {
    host: Option<String>,
    context: Option<String>,
    config: PathBuf,
    home: PathBuf,
    runtime_dir: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: ContextEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    host: String,
}

/// The daemon to talk to.
///
/// # Errors
/// A context that does not exist, or a configuration that cannot be read.
pub fn find() -> Result<Endpoint, DockerError> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let home = env::home_dir()
        .ok_or_else(|| DockerError::new("cannot find the home directory".to_owned(), "set HOME"))?;
    Surroundings {
        host: variable("DOCKER_HOST"),
        context: variable("DOCKER_CONTEXT"),
        config: variable("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from),
        home,
        runtime_dir: variable("XDG_RUNTIME_DIR").map(PathBuf::from),
    }
    .endpoint()
}

/// The daemon's usual address.
#[cfg(unix)]
const DEFAULT: &str = "unix:///var/run/docker.sock";
#[cfg(windows)]
const DEFAULT: &str = "npipe:////./pipe/docker_engine";

impl Surroundings {
    fn endpoint(&self) -> Result<Endpoint, DockerError> {
        if let Some(host) = &self.host {
            return Ok(Endpoint { host: host.clone(), why: "DOCKER_HOST".to_owned() });
        }
        let context = match &self.context {
            Some(name) => Some(name.clone()),
            None => self.current_context()?,
        };
        match context {
            Some(name) if name != "default" => self.of_context(&name),
            _ => Ok(self.usual()),
        }
    }

    fn current_context(&self) -> Result<Option<String>, DockerError> {
        let file = self.config.join("config.json");
        let Ok(bytes) = fs::read(&file) else { return Ok(None) };
        let config: ClientConfig = serde_json::from_slice(&bytes).map_err(|error| {
            let what = format!("docker's `{}` is broken: {error}", file.display());
            DockerError::new(what, "mend the file, or set DOCKER_HOST")
        })?;
        Ok(config.current_context)
    }

    fn of_context(&self, name: &str) -> Result<Endpoint, DockerError> {
        let folder: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = self.config.join("contexts/meta").join(folder).join("meta.json");
        let cannot = |reason: String| {
            let what = format!("docker context `{name}` cannot be used: {reason}");
            DockerError::new(
                what,
                "`docker context ls` lists the contexts, `docker context use default` goes back to the usual one",
            )
        };
        let bytes = fs::read(&file).map_err(|error| cannot(format!("`{}`: {error}", file.display())))?;
        let meta: ContextMeta = serde_json::from_slice(&bytes)
            .map_err(|error| cannot(format!("`{}`: {error}", file.display())))?;
        Ok(Endpoint { host: meta.endpoints.docker.host, why: format!("the docker context `{name}`") })
    }

    /// The usual socket, or the first one there is of those that a rootless
    /// daemon and Docker Desktop make.
    fn usual(&self) -> Endpoint {
        let usual = Endpoint { host: DEFAULT.to_owned(), why: "the usual socket".to_owned() };
        let others = [
            (self.runtime_dir.as_ref().map(|dir| dir.join("docker.sock")), "the rootless daemon's socket"),
            (Some(self.home.join(".docker/run/docker.sock")), "Docker Desktop's socket"),
        ];
        if !cfg!(unix) || is_there(Path::new("/var/run/docker.sock")) {
            return usual;
        }
        others
            .into_iter()
            .find_map(|(path, why)| {
                let path = path.filter(|path| is_there(path))?;
                Some(Endpoint { host: format!("unix://{}", path.display()), why: why.to_owned() })
            })
            .unwrap_or(usual)
    }
}

/// A socket in a directory that may not be read counts as there: the daemon's
/// own error is then the better message.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Surroundings;

    fn surroundings(dir: &std::path::Path) -> Surroundings {
        Surroundings {
            host: None,
            context: None,
            config: dir.join(".docker"),
            home: dir.to_owned(),
            runtime_dir: None,
        }
    }

    fn write_context(dir: &std::path::Path) {
        // The folder is the SHA-256 of `colima`, as `docker context create colima` makes it.
        let folder = dir
            .join(".docker/contexts/meta/f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16");
        fs::create_dir_all(&folder).unwrap();
        let meta = r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///c.sock","SkipTLSVerify":false}}}"#;
        fs::write(folder.join("meta.json"), meta).unwrap();
        fs::write(dir.join(".docker/config.json"), r#"{"auths":{},"currentContext":"colima"}"#).unwrap();
    }

    #[test]
    fn the_variable_beats_the_context_and_the_context_beats_the_socket() {
        let dir = tempfile::tempdir().unwrap();
        write_context(dir.path());
        let mut surroundings = surroundings(dir.path());
        assert_eq!(surroundings.endpoint().unwrap().host, "unix:///c.sock");
        surroundings.host = Some("tcp://127.0.0.1:2375".to_owned());
        assert_eq!(surroundings.endpoint().unwrap().host, "tcp://127.0.0.1:2375");
        surroundings.host = None;
        surroundings.context = Some("default".to_owned());
        assert_ne!(surroundings.endpoint().unwrap().host, "unix:///c.sock");
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut surroundings = surroundings(dir.path());
        surroundings.context = Some("gone".to_owned());
        let error = surroundings.endpoint().unwrap_err();
        assert!(error.what.contains("docker context `gone`"), "{error:?}");
        assert!(error.next.contains("docker context ls"), "{error:?}");
    }

    #[test]
    fn a_broken_configuration_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".docker")).unwrap();
        fs::write(dir.path().join(".docker/config.json"), "{").unwrap();
        let error = surroundings(dir.path()).endpoint().unwrap_err().to_string();
        assert!(error.contains("config.json` is broken"), "{error}");
    }
}
