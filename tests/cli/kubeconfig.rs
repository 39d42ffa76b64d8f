//! Kubeconfigs that lead nowhere: said with the place and the next step, and
//! exit 3, because nothing could be observed.

use crate::place::Place;

pub const TWO: &str = r#"apiVersion: v1
kind: Config
current-context: here
clusters:
- {name: a, cluster: {server: "@SERVER@"}}
users:
- {name: u, user: {token: not-to-be-shown}}
contexts:
- {name: here, context: {cluster: a, user: u, namespace: lab01}}
- {name: there, context: {cluster: a, user: u}}
- {name: nowhere, context: {cluster: gone, user: u}}
"#;

/// `labcheck lab01` with this kubeconfig says exactly this.
#[track_caller]
fn refused(text: &str, more: &[&str], err: &str) {
    let place = Place::new();
    let path = place.write("config", text);
    let args = [&["lab01", "--kubeconfig", path.to_str().unwrap()], more].concat();
    place.run(&args).is(3, "", err);
    // The same file, found where kubectl finds it.
    let place = Place::new();
    place.write(".kube/config", text);
    let said = place.run(&[&["lab01"], more].concat());
    said.is(3, "", &err.replace("HOME/config", "HOME/.kube/config"));
}

#[test]
fn no_kubeconfig_names_where_it_was_looked_for() {
    let place = Place::new();
    let next = "`labcheck up` makes a cluster and writes one, `--kubeconfig` names another";
    place.run(&["lab01"]).is(3, "", &format!("error: no kubeconfig at `HOME/.kube/config`; {next}\n"));
    let missing = place.path("gone");
    place.run(&["lab01", "--kubeconfig", missing.to_str().unwrap()]).is(
        3,
        "",
        &format!("error: no kubeconfig at `HOME/gone`; {next}\n"),
    );
}

#[test]
fn broken_yaml_is_told_with_its_line() {
    refused(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster: {server: \"https://127.0.0.1:1\"\nusers: []\n",
        &[],
        "error: cannot read kubeconfig `HOME/config` line 6: while parsing a flow mapping, did not find \
         expected ',' or '}'; mend the file or name another with `--kubeconfig`\n",
    );
}

#[test]
fn what_is_no_kubeconfig_is_refused_without_quoting_it() {
    for text in
        ["just words: not-to-be-shown", "- not-to-be-shown", "\0\u{1}", "[[[[[[", "contexts: not-to-be-shown"]
    {
        let place = Place::new();
        let path = place.write("config", text);
        let said = place.run(&["lab01", "--kubeconfig", path.to_str().unwrap()]);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{text:?}: {said:?}");
        assert!(said.err.starts_with("error: ") && said.err.contains("kubeconfig"), "{text:?}: {}", said.err);
        assert!(!said.err.contains("not-to-be-shown"), "{}", said.err);
    }
}

#[test]
fn a_directory_is_no_kubeconfig() {
    let place = Place::new();
    let home = place.path("");
    let said = place.run(&["lab01", "--kubeconfig", home.to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(said.err.starts_with("error: cannot read kubeconfig `HOME/`: "), "{}", said.err);
}

#[test]
fn a_wrong_context_names_those_there_are() {
    refused(
        TWO,
        &["--context", "elsewhere"],
        "error: the kubeconfig has no context `elsewhere`; it has `here`, `there`, `nowhere`; choose with `--context`\n",
    );
    refused(
        &TWO.replace("current-context: here", "current-context: \"\""),
        &[],
        "error: the kubeconfig has no current context; it has `here`, `there`, `nowhere`; choose with \
         `kubectl config use-context` or `--context`\n",
    );
}

#[test]
fn a_context_without_its_cluster_is_named() {
    refused(
        TWO,
        &["--context", "nowhere"],
        "error: context `nowhere` names cluster `gone`, which the kubeconfig does not have; see \
         `kubectl config get-clusters`\n",
    );
}

#[test]
fn a_cluster_without_a_server_is_named() {
    refused(
        &TWO.replace("@SERVER@", ""),
        &[],
        "error: cluster `a` of the kubeconfig has no `server`; set it with `kubectl config set-cluster`\n",
    );
}

#[test]
fn certificates_that_are_none_are_refused_without_quoting_them() {
    for field in
        ["certificate-authority-data: bm90LXRvLWJlLXNob3du", "certificate-authority: /nowhere/ca.crt"]
    {
        let text = TWO.replace("server: \"@SERVER@\"", &format!("server: \"https://127.0.0.1:1\", {field}"));
        let place = Place::new();
        let path = place.write("config", text);
        let said = place.run(&["lab01", "--kubeconfig", path.to_str().unwrap()]);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
        assert!(said.err.contains("context `here` cannot be used: "), "{}", said.err);
        assert!(!said.err.contains("bm90") && !said.err.contains("not-to-be-shown"), "{}", said.err);
    }
}
