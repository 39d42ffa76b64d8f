//! Finishing the undo of runs that were killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;

use crate::journal::{self, Journal, JournalError};
use crate::{Identity, read, undo};

/// How long the last request of a killed run may still be on its way: it lies
/// in the server's socket when its sender dies.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// What `recover` found and did.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Runs whose undo is finished now.
    pub undone: Vec<Undone>,
    /// Runs whose undo is not.
    pub left: Vec<Left>,
}

/// A killed run that is undone.
#[derive(Debug)]
pub struct Undone {
    /// The experiment.
    pub experiment: String,
    /// The namespace it ran in.
    pub namespace: String,
    /// What was done to undo it, in words; empty if nothing was needed.
    pub did: Vec<String>,
}

/// A run that is not undone.
#[derive(Debug)]
pub struct Left {
    /// Its journal.
    pub journal: PathBuf,
    /// Why, in words, naming the cluster if it is another one.
    pub why: String,
}

/// Why nothing could be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The directory of the journals cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The cluster could not be asked who it is.
    #[error("cannot tell which cluster this is, so nothing was undone: {0}")]
    Unidentified(String),
    /// The client leads to another cluster than the identity says.
    #[error("this cluster's `kube-system` has the UID `{found}`, expected `{expected}`; nothing was undone")]
    OtherCluster {
        /// UID in the identity.
        expected: String,
        /// UID seen through the client.
        found: String,
    },
}

/// Undoes what killed runs left behind in the cluster `identity` names, and
/// lists what it leaves alone: journals of other clusters, and journals that
/// cannot be undone now. Runs that are still busy are neither. Sends no
/// request if there is nothing to undo.
///
/// # Errors
/// The journals cannot be listed, or `client` does not lead to that cluster.
pub async fn recover(
    client: &Client,
    journal_dir: &Path,
    identity: &Identity,
) -> Result<Recovery, RecoverError> {
    let mut recovery = Recovery::default();
    let mut identified = false;
    for path in journal::all(journal_dir)? {
        let journal = match Journal::adopt(&path) {
            Ok(Some(journal)) => journal,
            Ok(None) => continue,
            Err(error) => {
                recovery.left.push(Left { journal: path, why: error.to_string() });
                continue;
            }
        };
        if journal.header.identity != *identity {
            recovery.left.push(Left { journal: path, why: other_cluster(&journal) });
            continue;
        }
        if !identified {
            identify(client, identity).await?;
            identified = true;
        }
        match finish(client, journal).await {
            Ok(undone) => recovery.undone.push(undone),
            Err(why) => recovery.left.push(Left { journal: path, why }),
        }
    }
    Ok(recovery)
}

/// Removes the journals of a cluster that no longer exists; returns how many.
///
/// # Errors
/// A journal cannot be read or removed.
pub fn forget(journal_dir: &Path, identity: &Identity) -> Result<usize, JournalError> {
    let mut forgotten = 0;
    for path in journal::all(journal_dir)? {
        if let Some(journal) = Journal::adopt(&path)?
            && journal.header.identity == *identity
        {
            journal.remove()?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

fn other_cluster(journal: &Journal) -> String {
    let header = &journal.header;
    format!(
        "experiment `{}` was killed in cluster `{}` (`kube-system` UID `{}`), which is not this one; use that \
         cluster to undo it, or remove the file if it no longer exists",
        header.experiment, header.cluster, header.identity.kube_system_uid
    )
}

async fn identify(client: &Client, identity: &Identity) -> Result<(), RecoverError> {
    let found = read::kube_system_uid(client)
        .await
        .map_err(|halt| RecoverError::Unidentified(halt.words().to_owned()))?;
    if found == identity.kube_system_uid {
        return Ok(());
    }
    Err(RecoverError::OtherCluster { expected: identity.kube_system_uid.clone(), found })
}

async fn finish(client: &Client, mut journal: Journal) -> Result<Undone, String> {
    let (mut did, mut failed) = (Vec::new(), Vec::new());
    if !journal.entries.is_empty() {
        tokio::time::sleep(ON_ITS_WAY).await;
    }
    while let Some(entry) = journal.entries.pop() {
        match undo::entry(client, &journal.header, &entry).await {
            Ok(what) => did.extend(what),
            Err(why) => failed.push(why),
        }
    }
    if !failed.is_empty() {
        return Err(failed.join("; "));
    }
    let (experiment, namespace) = (journal.header.experiment.clone(), journal.header.namespace.clone());
    journal.remove().map_err(|error| error.to_string())?;
    Ok(Undone { experiment, namespace, did })
}
