//! Nothing is changed on a cluster that is not ours.

use std::fs;

use serde_json::{Value, json};

use super::home::Home;

/// The record of a cluster with the same CA that is another one, as after a
/// restore of somebody else's backup: names and certificates prove nothing.
fn disown(home: &Home) {
    let records = home.path("state/clusters");
    let path = fs::read_dir(records).unwrap().next().unwrap().unwrap().path();
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["kube_system_uid"] = json!("00000000-0000-0000-0000-000000000000");
    fs::write(path, record.to_string()).unwrap();
}

#[test]
fn a_cluster_labcheck_did_not_make_is_only_looked_at() {
    let home = Home::solved();
    let before = home.pods();
    let config = home.file("config");
    disown(&home);

    let run = home.labcheck(&["lab01", "--kubeconfig", &config, "-o", "json"]);
    run.exits(3);
    let report = run.report();
    assert_eq!(report.0["cluster"]["owned"], false);
    for id in ["answers", "solo-stays-gone", "api-heals"] {
        let (verdict, message) = report.check(id);
        assert_eq!(verdict, "unknown", "{id}: {message}");
        assert!(message.contains("was not made by `labcheck up`"), "{id}: {message}");
    }
    assert_eq!(report.with("fail"), Vec::<&str>::new(), "what only needs a look passes");
    assert_eq!(report.with("pass").len(), 12);
    assert_eq!(report.0["earned"], Value::Null, "an ungraded lab has no points");
    assert_eq!(home.pods(), before, "pods changed");

    // Allowed in words, the user still has to type the server's name.
    let run = home.labcheck(&["lab01", "--kubeconfig", &config, "--allow-experiments"]);
    assert!(matches!(run.code, Some(2 | 3)), "{run:?}");
    home.labcheck(&["reset", "lab01", "--kubeconfig", &config]).exits(2);
    assert_eq!(home.pods(), before, "pods changed");
}

#[test]
fn without_a_record_of_its_images_the_lab_cannot_be_judged() {
    let home = Home::solved();
    let before = home.pods();
    fs::remove_dir_all(home.path("state")).unwrap();
    let run = home.labcheck(&["lab01", "--kubeconfig", &home.file("config")]);
    run.exits(3).says("no record says that image `ms:v1` was loaded; run `labcheck up`");
    assert_eq!(run.out, "");
    assert_eq!(home.pods(), before, "pods changed");
}
