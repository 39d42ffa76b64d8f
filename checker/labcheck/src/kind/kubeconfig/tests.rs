use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{current_context, merge, remove};

const KINDS: &str = "\
apiVersion: v1
kind: Config
preferences: {}
clusters:
- name: kind-x
  cluster: {certificate-authority-data: QQ==, server: 'https://127.0.0.1:40000'}
contexts:
- name: kind-x
  context: {cluster: kind-x, user: kind-x}
users:
- name: kind-x
  user: {client-certificate-data: QQ==, client-key-data: QQ==}
current-context: kind-x
";

const USERS: &str = "\
# the user's own
apiVersion: v1
kind: Config
preferences: {colors: true}
extensions:
- name: \"yes\"
  extension: {a: \"0123\", b: \"null\", c: 1.5, d: \"multi\\nline: x\\n\", e: '*not an alias', f: 'tab\\there'}
clusters:
- name: prod
  cluster: {server: 'https://prod.example:6443', proxy-url: 'http://p:1', insecure-skip-tls-verify: yes}
contexts:
- name: prod
  context: {cluster: prod, user: prod, namespace: shop}
users:
- name: prod
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, args: ['-x', 'no', '~']}}
current-context: prod
";

const SERVER: &str = "https://127.0.0.1:40000";

fn read(path: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn folder(content: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kube/config");
    if let Some(content) = content {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
    }
    (dir, path)
}

#[test]
fn the_current_context_of_a_user_who_has_one_stays() {
    let (_dir, path) = folder(Some(USERS));
    let merged = merge(Some(&path), KINDS, "kind-x").unwrap();
    assert_eq!((merged.before.as_deref(), merged.changed), (Some("prod"), true));
    let after = read(&path);
    assert_eq!(after["current-context"], "prod");
    let before: Value = serde_yaml::from_str(USERS).unwrap();
    for field in ["preferences", "extensions"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    for list in super::LISTS {
        assert_eq!(after[list][0], before[list][0], "{list}");
        assert_eq!(after[list][1]["name"], "kind-x");
    }
}

/// kubectl reads YAML 1.1, where `no` is a boolean and a string only in quotes.
#[test]
fn types_stay_what_kubectl_takes_them_for_and_long_values_stay_on_their_line() {
    let (_dir, path) = folder(Some(USERS));
    let long =
        format!("server: 'https://127.0.0.1:40000', certificate-authority-data: {}", "QUFB".repeat(100));
    merge(
        Some(&path),
        &KINDS
            .replacen("server: 'https://127.0.0.1:40000'", &long, 1)
            .replace("certificate-authority-data: QQ==, ", ""),
        "kind-x",
    )
    .unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for line in ["insecure-skip-tls-verify: true", "- 'no'", "a: '0123'", "name: 'yes'"] {
        assert!(text.replace('"', "'").contains(line), "{line} in {text}");
    }
    assert!(text.contains(&format!("certificate-authority-data: {}\n", "QUFB".repeat(100))), "{text}");
}

#[test]
fn a_user_without_a_current_context_gets_one() {
    for content in [None, Some(""), Some("# empty\n"), Some("apiVersion: v1\nkind: Config\nclusters: null\n")]
    {
        let (_dir, path) = folder(content);
        let merged = merge(Some(&path), KINDS, "kind-x").unwrap();
        assert_eq!(merged.before, None);
        assert_eq!(current_context(std::slice::from_ref(&path)).unwrap().as_deref(), Some("kind-x"));
        assert_eq!(read(&path)["clusters"].as_array().unwrap().len(), 1);
        assert!(!path.with_extension("lock").exists());
    }
}

#[test]
fn a_second_merge_changes_nothing_and_a_new_port_only_our_entry() {
    let (_dir, path) = folder(Some(USERS));
    merge(Some(&path), KINDS, "kind-x").unwrap();
    let first = fs::read(&path).unwrap();
    assert!(!merge(Some(&path), KINDS, "kind-x").unwrap().changed);
    assert_eq!(fs::read(&path).unwrap(), first);
    merge(Some(&path), &KINDS.replace("40000", "50000"), "kind-x").unwrap();
    let after = read(&path);
    assert_eq!(after["clusters"].as_array().unwrap().len(), 2);
    assert_eq!(after["clusters"][1]["cluster"]["server"], "https://127.0.0.1:50000");
}

#[test]
fn what_was_merged_is_removed_and_nothing_else() {
    let (_dir, path) = folder(Some(USERS));
    merge(Some(&path), KINDS, "kind-x").unwrap();
    assert_eq!(remove(&path, "kind-x", SERVER).unwrap(), Some(false));
    assert_eq!(read(&path), serde_yaml::from_str::<Value>(USERS).unwrap());
    assert_eq!(remove(&path, "kind-x", SERVER).unwrap(), None);
}

#[test]
fn an_entry_of_the_same_name_for_another_server_is_not_removed() {
    let (_dir, path) = folder(None);
    merge(Some(&path), &KINDS.replace("40000", "50000"), "kind-x").unwrap();
    assert_eq!(remove(&path, "kind-x", SERVER).unwrap(), None);
    assert_eq!(remove(&path, "kind-x", "https://127.0.0.1:50000").unwrap(), Some(true));
    assert_eq!(read(&path)["current-context"], "");
}

#[test]
fn a_broken_file_is_named_and_left_alone() {
    for content in ["clusters: [", "- a\n", "clusters: 3\n"] {
        let (_dir, path) = folder(Some(content));
        let error = merge(Some(&path), KINDS, "kind-x").unwrap_err().to_string();
        assert!(error.contains("kube/config`") && error.contains("--kubeconfig"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_file_that_another_program_holds_is_waited_for() {
    let (_dir, path) = folder(Some(USERS));
    let lock = path.parent().unwrap().join("config.lock");
    fs::write(&lock, "").unwrap();
    let release = lock.clone();
    let other = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        fs::remove_file(release).unwrap();
    });
    assert!(merge(Some(&path), KINDS, "kind-x").unwrap().changed);
    other.join().unwrap();
    assert!(!lock.exists());
}
