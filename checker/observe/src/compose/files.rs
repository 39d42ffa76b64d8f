//! The learner's compose files: which they are, and what stands in them.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Options;

/// The names compose looks for, best first.
const NAMES: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// The names of files it reads on top, without being asked.
const OVERRIDES: &[&str] = &[
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];
/// Bytes of a compose file.
const MAX_BYTES: u64 = 1 << 20;
/// Compose files of one project.
const MAX_FILES: usize = 32;

/// Why there are no compose files to look at.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// None where compose would look.
    #[error("no compose file in `{directory}` or above it")]
    None {
        /// Where it was looked for.
        directory: String,
    },
    /// One that was named is not there.
    #[error("compose file `{file}` does not exist")]
    Missing {
        /// The file.
        file: String,
    },
    /// What was named cannot be read as a compose file.
    #[error("compose file `{file}` cannot be used: {why}")]
    Unusable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

/// The compose files of a project, in the order compose merges them.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The files.
    pub(crate) paths: Vec<PathBuf>,
    /// The project's directory: that of the first file.
    pub(crate) directory: PathBuf,
    /// Where the learner stands; shown paths are relative to it.
    from: PathBuf,
}

/// Finds the files the way compose does: `-f`, `COMPOSE_FILE` in the
/// environment or in `.env`, or a file of the usual name here or above.
pub(crate) fn find(options: &Options) -> Result<Files, FilesError> {
    let from = fs::canonicalize(&options.directory).unwrap_or_else(|_| options.directory.clone());
    let named = if options.files.is_empty() { from_environment(&from) } else { options.files.clone() };
    let paths =
        if named.is_empty() { usual(&from)? } else { named.iter().map(|file| from.join(file)).collect() };
    if paths.len() > MAX_FILES {
        let file = paths[MAX_FILES].display().to_string();
        return Err(FilesError::Unusable { file, why: format!("a project has at most {MAX_FILES} files") });
    }
    for path in &paths {
        let file = path.display().to_string();
        match fs::metadata(path) {
            Ok(about) if about.is_file() => {}
            Ok(_) => return Err(FilesError::Unusable { file, why: "it is not a regular file".to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(FilesError::Missing { file });
            }
            Err(error) => return Err(FilesError::Unusable { file, why: error.to_string() }),
        }
    }
    let first = paths.first().and_then(|path| path.parent()).unwrap_or(&from);
    let directory = fs::canonicalize(first).unwrap_or_else(|_| first.to_owned());
    Ok(Files { paths, directory, from })
}

fn from_environment(from: &Path) -> Vec<PathBuf> {
    let dot_env = fs::read_to_string(from.join(".env")).unwrap_or_default();
    let value = |name: &str| {
        let set = env::var_os(name).filter(|value| !value.is_empty());
        set.or_else(|| of_dot_env(&dot_env, name).map(OsString::from))
    };
    let separator = value("COMPOSE_PATH_SEPARATOR").map(|text| text.to_string_lossy().into_owned());
    let Some(list) = value("COMPOSE_FILE") else { return Vec::new() };
    match separator {
        Some(separator) => list.to_string_lossy().split(&separator).map(PathBuf::from).collect(),
        None => env::split_paths(&list).collect(),
    }
}

/// The value of a variable in the text of a `.env` file.
fn of_dot_env<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = text.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim())
    })?;
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
        _ => value.split(" #").next().map(str::trim_end).filter(|value| !value.is_empty()),
    }
}

fn usual(from: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let there = |directory: &Path, names: &[&str]| {
        names.iter().map(|name| directory.join(name)).find(|path| path.is_file())
    };
    for directory in from.ancestors() {
        if let Some(file) = there(directory, NAMES) {
            return Ok([Some(file), there(directory, OVERRIDES)].into_iter().flatten().collect());
        }
    }
    Err(FilesError::None { directory: from.display().to_string() })
}

impl Files {
    /// The paths as messages show them.
    pub(crate) fn shown(&self) -> Vec<String> {
        let short = |path: &PathBuf| path.strip_prefix(&self.from).unwrap_or(path).display().to_string();
        self.paths.iter().map(short).collect()
    }

    /// The name the project most likely has. Compose is asked for the right
    /// one; this only lets Docker be asked at the same time.
    pub(crate) fn guessed_name(&self) -> String {
        if let Ok(name) = env::var("COMPOSE_PROJECT_NAME")
            && !name.is_empty()
        {
            return name;
        }
        let named = self.paths.iter().rev().find_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("name:"))?;
            Some(line.split('#').next()?.trim().trim_matches(['"', '\'']).to_owned())
        });
        named.unwrap_or_else(|| {
            let base = self.directory.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let kept = base.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            kept.collect::<String>().trim_start_matches(['-', '_']).to_owned()
        })
    }

    /// Every file as `{path, sha256, document}`, or `error` where it is none.
    pub(crate) fn documents(&self) -> Value {
        let documents = self.paths.iter().zip(self.shown()).map(|(path, shown)| match read(path) {
            Ok(text) => {
                let sha256: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
                match parse(&text) {
                    Ok(document) => json!({"path": shown, "sha256": sha256, "document": document}),
                    Err(error) => json!({"path": shown, "sha256": sha256, "document": null, "error": error}),
                }
            }
            Err(error) => json!({"path": shown, "document": null, "error": error}),
        });
        Value::Array(documents.collect())
    }
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// YAML within bounds: three lines of aliases can stand for gigabytes.
fn parse(text: &str) -> Result<Value, String> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_depth: 64, max_nodes: 50_000, max_anchors: 200, max_aliases: 2_000 },
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| error.without_snippet().to_string())
}

/// A file that is larger than what anybody writes by hand, whether in bytes or
/// in what its aliases stand for; in words.
pub(crate) fn oversized(documents: &Value) -> Option<String> {
    let limits = ["budget breached", "alias replay", "alias expansion", "larger than 1 mib"];
    let too_much = |error: &str| {
        let error = error.to_lowercase();
        limits.iter().any(|limit| error.contains(limit))
    };
    documents.as_array()?.iter().find_map(|file| {
        let error = file["error"].as_str().filter(|error| too_much(error))?;
        Some(format!("`{}` is not handed to compose: {error}", file["path"].as_str().unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(dir: &Path) -> Options {
        Options { directory: dir.to_owned(), ..Options::default() }
    }

    #[test]
    fn the_usual_names_are_found_here_and_above_with_their_override() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("src/deep");
        fs::create_dir_all(&below).unwrap();
        assert!(matches!(find(&options(&below)), Err(FilesError::None { .. })));
        fs::write(dir.path().join("compose.yaml"), "services: {}\n").unwrap();
        fs::write(dir.path().join("compose.override.yml"), "services: {}\n").unwrap();
        let found = find(&options(&below)).unwrap();
        assert_eq!(found.paths.len(), 2);
        assert_eq!(found.directory, dir.path().canonicalize().unwrap());
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let named = |file: &str| Options { files: vec![file.into()], ..options(dir.path()) };
        assert!(matches!(find(&named("nope.yaml")), Err(FilesError::Missing { .. })));
        assert!(matches!(find(&named(".")), Err(FilesError::Unusable { .. })));
    }

    #[test]
    fn variables_of_a_dot_env_file_are_read_as_compose_reads_them() {
        let text = "# COMPOSE_FILE=a\nexport SEPARATOR = ','\nFILES=a.yml,b.yml # both\nLINK=a#b\nEMPTY=\nQ=\"a b\" # c\n";
        for (name, expected) in [
            ("COMPOSE_FILE", None),
            ("SEPARATOR", Some(",")),
            ("FILES", Some("a.yml,b.yml")),
            ("FILE", None),
            ("LINK", Some("a#b")),
            ("EMPTY", None),
            ("Q", Some("a b")),
        ] {
            assert_eq!(of_dot_env(text, name), expected, "{name}");
        }
    }

    #[test]
    fn names_are_guessed_as_compose_makes_them() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("_My Lab.02");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("compose.yaml"), "services: {}\n").unwrap();
        assert_eq!(find(&options(&dir)).unwrap().guessed_name(), "mylab02");
        fs::write(dir.join("compose.yaml"), "name: \"lab\" # ours\nservices: {}\n").unwrap();
        assert_eq!(find(&options(&dir)).unwrap().guessed_name(), "lab");
    }

    #[test]
    fn bombs_and_broken_files_are_errors_of_their_document() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, of) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"])
        {
            bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(", ")));
        }
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("compose.yaml"), &bomb).unwrap();
        let documents = find(&options(dir.path())).unwrap().documents();
        assert!(oversized(&documents).is_some(), "{documents}");
        fs::write(dir.path().join("compose.yaml"), "services: [").unwrap();
        let documents = find(&options(dir.path())).unwrap().documents();
        assert!(documents[0]["error"].is_string() && oversized(&documents).is_none(), "{documents}");
        assert_eq!(parse("version: '3'\n").unwrap(), json!({"version": "3"}));
    }
}
