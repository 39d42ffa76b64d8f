//! A learner's home: a state directory and a kubeconfig of the test's own,
//! for the cluster all tests share.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The lab's namespace.
pub const NAMESPACE: &str = "lab01";
/// The context that is current before a test begins; it leads nowhere.
pub const OTHER: &str = "elsewhere";

static CLUSTER: Mutex<()> = Mutex::new(());

/// A learner with one cluster that `labcheck up` made.
pub struct Home {
    dir: tempfile::TempDir,
    context: String,
    name: String,
    _alone: MutexGuard<'static, ()>,
}

impl Home {
    /// The home of a learner who has just run `labcheck up`: the cluster's
    /// context is in the kubeconfig, another one is current.
    pub fn new() -> Self {
        let alone = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = env::var_os("LABCHECK_TEST_STATE")
            .expect("LABCHECK_TEST_STATE is not set; name the state directory of `labcheck up`");
        let mut record = only_cluster(Path::new(&shared));
        let dir = tempfile::tempdir().unwrap();
        let context = record["context"].as_str().unwrap().to_owned();
        let name = record["name"].as_str().unwrap().to_owned();
        let mut config: Value =
            serde_yaml::from_str(&fs::read_to_string(record["kubeconfig"].as_str().unwrap()).unwrap())
                .unwrap();
        keep_only(&mut config, &context);
        let server = json!({"name": OTHER, "cluster": {"server": "https://127.0.0.1:1"}});
        config["clusters"].as_array_mut().unwrap().push(server);
        config["contexts"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": OTHER, "context": {"cluster": OTHER, "user": OTHER}}));
        config["users"].as_array_mut().unwrap().push(json!({"name": OTHER, "user": {"token": "none"}}));
        config["current-context"] = json!(OTHER);
        let home = Self { dir, context, name, _alone: alone };
        home.write_kubeconfig("config", &config);
        record["kubeconfig"] = json!(home.path("config"));
        fs::create_dir_all(home.path("state/clusters")).unwrap();
        fs::write(home.path(&format!("state/clusters/{}.json", home.name)), record.to_string()).unwrap();
        home
    }

    /// The same learner with the lab started anew.
    pub fn started() -> Self {
        let home = Self::new();
        home.labcheck(&["reset", "lab01", "--yes"]).exits(0);
        home
    }

    /// The same learner with the lab solved.
    pub fn solved() -> Self {
        let home = Self::started();
        home.solve();
        home
    }

    /// A path inside the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same as text, for arguments.
    pub fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Name of the cluster's context.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Name of the container that is the node.
    pub fn node(&self) -> String {
        format!("{}-control-plane", self.name)
    }

    /// A kubeconfig of the home.
    pub fn kubeconfig(&self, name: &str) -> Value {
        serde_yaml::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    /// Writes a kubeconfig into the home; JSON is YAML.
    pub fn write_kubeconfig(&self, name: &str, config: &Value) {
        fs::write(self.path(name), config.to_string()).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("labcheck"));
        command
            .args(args)
            .env("LABCHECK_STATE", self.path("state"))
            .env("KUBECONFIG", self.path("config"))
            .env_remove("LABCHECK_LABS");
        command
    }

    /// Runs labcheck to its end.
    #[track_caller]
    pub fn labcheck(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    /// Starts labcheck with its output piped.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs kubectl as the cluster's administrator.
    pub fn kubectl_may_fail(&self, args: &[&str]) -> Run {
        run(kubectl().args(["--context", &self.context]).args(args).env("KUBECONFIG", self.path("config")))
    }

    /// The same; its standard output.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        let run = self.kubectl_may_fail(args);
        run.exits(0);
        run.out
    }

    /// Applies a manifest in the lab's namespace.
    #[track_caller]
    pub fn apply(&self, manifest: &str) {
        let mut child = kubectl()
            .args([
                "--context",
                &self.context,
                "-n",
                NAMESPACE,
                "apply",
                "--server-side",
                "--force-conflicts",
                "-f",
                "-",
            ])
            .env("KUBECONFIG", self.path("config"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(manifest.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "cannot apply\n{manifest}");
    }

    /// Does what the solution says, as a learner with kubectl would.
    pub fn solve(&self) {
        for file in ["deployment", "service", "solo"] {
            self.apply(&solution(file));
        }
        let version: Value = serde_json::from_str(&self.kubectl(&["get", "--raw", "/version"])).unwrap();
        let metrics = format!("/api/v1/nodes/{}/proxy/metrics", self.node());
        let metrics = self.kubectl(&["get", "--raw", &metrics]);
        let gauge = metrics.lines().find_map(|line| line.strip_prefix("kubelet_cgroup_version "));
        let setup = solution("setup")
            .replace("{{ cgroup[nodes[0].metadata.name] }}", gauge.unwrap().trim())
            .replace("{{ version.gitVersion }}", version["gitVersion"].as_str().unwrap());
        self.apply(&setup);
        self.config(&["use-context", &self.context]);
        self.config(&["set-context", "--current", &format!("--namespace={NAMESPACE}")]);
        let limit = "--timeout=60s";
        self.kubectl(&["-n", NAMESPACE, "rollout", "status", "deployment/api", limit]);
        self.kubectl(&["-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/solo", limit]);
    }

    fn config(&self, args: &[&str]) {
        run(kubectl().arg("config").args(args).env("KUBECONFIG", self.path("config"))).exits(0);
    }

    /// Names and UIDs of the lab's pods, sorted, without those that are going.
    pub fn pods(&self) -> Vec<String> {
        let staying = "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}\
                       {{.metadata.name}} {{.metadata.uid}}{{\"\\n\"}}{{end}}{{end}}";
        let listed = self.kubectl(&["-n", NAMESPACE, "get", "pods", "-o", staying]);
        let mut pods: Vec<_> = listed.lines().map(str::to_owned).collect();
        pods.sort();
        pods
    }

    /// The journals of experiments that are not undone.
    pub fn journals(&self) -> usize {
        fs::read_dir(self.path("state/journal")).map_or(0, Iterator::count)
    }
}

fn only_cluster(state: &Path) -> Value {
    let listing = fs::read_dir(state.join("clusters"))
        .unwrap_or_else(|error| panic!("`{}` is not a state directory: {error}", state.display()));
    let records: Vec<_> = listing.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(records.len(), 1, "expected the record of one cluster in `{}`: {records:?}", state.display());
    serde_json::from_slice(&fs::read(&records[0]).unwrap()).unwrap()
}

/// Keeps one context of a kubeconfig; kind names its cluster and user alike.
fn keep_only(config: &mut Value, context: &str) {
    for part in ["clusters", "contexts", "users"] {
        let entries = config[part].as_array_mut().unwrap();
        entries.retain(|entry| entry["name"] == context);
        assert_eq!(entries.len(), 1, "no `{context}` among the {part} of the kubeconfig");
    }
}

fn kubectl() -> Command {
    Command::new(env::var_os("LABCHECK_KUBECTL").unwrap_or_else(|| "kubectl".into()))
}

/// A manifest of the lab's solution.
pub fn solution(file: &str) -> String {
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs/01-environment/solution");
    fs::read_to_string(labs.join(format!("{file}.yaml"))).unwrap()
}

/// Runs `docker`.
#[track_caller]
pub fn docker(args: &[&str]) -> String {
    let run = run(Command::new("docker").args(args));
    run.exits(0);
    run.out
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Run {
    pub fn of(output: Output, took: Duration) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took }
    }

    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        let said = self.out.contains(text) || self.err.contains(text);
        assert!(said, "expected {text:?}, found stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn in_time(&self, limit: Duration) -> &Self {
        assert!(self.took < limit, "took {:?}, expected less than {limit:?}", self.took);
        self
    }

    /// The report it printed with `-o json`.
    #[track_caller]
    pub fn report(&self) -> Report {
        let report: Value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no report: {error}\n{}\n{}", self.out, self.err));
        Report(report)
    }
}

/// A report in JSON.
pub struct Report(pub Value);

impl Report {
    fn checks(&self) -> impl Iterator<Item = &Value> {
        let tasks = self.0["tasks"].as_array().unwrap();
        tasks.iter().flat_map(|task| task["checks"].as_array().unwrap())
    }

    /// Verdict and message of a check.
    #[track_caller]
    pub fn check(&self, id: &str) -> (&str, &str) {
        let check = self.checks().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no check {id}"));
        (check["verdict"].as_str().unwrap(), check["message"].as_str().unwrap())
    }

    /// Ids of the checks with this verdict.
    pub fn with(&self, verdict: &str) -> Vec<&str> {
        self.checks()
            .filter(|check| check["verdict"] == verdict)
            .map(|check| check["id"].as_str().unwrap())
            .collect()
    }
}

fn run(command: &mut Command) -> Run {
    let begun = Instant::now();
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    Run::of(output, begun.elapsed())
}

/// Waits for a started labcheck.
pub fn end(child: Child) -> Run {
    let begun = Instant::now();
    Run::of(child.wait_with_output().unwrap(), begun.elapsed())
}

/// Sends a signal to a started labcheck.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "cannot signal {}", child.id());
}

/// Asks again and again until it is so.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < until, "not so within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
