//! Users the API server turns away.

use std::fs;

use serde_json::{Value, json};

use super::home::{Home, NAMESPACE, docker};

/// A copy of the kubeconfig, current on the cluster, with another user.
fn as_user(home: &Home, user: Value) -> String {
    let mut config = home.kubeconfig("config");
    let context = home.context();
    let users = config["users"].as_array_mut().unwrap();
    users.iter_mut().find(|entry| entry["name"] == context).unwrap()["user"] = user;
    config["current-context"] = json!(context);
    home.write_kubeconfig("turned-away", &config);
    home.file("turned-away")
}

/// Every check that needs the API is unknown and says why.
#[track_caller]
fn nothing_is_known(home: &Home, kubeconfig: &str, why: &str) {
    let before = home.pods();
    let run = home.labcheck(&["lab01", "--kubeconfig", kubeconfig, "-o", "json"]);
    run.exits(3).in_time(std::time::Duration::from_secs(30));
    let report = run.report();
    assert_eq!(report.with("unknown").len() + report.with("blocked").len(), 15, "{}", run.out);
    assert_eq!(report.with("pass"), ["context-current"], "the kubeconfig itself can be read");
    assert_eq!(report.with("fail"), ["context-namespace"], "the kubeconfig itself can be read");
    let (_, message) = report.check("image-name");
    assert!(message.contains(why), "expected {why:?} in {message:?}");
    assert_eq!(home.pods(), before, "pods changed");
}

#[test]
fn a_forbidden_user_knows_nothing() {
    let home = Home::started();
    home.kubectl(&["-n", NAMESPACE, "create", "serviceaccount", "nobody"]);
    let token = home.kubectl(&["-n", NAMESPACE, "create", "token", "nobody"]);
    let kubeconfig = as_user(&home, json!({"token": token.trim()}));
    nothing_is_known(&home, &kubeconfig, "forbidden");
    home.labcheck(&["start", "lab01", "--kubeconfig", &kubeconfig]).exits(3).says("forbidden");
}

#[test]
fn a_wrong_token_knows_nothing() {
    let home = Home::started();
    let kubeconfig = as_user(&home, json!({"token": "no-such-token"}));
    nothing_is_known(&home, &kubeconfig, "401");
}

#[test]
fn an_expired_certificate_knows_nothing() {
    let home = Home::started();
    let pki = "/etc/kubernetes/pki";
    for file in ["ca.crt", "ca.key"] {
        let text = docker(&["exec", &home.node(), "cat", &format!("{pki}/{file}")]);
        fs::write(home.path(file), text).unwrap();
    }
    let openssl = |args: &[&str]| {
        let run =
            std::process::Command::new("openssl").args(args).current_dir(home.path("")).output().unwrap();
        assert!(run.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&run.stderr));
    };
    let name = "/O=system:masters/CN=late";
    openssl(&[
        "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "late.key", "-out", "late.csr", "-subj", name,
    ]);
    fs::write(home.path("index"), "").unwrap();
    fs::write(home.path("serial"), "01\n").unwrap();
    fs::write(home.path("ca.conf"), CA).unwrap();
    openssl(&["ca", "-batch", "-config", "ca.conf", "-notext", "-in", "late.csr", "-out", "late.crt"]);
    let kubeconfig = as_user(
        &home,
        json!({"client-certificate": home.path("late.crt"), "client-key": home.path("late.key")}),
    );
    nothing_is_known(&home, &kubeconfig, "401");
}

/// Signs what has expired long ago.
const CA: &str = "\
[ca]
default_ca = cluster
[cluster]
database = index
serial = serial
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_startdate = 20240101000000Z
default_enddate = 20240102000000Z
policy = any
x509_extensions = client
[client]
extendedKeyUsage = clientAuth
[any]
organizationName = supplied
commonName = supplied
";
