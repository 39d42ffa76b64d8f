//! A compose lab on a machine without a Docker daemon: every way to say what
//! is meant, and every way it can be wrong.

#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::place::{Place, Said, repository};

const FILE: &str = "services:\n  web:\n    image: nginx:1.27-alpine\n";

/// `labcheck` where Docker is said to be at `host`.
fn with_docker(place: &Place, host: &str, args: &[&str]) -> Said {
    let mut command: Command = place.command(args);
    let output = command.env("DOCKER_HOST", host).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn without_a_compose_file_the_next_step_is_named() {
    let said = Place::new().run(&["lab02"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no compose file in `HOME` or above it"), "{}", said.err);
    assert!(said.err.contains("labcheck start lab02"), "{}", said.err);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = Place::new().run(&["lab02", "-f", "prod.yaml"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("HOME/prod.yaml` does not exist"), "{}", said.err);
}

#[test]
fn options_of_the_other_kind_are_refused() {
    let place = Place::new();
    place.write("compose.yaml", FILE);
    let said = place.run(&["lab02", "-n", "lab02"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("`lab02` is not"), "{}", said.err);
    let said = place.run(&["lab01", "-f", "compose.yaml"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("are about compose, and `lab01` is not"), "{}", said.err);
}

#[test]
fn a_daemon_that_cannot_be_reached_is_not_the_learners_fault() {
    let place = Place::new();
    place.write("compose.yaml", FILE);
    let gone = with_docker(&place, "unix:///nowhere/docker.sock", &["lab02"]);
    assert_eq!(gone.code, 3, "{gone:?}");
    assert!(gone.err.contains("`/nowhere/docker.sock` (DOCKER_HOST) does not exist"), "{}", gone.err);
    let far = with_docker(&place, "ssh://somewhere", &["lab02"]);
    assert_eq!(far.code, 2, "{far:?}");
    assert!(far.err.contains("`ssh://somewhere` (DOCKER_HOST) cannot be used"), "{}", far.err);
}

#[test]
fn a_context_that_leads_nowhere_is_named() {
    let place = Place::new();
    place.write("compose.yaml", FILE);
    place.write(".docker/config.json", r#"{"currentContext": "gone"}"#);
    let said = place.run(&["lab02"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("docker context `gone` cannot be used"), "{}", said.err);
}

/// It takes the connection and says nothing.
#[cfg(unix)]
#[test]
fn a_socket_that_hangs_is_given_up() {
    let place = Place::new();
    place.write("compose.yaml", FILE);
    let path = place.path("docker.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let said = with_docker(&place, &format!("unix://{}", path.display()), &["lab02"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("did not answer within 10 s"), "{}", said.err);
}

#[test]
fn start_writes_the_files_once_and_reset_again() {
    let place = Place::new();
    let said = place.run(&["start", "lab02"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("your files are in `HOME/lab02`"), "{}", said.out);
    for file in ["compose.yaml", "gateway/default.conf", "models/iris.json"] {
        assert!(place.path("lab02").join(file).is_file(), "{file}");
    }
    assert!(!place.path("lab02/expect.yaml").exists());
    place.write("lab02/compose.yaml", FILE);
    let again = place.run(&["start", "lab02"]);
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("`HOME/lab02` exists and is not empty"), "{}", again.err);
    assert_eq!(place.run(&["reset", "lab02", "--yes"]).code, 0);
    let text = std::fs::read_to_string(place.path("lab02/compose.yaml")).unwrap();
    assert!(text.contains("STICKY NOTE"), "{text}");
    // Elsewhere, the place where it was started is the next step.
    let said = place.run(&["lab02"]);
    assert!(said.err.contains("cd HOME/lab02"), "{}", said.err);
}

/// In a daemon that is somebody's, upstream names are his.
#[test]
fn start_names_the_stand_ins_of_a_daemon_that_is_not_ours() {
    let place = Place::new();
    let host = "unix:///nowhere/docker.sock";
    place.write(
        "state/engines/unix____nowhere_docker_sock.json",
        format!(
            r#"{{"format": 1, "host": "{host}", "images": {{}}, "loaded": "2026-11-21T10:00:00Z",
               "stand_ins": {{"labcheck/redis:7.4-alpine": "redis-server 5:8.0.2"}}}}"#
        ),
    );
    let said = with_docker(&place, host, &["start", "lab02"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let told = "`compose.override.yaml` puts stand-ins in the place of images that could not be pulled\n";
    assert!(said.out.contains(told), "{}", said.out);
    let text = std::fs::read_to_string(place.path("lab02/compose.override.yaml")).unwrap();
    assert!(
        text.contains("  queue:\n    image: labcheck/redis:7.4-alpine # Debian's redis-server"),
        "{text}"
    );
    let said = with_docker(&place, "unix:///elsewhere.sock", &["start", "lab02", "--dir", "other"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!place.path("other/compose.override.yaml").exists(), "another daemon has no stand-ins");
}

#[test]
fn a_recorded_project_is_judged_without_docker() {
    let recorded = |state: &str| {
        repository()
            .join("labs/02-sticky-note/evidence")
            .join(format!("{state}.labcheck"))
            .display()
            .to_string()
    };
    let place = Place::new();
    let said = place.run(&["lab02", "--evidence", &recorded("solution")]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("project lab02-solution"), "{}", said.out);
    assert_eq!(place.run(&["lab02", "--evidence", &recorded("starter")]).code, 1);
    let said = place.run(&["lab02", "--evidence", &recorded("solution"), "-p", "x"]);
    assert_eq!(said.code, 2, "{said:?}");
}
