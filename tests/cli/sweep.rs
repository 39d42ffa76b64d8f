//! `labcheck sweep`: students' kubeconfigs, from an instructor's desk. What a
//! kubeconfig could make us do beyond asking one public server, is not done.

mod servers;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use crate::place::{Place, Said};

/// A kubeconfig as kind writes it, with a server that nobody is asked at.
const GOOD: &str = r#"apiVersion: v1
kind: Config
current-context: c
clusters:
- {name: k, cluster: {server: "https://203.0.113.7:6443", certificate-authority-data: Q0E=}}
users:
- {name: u, user: {token: not-to-be-shown}}
contexts:
- {name: c, context: {cluster: k, user: u}}
"#;

/// What is said first.
const FIRST: &str = "`lab01` has experiments, and a sweep makes none: what needs them is unknown; \
                     `labcheck submit` makes them\nlooking at 1 clusters\n";

fn place(kubeconfig: &str) -> Place {
    let place = Place::new();
    place.write("roster.csv", "id\nada\n");
    place.write("kubeconfigs/ada.yaml", kubeconfig);
    // As `labcheck up` records what it loaded.
    place.write("state/clusters/own.json", include_str!("sweep/own_cluster.json"));
    place
}

const SWEEP: [&str; 9] =
    ["sweep", "--kubeconfigs", "kubeconfigs", "--lab", "lab01", "--roster", "roster.csv", "--out", "seen"];

fn sweep(place: &Place, more: &[&str]) -> Said {
    let said = place.run(&[&SWEEP[..], more].concat());
    assert!(!said.out.contains("not-to-be-shown") && !said.err.contains("not-to-be-shown"), "{said:?}");
    said
}

/// The kubeconfig is not used, and this is why.
#[track_caller]
fn refused(kubeconfig: &str, why: &str) {
    let place = place(kubeconfig);
    let said = sweep(&place, &[]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (3, format!("ada: {why}\n0 of 1 clusters were looked at\n").as_str())
    );
    assert!(!place.path("ran").exists(), "the kubeconfig ran a program");
    assert_eq!(std::fs::read_dir(place.path("seen")).unwrap().count(), 0);
}

#[test]
fn programs_are_not_run() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: [-c, 'touch $HOME/ran']}";
    refused(&GOOD.replace("token: not-to-be-shown", exec), "its user has `exec`: it would run a program");
    let provider = "auth-provider: {name: gcp, config: {cmd-path: /bin/sh, cmd-args: '-c \"touch ran\"'}}";
    refused(
        &GOOD.replace("token: not-to-be-shown", provider),
        "its user has `auth-provider`: it would run a program",
    );
}

#[test]
fn files_of_this_machine_are_not_read() {
    for (from, to, why) in [
        (
            "token: not-to-be-shown",
            "tokenFile: /etc/hostname",
            "its user has `tokenFile`: it would send a file of this machine to the server",
        ),
        (
            "token: not-to-be-shown",
            "client-certificate: /etc/hostname, client-key-data: eA==",
            "its user has `client-certificate`: only `client-certificate-data` is used",
        ),
        (
            "token: not-to-be-shown",
            "client-key: /etc/hostname, client-certificate-data: eA==",
            "its user has `client-key`: only `client-key-data` is used",
        ),
        (
            "certificate-authority-data: Q0E=",
            "certificate-authority: /etc/hostname",
            "names a file as `certificate-authority`; only `certificate-authority-data` is used",
        ),
    ] {
        refused(&GOOD.replace(from, to), why);
    }
}

#[test]
fn networks_of_ones_own_are_not_reached() {
    for (server, why) in [
        ("https://169.254.169.254", "its server leads to `169.254.169.254`, which is link-local"),
        ("https://127.0.0.1:6443", "its server leads to `127.0.0.1`, which is loopback"),
        ("https://localhost:6443", "its server leads to `127.0.0.1`, which is loopback"),
        ("https://192.168.1.1", "its server leads to `192.168.1.1`, which is private"),
        ("https://[::ffff:10.0.0.1]:6443", "its server leads to `10.0.0.1`, which is private"),
    ] {
        let kubeconfig = GOOD.replace("https://203.0.113.7:6443", server);
        refused(&kubeconfig, &format!("{why}; `--allow-cidr` allows it"));
    }
    let http = GOOD.replace("https://203", "http://203");
    refused(&http, "its server `http://203.0.113.7:6443` is not reached through https");
    let user = GOOD.replace("https://203", "https://user:pass@203");
    refused(
        &user,
        "its server `https://user:pass@203.0.113.7:6443` is no address, as in `https://host:6443`",
    );
}

#[test]
fn what_weakens_the_connection_is_refused() {
    for (from, to, why) in [
        (
            "certificate-authority-data: Q0E=",
            "certificate-authority-data: Q0E=, insecure-skip-tls-verify: true",
            "has `insecure-skip-tls-verify`, which is not used here",
        ),
        (
            "certificate-authority-data: Q0E=",
            "certificate-authority-data: Q0E=, proxy-url: 'socks5://127.0.0.1:1'",
            "has a `proxy-url`, which is not used here",
        ),
        ("token: not-to-be-shown", "token: x, as: admin", "its user has `as`: nobody is impersonated here"),
        (", certificate-authority-data: Q0E=", "", "has no `certificate-authority-data`"),
        ("token: not-to-be-shown", "{}", "is no kubeconfig"),
    ] {
        refused(&GOOD.replace(from, to), why);
    }
}

#[test]
fn the_context_that_happens_to_be_current_is_not_taken() {
    let two = format!("{GOOD}- {{name: production, context: {{cluster: k, user: u}}}}\n")
        .replace("current-context: c", "current-context: production");
    refused(&two, "has 2 contexts; `--context` says which one is meant");
    // Nor anything of the instructor's own.
    let place = place("apiVersion: v1\nkind: Config\n");
    place.write(".kube/config", GOOD);
    let mut command = place.command(&SWEEP);
    command.env("KUBECONFIG", place.path(".kube/config"));
    let said = place.said(command);
    said.is(3, "ada: has no context\n0 of 1 clusters were looked at\n", FIRST);
}

#[test]
fn bombs_and_other_files_are_no_kubeconfigs() {
    refused("<html>", "is no kubeconfig");
    refused(&"[".repeat(100_000), "is no kubeconfig");
    refused(&format!("# {}", "x".repeat(2 << 20)), "is larger than 1024 KiB, expected a kubeconfig");
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(",")));
    }
    refused(&bomb, "is no kubeconfig");
}

#[test]
fn a_server_that_never_ends_costs_one_budget() {
    let drip = |mut stream: std::net::TcpStream| {
        // A byte at a time, for longer than any test.
        while stream.write_all(b"\x16").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    };
    let silent = |mut stream: std::net::TcpStream| {
        let _ = stream.read_to_end(&mut Vec::new());
    };
    for serve in [drip as fn(std::net::TcpStream), silent] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("https://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            listener.incoming().map_while(Result::ok).for_each(|stream| {
                thread::spawn(move || serve(stream));
            })
        });
        // A CA that can be read; no handshake ends.
        let place = place(
            &GOOD
                .replace("https://203.0.113.7:6443", &server)
                .replace("Q0E=", include_str!("sweep/ca.base64").trim()),
        );
        let begun = Instant::now();
        let said = sweep(&place, &["--allow-cidr", "127.0.0.0/8", "--budget", "2s"]);
        assert_eq!(said.code, 3, "{said:?}");
        let told = [
            "ada: was not looked at within 2s\n0 of 1 clusters were looked at\n",
            "ada: its cluster does not answer, or does not let us look\n0 of 1 clusters were looked at\n",
        ];
        assert!(told.contains(&said.out.as_str()), "{said:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

#[test]
fn students_who_are_not_in_the_roster_are_named() {
    let place = place(GOOD);
    std::fs::rename(place.path("kubeconfigs/ada.yaml"), place.path("kubeconfigs/eve\u{1b}[31m.yaml"))
        .unwrap();
    let said = sweep(&place, &[]);
    let out = "eve\\u{1b}[31m: is not in the roster; kubeconfigs are named after ids\n0 of 1 clusters were looked at\n";
    said.is(3, out, FIRST);
    let args =
        ["sweep", "--kubeconfigs", "kubeconfigs", "--lab", "lab02", "--roster", "roster.csv", "--out", "o"];
    place.run(&args).is(2, "", "error: `lab02` is not about a cluster alone, so there is none to sweep\n");
}
