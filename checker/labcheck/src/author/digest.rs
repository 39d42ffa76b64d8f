//! What recorded evidence depends on, as a digest: while it stays the same,
//! replaying the evidence proves as much as the cluster would.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use lab_spec::{Lab, Target};
use sha2::{Digest as _, Sha256};

use super::state::State;
use crate::{checkout, failure::Failure};

/// Code whose change may change what is observed or judged.
const CODE: &[&str] = &[
    "checker/spec/src",
    "checker/judge/src",
    "checker/observe/src",
    "checker/experiment/src",
    "checker/labcheck/src/author",
    "checker/labcheck/src/collect.rs",
    "checker/labcheck/src/session.rs",
    "clusters/compose",
    "clusters/workload/src",
];

/// What of it only labs with a target depend on.
const OF_TARGET: &[(&str, Target)] = &[
    ("checker/experiment/src/compose", Target::Compose),
    ("checker/experiment/src/kube", Target::Kind),
    ("checker/observe/src/compose", Target::Compose),
    ("clusters/compose", Target::Compose),
];

/// Name of the file in `evidence/`.
const FILE: &str = "digests.json";
/// Its name without the ending.
pub const STEM: &str = "digests";

/// The digests of a lab's recorded states.
pub struct Digests {
    path: PathBuf,
    shared: Sha256,
    recorded: BTreeMap<String, String>,
}

impl Digests {
    /// Reads what was recorded for `lab`, which is in `dir`.
    ///
    /// # Errors
    /// If labcheck does not run from its source tree, or a file cannot be read.
    pub fn open(dir: &Path, lab: &Lab) -> Result<Self, Failure> {
        let root = checkout::root()
            .ok_or_else(|| Failure::usage("`author test` runs from the source tree, as in `cargo run`"))?;
        let unreadable = |error: io::Error| Failure::usage(format!("cannot read the source tree: {error}"));
        let mut shared = Sha256::new();
        for place in CODE {
            add(&mut shared, &root.join(place), place, lab).map_err(unreadable)?;
        }
        add(&mut shared, &dir.join("lab.yaml"), "lab.yaml", lab).map_err(unreadable)?;
        let path = dir.join("evidence").join(FILE);
        let recorded = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unreadable(error)),
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?,
        };
        Ok(Self { path, shared, recorded })
    }

    /// Whether the state is still what its evidence was recorded of.
    pub fn is_current(&self, state: &State) -> bool {
        self.recorded.get(&state.name) == Some(&self.of(state))
    }

    /// Notes that the state's evidence was recorded just now.
    pub fn note(&mut self, state: &State) {
        self.recorded.insert(state.name.clone(), self.of(state));
    }

    /// Forgets states that are gone.
    pub fn keep_only(&mut self, states: &[State]) {
        self.recorded.retain(|name, _| states.iter().any(|state| state.name == *name));
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.recorded).map_err(io::Error::from);
        text.and_then(|text| fs::write(&self.path, text + "\n"))
            .map_err(|error| Failure::usage(format!("`{}` cannot be written: {error}", self.path.display())))
    }

    /// What the state's evidence and verdicts depend on.
    pub fn of(&self, state: &State) -> String {
        let mut hash = self.shared.clone();
        part(&mut hash, &state.name, state.text.as_bytes());
        for (name, text) in &state.files {
            part(&mut hash, name, text.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Adds a file, or every file of a folder by name, but for what is of a
/// target that the lab does not have.
fn add(hash: &mut Sha256, path: &Path, name: &str, lab: &Lab) -> io::Result<()> {
    if OF_TARGET.iter().any(|(place, target)| *place == name && !lab.has(*target)) {
        return Ok(());
    }
    if path.is_file() {
        part(hash, name, &fs::read(path)?);
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.iter().try_for_each(|entry| {
        let inner = format!("{name}/{}", entry.file_name().to_string_lossy());
        add(hash, &entry.path(), &inner, lab)
    })
}

/// Lengths go in too: no two sets of files look alike.
fn part(hash: &mut Sha256, name: &str, bytes: &[u8]) {
    for piece in [name.as_bytes(), bytes] {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
}
