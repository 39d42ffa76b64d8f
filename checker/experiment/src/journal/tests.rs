use serde_json::json;

use super::*;
use crate::kube::{Change, Identity};

fn header(run: &str) -> Header {
    Header {
        format: FORMAT,
        run: run.to_owned(),
        target: Subject::Kubernetes(kube::Subject {
            identity: Identity { ca_sha256: "ca".to_owned(), kube_system_uid: "uid".to_owned() },
            cluster: "kind-labs".to_owned(),
            namespace: "lab01".to_owned(),
        }),
        experiment: "heal".to_owned(),
    }
}

fn entries() -> [Entry; 3] {
    let deletion = |name: &str, manifest| {
        Entry::Kubernetes(Change::Delete { name: name.to_owned(), uid: "u".to_owned(), manifest })
    };
    [
        Entry::Kubernetes(Change::Probe { name: "labcheck-probe-1".to_owned() }),
        deletion("bare", Some(json!({"kind": "Pod"}))),
        deletion("api", None),
    ]
}

fn killed(dir: &Path) -> PathBuf {
    let mut journal = Journal::begin(dir, header("run")).unwrap();
    for entry in entries() {
        journal.write(entry).unwrap();
    }
    // Dropping it closes the file, which frees the lock, as a kill does.
    journal.path.clone()
}

#[test]
fn killed_run_is_read_back_and_undone_last_change_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = killed(dir.path());
    assert_eq!(all(dir.path()).unwrap(), std::slice::from_ref(&path));
    let mut journal = Journal::adopt(&path).unwrap().expect("a journal nobody holds");
    assert_eq!(journal.header, header("run"));
    let undone: Vec<Entry> = std::iter::from_fn(|| journal.entries.pop()).collect();
    let mut expected = entries();
    expected.reverse();
    assert_eq!(undone, expected);
    journal.remove().unwrap();
    assert!(all(dir.path()).unwrap().is_empty());
}

#[test]
fn busy_run_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let busy = Journal::begin(dir.path(), header("busy")).unwrap();
    assert!(Journal::adopt(&busy.path).unwrap().is_none());
    let path = busy.path.clone();
    drop(busy);
    assert!(Journal::adopt(&path).unwrap().is_some());
}

#[test]
fn run_that_finished_meanwhile_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::begin(dir.path(), header("done")).unwrap();
    let path = journal.path.clone();
    journal.remove().unwrap();
    assert!(Journal::adopt(&path).unwrap().is_none());
}

#[test]
fn half_written_last_line_was_never_acted_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = killed(dir.path());
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(br#"{"kubernetes":{"probe":{"na"#).unwrap();
    let journal = Journal::adopt(&path).unwrap().expect("a journal");
    assert_eq!(journal.entries, entries());
}

#[test]
fn damaged_journal_names_its_line_and_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = killed(dir.path());
    let text = fs::read_to_string(&path).unwrap().replace("\"probe\"", "\"prod\"");
    fs::write(&path, text).unwrap();
    let why = Journal::adopt(&path).unwrap_err().to_string();
    assert!(why.contains("line 2") && why.contains("prod"), "{why}");
    assert!(path.exists());
}

#[test]
fn journal_of_a_newer_version_is_not_guessed_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = killed(dir.path());
    let text = fs::read_to_string(&path).unwrap().replacen("\"format\":2", "\"format\":3", 1);
    fs::write(&path, text).unwrap();
    let why = Journal::adopt(&path).unwrap_err().to_string();
    assert!(why.contains("format 3, expected 2"), "{why}");
}

#[test]
fn no_directory_means_no_journals() {
    let dir = tempfile::tempdir().unwrap();
    assert!(all(&dir.path().join("none")).unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn others_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let mode = fs::metadata(killed(dir.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
