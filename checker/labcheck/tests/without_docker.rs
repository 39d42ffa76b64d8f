//! The commands about clusters and machines on a machine without Docker.

use assert_cmd::{Command, cargo::cargo_bin_cmd};
use predicates::str::{contains, is_empty};

fn labcheck(state: &tempfile::TempDir) -> Command {
    let mut command = cargo_bin_cmd!("labcheck");
    command
        .env("LABCHECK_STATE", state.path().join("state"))
        .env("KUBECONFIG", state.path().join("config"))
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    command
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn up_names_the_socket_and_the_next_step() {
    let home = home();
    let assert = labcheck(&home).arg("up").assert();
    assert
        .code(3)
        .stdout(is_empty())
        .stderr(contains("no Docker daemon: `/nowhere/docker.sock` (DOCKER_HOST) does not exist"))
        .stderr(contains("next: start Docker"));
}

#[test]
fn down_has_nothing_to_delete_and_needs_no_docker_for_that() {
    let home = home();
    labcheck(&home).arg("down").assert().code(0).stdout(contains("nothing to delete"));
}

#[test]
fn wrong_usage_is_exit_2() {
    let home = home();
    for args in [
        ["up", "--name", "Not_A_Name"].as_slice(),
        &["up", "--nodes", "2"],
        &["up", "--offline", "--pull"],
        &["completions", "csh"],
        &["man"],
    ] {
        labcheck(&home).args(args).assert().code(2);
    }
}

#[test]
fn doctor_says_that_lab_01_cannot_run() {
    let home = home();
    labcheck(&home)
        .arg("doctor")
        .assert()
        .code(1)
        .stdout(contains("fix   docker"))
        .stdout(contains("lab 01 cannot run until every `fix` is done"));
    let output = labcheck(&home).args(["doctor", "-o", "json"]).assert().code(1).get_output().clone();
    let diagnosis: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&diagnosis["format"], &diagnosis["ready"]), (&1.into(), &false.into()));
    let checks = diagnosis["checks"].as_array().unwrap();
    let words = ["ok", "fix", "note"];
    assert!(checks.iter().all(|check| words.contains(&check["result"].as_str().unwrap())), "{checks:?}");
    assert_eq!(checks[0]["what"], "docker");
}

#[test]
fn a_broken_kubeconfig_and_a_broken_record_are_named_by_doctor() {
    let home = home();
    std::fs::write(home.path().join("config"), "clusters: [").unwrap();
    std::fs::create_dir_all(home.path().join("state/clusters")).unwrap();
    std::fs::write(home.path().join("state/clusters/x.json"), "{").unwrap();
    labcheck(&home)
        .arg("doctor")
        .assert()
        .code(1)
        .stdout(contains("fix   kubeconfig"))
        .stdout(contains("fix   state"))
        .stdout(contains("clusters/x.json` is broken"));
}

#[test]
fn every_shell_gets_a_script_and_every_command_a_page() {
    let home = home();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        labcheck(&home).args(["completions", shell]).assert().code(0).stdout(contains("kubeconfig"));
    }
    let pages = home.path().join("man");
    labcheck(&home).arg("man").arg("--dir").arg(&pages).assert().code(0);
    for page in ["labcheck.1", "labcheck-up.1", "labcheck-down.1", "labcheck-doctor.1", "labcheck-serve.1"] {
        assert!(std::fs::read_to_string(pages.join(page)).unwrap().contains(".TH"), "{page}");
    }
}
