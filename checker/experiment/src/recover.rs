//! Finishing the undo of runs that were killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Identity;
use crate::journal::{self, Journal, JournalError};
use crate::target::{Stranger, System};

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
    /// Where it ran, as in ``namespace `lab01` ``.
    pub place: String,
    /// What was done to undo it, in words; empty if nothing was needed.
    pub did: Vec<String>,
}

/// A run that is not undone.
#[derive(Debug)]
pub struct Left {
    /// Its journal.
    pub journal: PathBuf,
    /// Why, in words, naming the system if it is another one.
    pub why: String,
}

/// Why nothing could be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The directory of the journals cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system could not be asked who it is.
    #[error("cannot tell which system this is, so nothing was undone: {0}")]
    Unidentified(String),
    /// It is another system than the one it was taken for; how that shows.
    #[error("this is another system than it is taken for: {0}; nothing was undone")]
    Other(String),
}

/// Undoes what killed runs left behind in this system, and lists what it leaves
/// alone: journals of other systems, and journals that cannot be undone now.
/// Runs that are still busy are neither. Sends no request if there is nothing
/// to undo.
///
/// # Errors
/// The journals cannot be listed, or the system is not the one it is taken for.
pub async fn recover(system: System<'_>, journal_dir: &Path) -> Result<Recovery, RecoverError> {
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
        if let Err(whose) = system.is_of(&journal.header) {
            let why = format!("experiment `{}` {whose}", journal.header.experiment);
            recovery.left.push(Left { journal: path, why });
            continue;
        }
        if !identified {
            system.identify().await.map_err(|stranger| match stranger {
                Stranger::Unseen(halt) => RecoverError::Unidentified(halt.words().to_owned()),
                Stranger::Other(how) => RecoverError::Other(how),
            })?;
            identified = true;
        }
        match finish(system, journal).await {
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
            && journal.header.target.is_in(identity)
        {
            journal.remove()?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

async fn finish(system: System<'_>, mut journal: Journal) -> Result<Undone, String> {
    let (mut did, mut failed) = (Vec::new(), Vec::new());
    if !journal.entries.is_empty() {
        tokio::time::sleep(ON_ITS_WAY).await;
    }
    while let Some(entry) = journal.entries.pop() {
        match system.undo(&journal.header, &entry).await {
            Ok(what) => did.extend(what),
            Err(why) => failed.push(why),
        }
    }
    if !failed.is_empty() {
        return Err(failed.join("; "));
    }
    let (experiment, place) = (journal.header.experiment.clone(), journal.header.target.place());
    journal.remove().map_err(|error| error.to_string())?;
    Ok(Undone { experiment, place, did })
}
