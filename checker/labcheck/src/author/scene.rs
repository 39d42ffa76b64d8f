//! A state that stands, with the way to look at it.

use std::{collections::BTreeMap, fs, path::Path};

use bollard::Docker;
use kube::Client;
use lab_experiment::{ApplyError, compose::stage};
use lab_spec::experiment::Relabel;

use crate::{
    failure::Failure,
    session::{Session, Target},
};

/// A state set up as a learner would have it.
pub struct Scene {
    /// The way to it.
    pub session: Session,
    /// The same, as a learner would say it.
    pub target: Target,
    /// What was made for it.
    pub made: Made,
    /// Its files; gone when the scene is.
    pub _folder: tempfile::TempDir,
}

/// What a scene takes up.
pub enum Made {
    /// A namespace of a cluster.
    Namespace(Client, String),
    /// A compose project.
    Project(Docker, String),
}

impl Scene {
    /// Labels running pods as a learner would by hand, and says how many.
    ///
    /// # Errors
    /// What the system answers.
    pub async fn relabel(&self, relabel: &Relabel) -> Result<usize, Failure> {
        match &self.made {
            Made::Namespace(client, namespace) => {
                lab_experiment::relabel_pods(client, namespace, relabel).await.map_err(refused)
            }
            Made::Project(..) => Ok(0),
        }
    }

    /// Removes what was made.
    ///
    /// # Errors
    /// What the system answers.
    pub async fn clear(self) -> Result<(), Failure> {
        match &self.made {
            Made::Namespace(client, namespace) => {
                lab_experiment::discard_namespace(client, namespace).await.map(drop).map_err(refused)
            }
            Made::Project(client, name) => stage::discard(client, name)
                .await
                .map_err(|why| Failure::unobservable(format!("`{name}`: {why}"))),
        }
    }
}

/// What a cluster refused.
pub fn refused(error: ApplyError) -> Failure {
    Failure::unobservable(error.to_string())
}

/// Writes a state's files.
///
/// # Errors
/// A file that cannot be written.
pub fn write(directory: &Path, files: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (name, text) in files {
        let path = directory.join(name);
        let cannot = |error: std::io::Error| {
            Failure::unobservable(format!("`{}` cannot be written: {error}", path.display()))
        };
        fs::create_dir_all(path.parent().unwrap_or(directory)).map_err(cannot)?;
        fs::write(&path, text).map_err(cannot)?;
    }
    Ok(())
}
