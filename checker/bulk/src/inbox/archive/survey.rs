//! What is known of an archive before any of its members is judged.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    ops::ControlFlow,
};

use lab_bundle::submission::MAX_BYTES;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::{Kind, Member, OWN, walk};
use crate::inbox::{
    gradescope::{self, Known, Metadata},
    is_hidden,
};

/// Digest of a folded name: names may be long, and there may be many.
type Name = [u8; 32];

/// What is known of an archive.
#[derive(Default)]
pub struct Survey {
    /// Names that more than one member has, but for case and accents.
    doubled: HashSet<Name>,
    /// What the export says, by the directory that it stands in.
    exports: BTreeMap<String, Result<Metadata, String>>,
    /// Which of a submission's members it has.
    own: [bool; OWN.len()],
}

impl Survey {
    /// Goes through all of an archive.
    ///
    /// # Errors
    /// Why it cannot be trusted as a whole.
    pub fn of(kind: Kind, file: &File) -> Result<Self, String> {
        let (mut survey, mut seen) = (Self::default(), HashSet::new());
        walk(kind, file, &mut |member| {
            let parts = parts(&member.name);
            if parts.as_ref().is_ok_and(|parts| is_passed_over(parts)) {
                return ControlFlow::Continue(());
            }
            let name = folded(&member.name);
            if !seen.insert(name) {
                survey.doubled.insert(name);
            }
            let Ok([above @ .., file]) = parts.as_deref() else { return ControlFlow::Continue(()) };
            if above.is_empty()
                && let Some(at) = OWN.iter().position(|own| own == file)
            {
                survey.own[at] = true;
            }
            if *file == gradescope::FILE && member.fault.is_none() {
                let list = (member.read)(gradescope::MAX_BYTES).and_then(|text| Metadata::parse(&text));
                survey.exports.insert(above.join("/"), list);
            }
            ControlFlow::Continue(())
        })?;
        Ok(survey)
    }

    /// Whether it is a submission, or meant to be one, instead of an archive of
    /// them.
    pub fn is_submission(&self, kind: Kind) -> bool {
        let own = self.own.iter().filter(|has| **has).count();
        own == OWN.len() || kind == Kind::Zstd && own > 0
    }

    /// The bytes of a member, which may be a submission.
    pub fn read(&self, member: Member<'_>) -> Result<Vec<u8>, String> {
        match member.fault {
            Some(fault) => Err(fault),
            None if self.doubled.contains(&folded(&member.name)) => {
                Err("its archive has another file of this name, or of one alike".to_owned())
            }
            None => (member.read)(MAX_BYTES),
        }
    }

    /// The list of an export, if that is what this member is, or why it cannot
    /// be read.
    pub fn list(&self, parts: &[&str]) -> Option<&Result<Metadata, String>> {
        let (file, above) = parts.split_last()?;
        self.exports.get(&above.join("/")).filter(|_| *file == gradescope::FILE)
    }

    /// What an export says of a folder or file.
    pub fn known(&self, parts: &[&str], trusted: bool) -> Option<Known> {
        let (name, above) = parts.split_last()?;
        let known = self.exports.get(&above.join("/"))?.as_ref().ok()?.get(name)?.clone();
        // Else a student's own archive could say when it was received.
        Some(if trusted { known } else { Known { received: None, ..known } })
    }
}

/// The parts of a member's path.
///
/// # Errors
/// Why no such path is taken.
pub fn parts(name: &str) -> Result<Vec<&str>, &'static str> {
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if name.starts_with(['/', '\\']) || drive || name.split(['/', '\\']).any(|part| part == "..") {
        return Err("has a path that leads out of the archive");
    }
    if name.chars().any(char::is_control) {
        return Err("has control characters in its name");
    }
    let parts: Vec<_> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() { Err("has no name") } else { Ok(parts) }
}

/// Whether it is what operating systems leave in archives.
pub fn is_passed_over(parts: &[&str]) -> bool {
    parts.iter().any(|part| is_hidden(part))
}

fn folded(name: &str) -> Name {
    let name: String = name.nfkc().collect();
    Sha256::digest(name.to_lowercase()).into()
}
