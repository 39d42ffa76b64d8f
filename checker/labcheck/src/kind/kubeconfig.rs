//! Adds a cluster to the user's kubeconfig and takes it out again, without
//! ever changing the current context behind the user's back. (kind itself
//! always switches to the cluster it made.)
//!
//! Fields this version does not know are kept. Comments are not: `kubectl
//! config` drops them too.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use crate::{failure::Failure, state::write_atomically};

/// How long another program may hold the file's lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The lists of a kubeconfig that hold what belongs to a context.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// What became of the current context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The file that now has the context.
    pub path: PathBuf,
    /// Whether it was changed at all.
    pub changed: bool,
    /// The user's current context before, if there was one.
    pub before: Option<String>,
}

/// The files kubectl would read, in its order.
pub fn files(explicit: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    if let Some(path) = explicit {
        return Ok(vec![path.to_owned()]);
    }
    let listed: Vec<_> = env::var_os("KUBECONFIG")
        .map(|list| env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if !listed.is_empty() {
        return Ok(listed);
    }
    let home = etcetera::home_dir().map_err(|error| {
        Failure::unobservable(format!("cannot find the home directory: {error}"))
            .next("set HOME, or say --kubeconfig")
    })?;
    Ok(vec![home.join(".kube/config")])
}

/// The file a new context is written to: the first that exists, or the last,
/// as kind and kubectl do.
fn target(files: &[PathBuf]) -> Result<&Path, Failure> {
    files
        .iter()
        .find(|path| path.exists())
        .or(files.last())
        .map(PathBuf::as_path)
        .ok_or_else(|| Failure::usage("no kubeconfig to write to"))
}

/// The current context: the first file that names one decides.
///
/// # Errors
/// A file that cannot be read.
pub fn current_context(files: &[PathBuf]) -> Result<Option<String>, Failure> {
    for path in files {
        let context = read(path)?.get("current-context").and_then(Value::as_str).map(ToOwned::to_owned);
        if let Some(context) = context.filter(|context| !context.is_empty()) {
            return Ok(Some(context));
        }
    }
    Ok(None)
}

/// Adds the context of a kubeconfig that kind wrote. It becomes current only
/// if there was no current context.
///
/// # Errors
/// A file that cannot be read, understood, locked or written.
pub fn merge(explicit: Option<&Path>, kinds: &str, context: &str) -> Result<Merged, Failure> {
    let files = files(explicit)?;
    let path = target(&files)?.to_owned();
    let added = parse(kinds, Path::new("kind's kubeconfig"))?;
    let _lock = Lock::take(&path)?;
    let before = current_context(&files)?;
    let old = read(&path)?;
    let mut new = old.clone();
    for (field, value) in [("apiVersion", "v1"), ("kind", "Config")] {
        new.entry(field).or_insert_with(|| json!(value));
    }
    for list in LISTS {
        let entry = entries(&added, list).find(|entry| entry["name"] == context).ok_or_else(|| {
            Failure::unobservable(format!("kind's kubeconfig has no `{context}` among its {list}"))
        })?;
        put(&mut new, list, entry.clone(), &path)?;
    }
    if before.is_none() {
        new.insert("current-context".to_owned(), json!(context));
    }
    let changed = new != old;
    if changed {
        write(&path, new)?;
    }
    Ok(Merged { path, changed, before })
}

/// Takes a context, its cluster and its user out of a file, if they are those
/// of the server given; says whether the current context went with it.
///
/// # Errors
/// A file that cannot be read, understood, locked or written.
pub fn remove(path: &Path, context: &str, server: &str) -> Result<Option<bool>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let _lock = Lock::take(path)?;
    let old = read(path)?;
    let ours = entries(&old, "clusters")
        .any(|entry| entry["name"] == context && entry["cluster"]["server"] == server);
    if !ours {
        return Ok(None);
    }
    let mut new = old;
    for list in LISTS {
        if let Some(Value::Array(entries)) = new.get_mut(list) {
            entries.retain(|entry| entry["name"] != context);
        }
    }
    let was_current = new.get("current-context").is_some_and(|current| current == context);
    if was_current {
        new.insert("current-context".to_owned(), json!(""));
    }
    write(path, new)?;
    Ok(Some(was_current))
}

fn entries<'a>(config: &'a Map<String, Value>, list: &str) -> impl Iterator<Item = &'a Value> {
    config.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// Replaces the entry of the same name, or adds it.
fn put(config: &mut Map<String, Value>, list: &str, entry: Value, path: &Path) -> Result<(), Failure> {
    let slot = config.entry(list).or_insert_with(|| json!([]));
    if slot.is_null() {
        *slot = json!([]);
    }
    let Some(entries) = slot.as_array_mut() else {
        return Err(Failure::unobservable(format!("`{list}` in `{}` is no list", path.display())).next(MEND));
    };
    match entries.iter_mut().find(|old| old["name"] == entry["name"]) {
        Some(old) => *old = entry,
        None => entries.push(entry),
    }
    Ok(())
}

const MEND: &str = "mend the file, or say --kubeconfig PATH to use another";

fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => {
            Err(Failure::unobservable(format!("cannot read kubeconfig `{}`: {error}", path.display()))
                .next(MEND))
        }
    }
}

fn parse(text: &str, path: &Path) -> Result<Map<String, Value>, Failure> {
    let broken = |reason: String| {
        Failure::unobservable(format!("kubeconfig `{}` is broken: {reason}", path.display())).next(MEND)
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_yaml::from_str::<Value>(text) {
        Ok(Value::Object(config)) => Ok(config),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(broken("expected a mapping".to_owned())),
        Err(error) => Err(broken(error.to_string())),
    }
}

/// Writes the file and refuses to if it would not read back as meant.
fn write(path: &Path, config: Map<String, Value>) -> Result<(), Failure> {
    let config = Value::Object(config);
    let cannot = |reason: &dyn std::fmt::Display| {
        Failure::unobservable(format!("cannot write kubeconfig `{}`: {reason}", path.display())).next(MEND)
    };
    // Certificates stay on one line, as kubectl and kind write them.
    let style = serde_yaml::ser_options! { prefer_block_scalars: false };
    let text = serde_yaml::to_string_with_options(&config, style).map_err(|error| cannot(&error))?;
    if serde_yaml::from_str::<Value>(&text).ok().as_ref() != Some(&config) {
        return Err(cannot(&"it would not read back as it was"));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| cannot(&error))?;
    }
    write_atomically(path, text.as_bytes()).map_err(|error| cannot(&error))
}

/// The lock file that kubectl and kind use too.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Self, Failure> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        if let Some(folder) = lock.parent() {
            // An error shows in the next step.
            let _ = fs::create_dir_all(folder);
        }
        let begun = Instant::now();
        loop {
            match fs::File::create_new(&lock) {
                Ok(_) => return Ok(Self(lock)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && begun.elapsed() < LOCK_WAIT => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(Failure::unobservable(format!(
                        "kubeconfig `{}` is locked by another program for more than {} s",
                        path.display(),
                        LOCK_WAIT.as_secs()
                    ))
                    .next(format!("if no kubectl or kind is running, `rm {}`", lock.display())));
                }
                Err(error) => {
                    return Err(Failure::unobservable(format!("cannot lock `{}`: {error}", path.display()))
                        .next(MEND));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing better can be done than to let the next program name it.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests;
