//! Where labs come from: compiled into the binary, or a directory of the
//! author's.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use lab_spec::{Diagnostic, Lab};
use rust_embed::RustEmbed;

use crate::failure::Failure;

#[derive(RustEmbed)]
#[folder = "../../labs"]
#[include = "*/lab.yaml"]
#[include = "*/starter/*"]
#[include = "*/solution/*"]
#[include = "*/manifests/*"]
#[include = "*/evidence/starter.labcheck"]
struct Embedded;

/// A set of labs.
pub enum Library {
    /// The labs of this binary.
    Embedded,
    /// The labs in a directory, each in a folder of its own.
    Directory(PathBuf),
}

/// One lab and its files.
pub struct Entry<'l> {
    library: &'l Library,
    /// Name of its folder, as in `01-environment`.
    pub folder: String,
    /// The lab file.
    pub lab: Lab,
}

impl Library {
    /// The labs in `dir`, or those of the binary.
    ///
    /// # Errors
    /// If `dir` is no directory.
    pub fn open(dir: Option<&Path>) -> Result<Self, Failure> {
        match dir {
            None => Ok(Self::Embedded),
            Some(dir) if dir.is_dir() => Ok(Self::Directory(dir.to_owned())),
            Some(dir) => Err(Failure::usage(format!("`{}` is not a directory of labs", dir.display()))),
        }
    }

    /// The folders of all labs, sorted.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn folders(&self) -> Result<Vec<String>, Failure> {
        let mut folders: Vec<String> = match self {
            Self::Embedded => Embedded::iter()
                .filter_map(|path| path.strip_suffix("/lab.yaml").map(str::to_owned))
                .collect(),
            Self::Directory(dir) => {
                let broken = |error| Failure::usage(format!("`{}` cannot be read: {error}", dir.display()));
                let entries = fs::read_dir(dir).map_err(broken)?;
                entries
                    .filter_map(|entry| {
                        let entry = entry.ok()?;
                        let is_lab = entry.path().join("lab.yaml").is_file();
                        is_lab.then(|| entry.file_name().to_string_lossy().into_owned())
                    })
                    .collect()
            }
        };
        folders.sort();
        Ok(folders)
    }

    /// Finds a lab by id (`lab01`), number (`1`) or folder.
    ///
    /// # Errors
    /// If there is none, with the labs there are; if its file is broken.
    pub fn find(&self, wanted: &str) -> Result<Entry<'_>, Failure> {
        let number = wanted.trim_start_matches("lab").parse::<u32>().ok();
        let folders = self.folders()?;
        let found = folders.iter().find(|folder| {
            *folder == wanted || number.is_some_and(|number| number_of(folder) == Some(number))
        });
        match found {
            Some(folder) => self.entry(folder),
            None => {
                let known: Vec<_> = folders
                    .iter()
                    .filter_map(|folder| Some(format!("`lab{:02}`", number_of(folder)?)))
                    .collect();
                let message = format!("there is no lab `{wanted}`; there is {}", known.join(", "));
                Err(Failure::usage(message).next("labcheck list"))
            }
        }
    }

    /// Every lab, in order.
    ///
    /// # Errors
    /// If one of them is broken.
    pub fn all(&self) -> Result<Vec<Entry<'_>>, Failure> {
        self.folders()?.iter().map(|folder| self.entry(folder)).collect()
    }

    fn entry(&self, folder: &str) -> Result<Entry<'_>, Failure> {
        let path = format!("{folder}/lab.yaml");
        let text = self.read(&path).ok_or_else(|| Failure::usage(format!("`{path}` cannot be read")))?;
        let text = String::from_utf8(text.into_owned())
            .map_err(|_| Failure::usage(format!("`{}` is not UTF-8", self.shown(&path))))?;
        let lab = Lab::parse(&self.shown(&path), &text).map_err(|problems| broken(&problems))?;
        Ok(Entry { library: self, folder: folder.to_owned(), lab })
    }

    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Embedded => Embedded::get(path).map(|file| file.data),
            Self::Directory(dir) => fs::read(dir.join(path)).ok().map(Cow::Owned),
        }
    }

    /// How messages name a file.
    fn shown(&self, path: &str) -> String {
        match self {
            Self::Embedded => format!("labs/{path}"),
            Self::Directory(dir) => dir.join(path).display().to_string(),
        }
    }
}

impl Entry<'_> {
    /// Path of the lab file, for messages.
    pub fn file(&self) -> String {
        self.library.shown(&format!("{}/lab.yaml", self.folder))
    }

    /// The lab's directory on disk.
    ///
    /// # Errors
    /// If the lab is compiled into the binary.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        match self.library {
            Library::Directory(dir) => Ok(dir.join(&self.folder)),
            Library::Embedded => {
                Err(Failure::usage("the labs of the binary have no directory").next("--labs DIR"))
            }
        }
    }

    /// A file of the lab.
    pub fn read(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        self.library.read(&format!("{}/{path}", self.folder))
    }

    /// The YAML files directly in a folder of the lab (`starter`,
    /// `solution`), by name, sorted; `expect.yaml` is not one of them.
    pub fn manifests(&self, folder: &str) -> Vec<(String, String)> {
        let mut files = self.files(folder);
        files.retain(|(name, _)| name.ends_with(".yaml") && !name.contains('/'));
        files
    }

    /// Every text file in a folder of the lab, at any depth, by path, sorted;
    /// `expect.yaml` is not one of them.
    pub fn files(&self, folder: &str) -> Vec<(String, String)> {
        let mut names: Vec<String> = match self.library {
            Library::Embedded => {
                let prefix = format!("{}/{folder}/", self.folder);
                Embedded::iter().filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned)).collect()
            }
            Library::Directory(dir) => {
                let root = dir.join(&self.folder).join(folder);
                let mut paths = Vec::new();
                walk(&root, &mut paths);
                let relative =
                    |path: PathBuf| Some(path.strip_prefix(&root).ok()?.to_string_lossy().replace('\\', "/"));
                paths.into_iter().filter_map(relative).collect()
            }
        };
        names.retain(|name| name != "expect.yaml");
        names.sort();
        names
            .into_iter()
            .filter_map(|name| {
                let bytes = self.read(&format!("{folder}/{name}"))?.into_owned();
                Some((name, String::from_utf8(bytes).ok()?))
            })
            .collect()
    }
}

/// The files below a directory; one that cannot be read has none.
pub fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

fn number_of(folder: &str) -> Option<u32> {
    folder.split('-').next()?.parse().ok()
}

/// All problems of a broken lab, as one failure.
pub fn broken(problems: &[Diagnostic]) -> Failure {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    Failure::usage(format!("the lab is broken, {count}:\n{}", lines.join("\n")))
}
