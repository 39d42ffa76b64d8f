use std::fs;

use lab_spec::{evidence::Params, report::Points};

use super::{Claim, Cluster, Identity, Started, State};

fn state() -> (tempfile::TempDir, State) {
    let dir = tempfile::tempdir().unwrap();
    let state = State::at(dir.path()).unwrap();
    (dir, state)
}

fn identity(name: &str, uid: &str) -> Identity {
    Identity {
        name: name.to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        ca_sha256: "ab".repeat(32),
        kube_system_uid: uid.to_owned(),
    }
}

fn cluster(name: &str) -> Cluster {
    let context = format!("kind-{name}");
    Cluster::new(
        identity(name, "u1"),
        context,
        "/home/a/.kube/config".into(),
        "pulled",
        "kindest/node".to_owned(),
    )
}

#[test]
fn a_cluster_is_read_as_it_was_written_and_forgotten_once() {
    let (_dir, state) = state();
    let mut saved = cluster("lab.check");
    saved.images.insert("ms:v1".to_owned(), vec!["sha256:1".to_owned()]);
    state.save_cluster(&saved).unwrap();
    state.save_cluster(&cluster("a")).unwrap();
    assert_eq!(state.cluster("lab.check").unwrap(), Some(saved.clone()));
    assert_eq!(state.clusters().unwrap(), [cluster_at(&state, "a"), saved]);
    assert!(state.remove_cluster("lab.check").unwrap());
    assert!(!state.remove_cluster("lab.check").unwrap());
    assert_eq!(state.cluster("lab.check").unwrap(), None);
}

fn cluster_at(state: &State, name: &str) -> Cluster {
    state.cluster(name).unwrap().unwrap()
}

#[test]
fn a_claim_and_an_attempt_are_kept() {
    let (_dir, state) = state();
    let claim = Claim::now();
    state.save_claim("x", &claim).unwrap();
    assert_eq!(state.claim("x").unwrap(), Some(claim));
    let params = Params { seed: u64::MAX, nonce: "n".to_owned() };
    let started = Started::now("lab01".to_owned(), Some(identity("x", "u1")), params, "lab01".to_owned());
    state.save_lab(&started).unwrap();
    assert_eq!(state.lab("lab01").unwrap(), Some(started));
    assert_eq!(state.lab("lab02").unwrap(), None);
}

#[test]
fn a_recreated_cluster_of_the_same_name_is_another_one() {
    let ours = identity("x", "u1");
    assert!(ours.same_cluster(&Identity { server: "https://127.0.0.1:1".to_owned(), ..ours.clone() }));
    assert!(!ours.same_cluster(&identity("x", "u2")));
    assert!(!ours.same_cluster(&Identity { ca_sha256: "cd".repeat(32), ..ours.clone() }));
}

#[test]
fn only_a_better_result_replaces_the_best() {
    let (_dir, state) = state();
    state.record_result("lab01", Points(4000), 100).unwrap();
    state.record_result("lab01", Points(3000), 100).unwrap();
    assert_eq!(state.progress().unwrap().labs["lab01"].earned, Points(4000));
    state.record_result("lab01", Points(2500), 50).unwrap();
    let best = state.progress().unwrap().labs["lab01"];
    assert_eq!((best.earned, best.points), (Points(2500), 50));
}

#[test]
fn a_broken_or_foreign_record_is_named() {
    let (_dir, state) = state();
    let file = state.dir().join("clusters/x.json");
    for (content, expected) in [
        ("{\"format\": 1,", "is broken: EOF"),
        ("{\"format\": 2}", "has format 2, expected 1"),
        ("{\"format\": 1}", "missing field"),
        ("", "is broken: EOF"),
    ] {
        fs::write(&file, content).unwrap();
        let error = state.cluster("x").unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("clusters/x.json"), "{error}");
    }
}

#[test]
fn unknown_fields_of_a_newer_version_are_ignored() {
    let (_dir, state) = state();
    state.save_cluster(&cluster("x")).unwrap();
    let file = state.dir().join("clusters/x.json");
    let text = fs::read_to_string(&file).unwrap().replacen('{', "{\"later\": [1],", 1);
    fs::write(&file, text).unwrap();
    assert_eq!(cluster_at(&state, "x").identity.name, "x");
}

#[test]
fn a_name_cannot_leave_the_directory() {
    let (_dir, state) = state();
    for name in ["", "../x", "a/b", ".x", "a\\b", "ä"] {
        assert_eq!(state.cluster(name).unwrap_err().exit_code(), 2, "{name}");
    }
}

#[test]
fn a_lock_excludes_a_second_holder_until_it_is_dropped() {
    let (_dir, state) = state();
    let held = state.try_lock("cluster-x").unwrap();
    assert!(held.is_some());
    assert!(state.try_lock("cluster-x").unwrap().is_none());
    assert!(state.try_lock("cluster-y").unwrap().is_some());
    drop(held);
    assert!(state.try_lock("cluster-x").unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_its_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("real"), dir.path().join("link"));
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    super::write_atomically(&link, b"new").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(link.is_symlink());
    super::write_atomically(&dir.path().join("fresh"), b"x").unwrap();
    assert_eq!(fs::metadata(dir.path().join("fresh")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_cluster_that_is_gone_takes_its_attempts_along() {
    let (_dir, state) = state();
    for (lab, uid) in [("lab01", "gone"), ("lab06", "stays")] {
        let params = Params { seed: 1, nonce: "n".to_owned() };
        let on = identity("labcheck", uid);
        state.save_lab(&Started::now(lab.to_owned(), Some(on), params, lab.to_owned())).unwrap();
    }
    assert_eq!(state.remove_labs_on(&identity("labcheck", "gone")).unwrap(), ["lab01"]);
    assert!(state.lab("lab01").unwrap().is_none());
    assert!(state.lab("lab06").unwrap().is_some());
}
