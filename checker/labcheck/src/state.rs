//! What labcheck remembers between two runs: the clusters it made, the labs
//! that were started, the best results, the journals of experiments.
//!
//! ```text
//! $LABCHECK_STATE, or ~/.local/state/labcheck
//!   clusters/<name>.json   a cluster `up` made, with the proof that it is ours
//!   claims/<name>.json     a cluster `up` began to make and has not finished
//!   engines/<host>.json    a Docker daemon that has the labs' images
//!   labs/<lab>.json        what `start` fixed for an attempt
//!   progress.json          best result of each lab
//!   answers.json           answers to quizzes, brought from a browser
//!   key                    signs what is handed in
//!   journal/               what experiments did and have not undone yet
//!   locks/                 held while a file or a cluster is being changed
//! ```

mod answers;
mod files;
mod records;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use etcetera::{BaseStrategy, choose_base_strategy};
use lab_bundle::submission::Key;
use lab_spec::report::Points;

pub use answers::Answers;
pub use files::{Lock, write_atomically};
pub use records::{Claim, Cluster, Engine, Identity, Progress, Started};

use crate::failure::Failure;

/// The state directory.
#[derive(Clone, Debug)]
pub struct State {
    dir: PathBuf,
}

impl State {
    /// Opens the user's state directory, creating it if it is not there.
    ///
    /// # Errors
    /// No home directory, or a directory that cannot be written.
    pub fn open() -> Result<Self, Failure> {
        Self::at(&directory()?)
    }

    /// Opens a given state directory.
    ///
    /// # Errors
    /// A directory that cannot be created or written.
    pub fn at(dir: &Path) -> Result<Self, Failure> {
        for part in ["clusters", "claims", "engines", "labs", "journal", "locks"] {
            let part = dir.join(part);
            fs::create_dir_all(&part).map_err(|error| {
                Failure::unobservable(format!("cannot create `{}`: {error}", part.display()))
                    .next("make the directory writable, or set LABCHECK_STATE to one that is")
            })?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// The directory itself, for messages.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where experiments keep their journals.
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// The cluster `up` made under this name.
    ///
    /// # Errors
    /// A broken record.
    pub fn cluster(&self, name: &str) -> Result<Option<Cluster>, Failure> {
        files::read(&self.file("clusters", name)?)
    }

    /// Every cluster `up` made, by name.
    ///
    /// # Errors
    /// A broken record.
    pub fn clusters(&self) -> Result<Vec<Cluster>, Failure> {
        let names = files::names(&self.dir.join("clusters"))?;
        names.iter().filter_map(|name| self.cluster(name).transpose()).collect()
    }

    /// Records that a cluster is ours.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn save_cluster(&self, cluster: &Cluster) -> Result<(), Failure> {
        files::write(&self.file("clusters", &cluster.identity.name)?, cluster)
    }

    /// Forgets a cluster; says whether there was one to forget.
    ///
    /// # Errors
    /// A record that cannot be removed.
    pub fn remove_cluster(&self, name: &str) -> Result<bool, Failure> {
        files::remove(&self.file("clusters", name)?)
    }

    /// The unfinished creation of a cluster of this name.
    ///
    /// # Errors
    /// A broken record.
    pub fn claim(&self, name: &str) -> Result<Option<Claim>, Failure> {
        files::read(&self.file("claims", name)?)
    }

    /// Records that a cluster is about to be created, so that the remains of an
    /// interrupted run can be told from a cluster of somebody else.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn save_claim(&self, name: &str, claim: &Claim) -> Result<(), Failure> {
        files::write(&self.file("claims", name)?, claim)
    }

    /// Forgets an unfinished creation.
    ///
    /// # Errors
    /// A record that cannot be removed.
    pub fn remove_claim(&self, name: &str) -> Result<bool, Failure> {
        files::remove(&self.file("claims", name)?)
    }

    /// What the daemon at this address was given.
    ///
    /// # Errors
    /// A broken record.
    pub fn engine(&self, host: &str) -> Result<Option<Engine>, Failure> {
        files::read(&self.file("engines", &file_name(host))?)
    }

    /// Records what a daemon was given.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn save_engine(&self, engine: &Engine) -> Result<(), Failure> {
        files::write(&self.file("engines", &file_name(&engine.host))?, engine)
    }

    /// Where copies of compose projects are made.
    pub fn copies_dir(&self) -> PathBuf {
        self.dir.join("copies")
    }

    /// The attempt at a lab that `start` began.
    ///
    /// # Errors
    /// A broken record.
    pub fn lab(&self, id: &str) -> Result<Option<Started>, Failure> {
        files::read(&self.file("labs", id)?)
    }

    /// Records an attempt.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn save_lab(&self, started: &Started) -> Result<(), Failure> {
        files::write(&self.file("labs", &started.lab)?, started)
    }

    /// Forgets the attempts on a cluster that is gone; gives their labs.
    ///
    /// # Errors
    /// A record that is broken or cannot be removed.
    pub fn remove_labs_on(&self, cluster: &Identity) -> Result<Vec<String>, Failure> {
        let mut removed = Vec::new();
        for id in files::names(&self.dir.join("labs"))? {
            let on = self.lab(&id)?.and_then(|started| started.cluster);
            if on.is_some_and(|on| on.same_cluster(cluster)) && files::remove(&self.file("labs", &id)?)? {
                removed.push(id);
            }
        }
        Ok(removed)
    }

    /// The best result of each lab.
    ///
    /// # Errors
    /// A broken record.
    pub fn progress(&self) -> Result<Progress, Failure> {
        Ok(files::read(&self.dir.join("progress.json"))?.unwrap_or_default())
    }

    /// Keeps a result if it is the best one of its lab so far.
    ///
    /// # Errors
    /// A broken record, or one that cannot be written.
    pub fn record_result(&self, lab: &str, earned: Points, points: u32) -> Result<(), Failure> {
        let _lock = self.lock("progress")?;
        let mut progress = self.progress()?;
        if progress.record(lab, earned, points) {
            files::write(&self.dir.join("progress.json"), &progress)?;
        }
        Ok(())
    }

    /// The answers to quizzes that were brought here.
    ///
    /// # Errors
    /// A broken record.
    pub fn answers(&self) -> Result<Answers, Failure> {
        Ok(files::read(&self.dir.join("answers.json"))?.unwrap_or_default())
    }

    /// Takes in answers to quizzes; says how many were new.
    ///
    /// # Errors
    /// A broken record, or one that cannot be written.
    pub fn add_answers(&self, answers: Answers) -> Result<usize, Failure> {
        let _lock = self.lock("answers")?;
        let mut kept = self.answers()?;
        let new = kept.merge(answers);
        if new > 0 {
            files::write(&self.dir.join("answers.json"), &kept)?;
        }
        Ok(new)
    }

    /// The key that submissions are signed with.
    ///
    /// # Errors
    /// As [`State::secret`].
    pub fn key(&self) -> Result<Key, Failure> {
        self.secret().map(|secret| Key::from_secret(&secret))
    }

    /// What keys are made from; itself made when it is first asked for.
    ///
    /// # Errors
    /// A secret that is broken, or cannot be written.
    pub fn secret(&self) -> Result<[u8; 32], Failure> {
        let _lock = self.lock("key")?;
        let path = self.dir.join("key");
        let shown = path.display();
        match fs::read(&path) {
            Ok(secret) => <[u8; 32]>::try_from(secret).map_err(|_| {
                Failure::unobservable(format!("state file `{shown}` is no key"))
                    .next("restore it from a backup, or remove it: your instructor will see another key")
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secret: [u8; 32] = rand::random();
                write_atomically(&path, &secret)
                    .map_err(|error| Failure::unobservable(format!("cannot write `{shown}`: {error}")))?;
                Ok(secret)
            }
            Err(error) => Err(Failure::unobservable(format!("cannot read `{shown}`: {error}"))),
        }
    }

    /// Waits until no other labcheck holds the lock of this name; it is free
    /// again when the value is dropped or the process ends, however it ends.
    ///
    /// # Errors
    /// A lock file that cannot be opened.
    pub fn lock(&self, name: &str) -> Result<Lock, Failure> {
        files::lock(&self.lock_file(name)?)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// A lock file that cannot be opened.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, Failure> {
        files::try_lock(&self.lock_file(name)?)
    }

    fn lock_file(&self, name: &str) -> Result<PathBuf, Failure> {
        Ok(self.dir.join("locks").join(plain(name)?))
    }

    fn file(&self, folder: &str, name: &str) -> Result<PathBuf, Failure> {
        Ok(self.dir.join(folder).join(format!("{}.json", plain(name)?)))
    }
}

/// An address as a file name.
fn file_name(host: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = host.chars().map(kept).collect();
    name[name.len().saturating_sub(90)..].to_owned()
}

/// Names become file names: nothing that could leave the directory.
fn plain(name: &str) -> Result<&str, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(allowed) {
        return Err(Failure::usage(format!(
            "`{name}` is not a name: expected letters, digits, `-`, `_` and `.`, and no `.` in front"
        )));
    }
    Ok(name)
}

/// Where the state lies, without touching it.
///
/// # Errors
/// No home directory.
pub fn directory() -> Result<PathBuf, Failure> {
    if let Some(dir) = env::var_os("LABCHECK_STATE").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    let base = choose_base_strategy().map_err(|error| {
        Failure::unobservable(format!("cannot find a place for labcheck's state: {error}"))
            .next("set HOME, or LABCHECK_STATE to a directory")
    })?;
    Ok(base.state_dir().unwrap_or_else(|| base.data_dir()).join("labcheck"))
}

#[cfg(test)]
mod tests;
