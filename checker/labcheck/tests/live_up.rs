//! `up`, `down` and what they promise, on a real Docker daemon and a real
//! cluster called `lct-up`. Fails without a daemon.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by failing there")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

const NAME: &str = "lct-up";
const NODE: &str = "lct-up-control-plane";
const USERS: &str = "\
apiVersion: v1
kind: Config
clusters: [{name: other, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: other, context: {cluster: other, user: other}}]
users: [{name: other, user: {token: t}}]
current-context: other
";

/// A state directory and a kubeconfig of the test's own; whatever it made is
/// deleted at its end, also when it fails.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("config"), USERS).unwrap();
        Self { dir }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn labcheck(&self, args: &[&str]) -> Run {
        run(Command::new(assert_cmd::cargo::cargo_bin!("labcheck"))
            .args(args)
            .env("LABCHECK_STATE", self.state())
            .env("KUBECONFIG", self.kubeconfig()))
    }

    fn up(&self) -> Run {
        self.labcheck(&["up", "--name", NAME])
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.labcheck(&["down", "--name", NAME]);
    }
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        let said = self.out.contains(text) || self.err.contains(text);
        assert!(said, "expected {text:?}, found stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn docker(args: &[&str]) -> String {
    let run = run(Command::new("docker").args(args));
    run.exits(0);
    run.out
}

fn kubectl(args: &[&str]) -> String {
    let mut all = vec!["exec", NODE, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"];
    all.extend(args);
    docker(&all)
}

fn yaml(path: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn nodes() -> String {
    docker(&["ps", "-aq", "--filter", "label=io.x-k8s.kind.cluster=lct-up"])
}

#[test]
fn a_cluster_is_made_found_again_and_deleted() {
    assert_eq!(nodes(), "", "a cluster `{NAME}` is left over: kind delete cluster --name {NAME}");
    let home = Home::new();

    let up = home.up();
    up.exits(0).says("node image: ").says("because ").says("cluster `lct-up` is ready");
    up.says("your current context is still `other`").says("kubectl config use-context kind-lct-up");
    let config = yaml(&home.kubeconfig());
    assert_eq!(config["current-context"], "other");
    assert_eq!(config["contexts"][1]["name"], "kind-lct-up");

    images_run_under_a_recorded_digest(&home);

    let before = nodes();
    home.up().exits(0).says("it is ours and healthy, 1 node").says("are everywhere already");
    assert_eq!(nodes(), before);

    docker(&["exec", NODE, "ctr", "--namespace=k8s.io", "images", "rm", "docker.io/library/ms:v2"]);
    home.up().exits(0).says("loaded into 1 node");
    assert!(images().contains("docker.io/library/ms:v2 "));

    docker(&["stop", NODE]);
    home.up().exits(0).says("1 stopped node started");
    home.labcheck(&["up", "--name", NAME, "--nodes", "3"]).exits(2).says("has 1 node, expected 3");

    a_stranger_can_neither_take_nor_delete_it();

    let down = home.labcheck(&["down", "--name", NAME]);
    down.exits(0).says("deleted cluster `lct-up` (CA and kube-system UID are those recorded)");
    down.says("removed context `kind-lct-up`");
    assert_eq!(nodes(), "");
    let expected: Value = serde_yaml::from_str(USERS).unwrap();
    assert_eq!(yaml(&home.kubeconfig()), expected);
    home.labcheck(&["down", "--name", NAME]).exits(0).says("nothing to delete");
}

fn images() -> String {
    docker(&["exec", NODE, "ctr", "--namespace=k8s.io", "images", "ls"])
}

/// What the kubelet reports as the image's id is among the digests recorded.
fn images_run_under_a_recorded_digest(home: &Home) {
    let record: Value =
        serde_json::from_slice(&fs::read(home.state().join("clusters/lct-up.json")).unwrap()).unwrap();
    let probe = concat!("labcheck/probe:", env!("CARGO_PKG_VERSION"));
    for tag in ["ms:v1", "ms:v2", "ms:v2-bad", probe] {
        let recorded = record["images"][tag].as_array().unwrap();
        let pod = tag.replace([':', '/', '.'], "-");
        kubectl(&["run", &pod, &format!("--image={tag}"), "--image-pull-policy=Never"]);
        kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", &format!("pod/{pod}")]);
        let id = kubectl(&["get", "pod", &pod, "-o", "jsonpath={.status.containerStatuses[0].imageID}"]);
        let digest = id.rsplit('@').next().unwrap();
        assert!(recorded.iter().any(|known| known == digest), "{tag}: imageID {id}, recorded {recorded:?}");
        let engine = docker(&["image", "inspect", "--format", "{{.Id}}", tag]);
        assert!(recorded.iter().any(|known| known == engine.trim()), "{tag}: engine has {engine}");
    }
    kubectl(&["delete", "pod", "--all", "--wait=false"]);
}

fn a_stranger_can_neither_take_nor_delete_it() {
    let stranger = Home::new();
    let before = nodes();
    stranger.up().exits(2).says("labcheck did not make it").says("--name lct-up-2");
    stranger.labcheck(&["down", "--name", NAME]).exits(0).says("nothing to delete");
    assert_eq!(nodes(), before);
    assert_eq!(yaml(&stranger.kubeconfig())["contexts"].as_array().unwrap().len(), 1);
}
