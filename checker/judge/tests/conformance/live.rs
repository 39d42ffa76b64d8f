//! Asks a real API server what every expression of the corpus comes to, with
//! dry-run requests that a ValidatingAdmissionPolicy denies with the value as
//! its message. `tests/live/cel/run` at the root of the repository runs it.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::answers::{Answer, corpus, exceptions, object, ours, record, recorded};
use crate::policy::{NAMESPACE, binding, canary, label, policy};

/// Expressions in one policy.
const BATCH: usize = 40;
/// How long a policy may take to be enforced.
const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    kubectl: String,
    kubeconfig: String,
}

impl Server {
    fn from_env() -> Server {
        let kubeconfig = env::var("LABCHECK_LIVE_KUBECONFIG")
            .expect("`LABCHECK_LIVE_KUBECONFIG` has to name the kubeconfig of a cluster made for tests");
        let kubectl = env::var("LABCHECK_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
        Server { kubectl, kubeconfig }
    }

    /// Runs kubectl and returns what it printed to both streams.
    fn run(&self, arguments: &[&str], input: Option<&Json>) -> (String, String) {
        let mut child = Command::new(&self.kubectl)
            .args(["--kubeconfig", &self.kubeconfig])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.kubectl));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let text = input.map(Json::to_string).unwrap_or_default();
        let writer = thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("kubectl ends");
        let _ = writer.join();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (text(output.stdout), text(output.stderr))
    }

    /// Sends dry-run creations of the object, one for each label, and returns
    /// what the server said to each.
    fn ask(&self, labels: &[String]) -> String {
        let items: Vec<Json> = labels
            .iter()
            .map(|label| {
                let mut object = object();
                object["spec"]["template"]["metadata"]["annotations"] = json!({"cel": label});
                object
            })
            .collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        let arguments = ["create", "--dry-run=server", "-o", "name", "-f", "-"];
        self.run(&arguments, Some(&list)).1
    }

    fn clean(&self) {
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            self.run(&["delete", kind, "-l", "app=cel-conf", "--wait=true"], None);
        }
    }
}

/// Creates the policies of all batches. Expressions that the server refuses to
/// compile are taken out, with its complaint.
fn create(server: &Server, batches: &mut [Vec<(usize, &str)>]) -> BTreeMap<usize, Answer> {
    let list = |items: Vec<Json>| json!({"apiVersion": "v1", "kind": "List", "items": items});
    let mut refused = BTreeMap::new();
    let mut pending: Vec<usize> = (0..batches.len()).collect();
    while !pending.is_empty() {
        let policies = pending.iter().map(|n| policy(*n, &batches[*n])).collect();
        let arguments = ["create", "-o", "name", "-f", "-"];
        let (created, complaint) = server.run(&arguments, Some(&list(policies)));
        pending.retain(|n| !created.lines().any(|line| line.ends_with(&format!("/cel-conf-{n}"))));
        for n in &pending {
            let name = format!("\"cel-conf-{n}\" is invalid");
            let about = complaint
                .split("Error from server ")
                .find(|part| part.contains(&name))
                .unwrap_or_else(|| panic!("no policy {n}, and no reason: {complaint}"));
            let wrong = positions(about);
            let before = refused.len();
            // Validation 0 is the canary; then there are two for each.
            for (index, (number, expression)) in batches[*n].iter().enumerate() {
                let (value, error) = (wrong.get(&(2 * index + 1)), wrong.get(&(2 * index + 2)));
                assert!(
                    value.is_none() || error.is_some(),
                    "`{expression}` compiles, but does not print: {value:?}"
                );
                if let Some(message) = error {
                    refused.insert(*number, Answer::Error(message.clone()));
                }
            }
            assert!(refused.len() > before, "nothing to take out: {about}");
            batches[*n].retain(|(number, _)| !refused.contains_key(number));
        }
    }
    let bindings = (0..batches.len()).map(binding).collect();
    let (_, complaint) = server.run(&["create", "-f", "-"], Some(&list(bindings)));
    assert!(complaint.is_empty(), "no bindings: {complaint}");
    refused
}

/// The validations that a refusal of a policy names, with its first words.
fn positions(complaint: &str) -> BTreeMap<usize, String> {
    complaint
        .split("spec.validations[")
        .skip(1)
        .filter_map(|part| {
            let (position, rest) = part.split_once(']')?;
            let reason = rest
                .split_once("ERROR: ")
                .or_else(|| rest.split_once("Internal error: "))
                .map_or(rest, |(_, reason)| reason);
            let reason = reason.lines().next().unwrap_or_default();
            Some((position.parse().ok()?, reason.to_owned()))
        })
        .collect()
}

fn wait_until_enforced(server: &Server, batches: usize) {
    let started = Instant::now();
    let mut waiting: Vec<String> = (0..batches).map(canary).collect();
    while !waiting.is_empty() {
        assert!(started.elapsed() < PATIENCE, "not enforced: {waiting:?}");
        let said = server.ask(&waiting);
        waiting
            .retain(|canary| !said.lines().any(|line| line.ends_with(&format!("denied request: {canary}"))));
        thread::sleep(Duration::from_millis(200));
    }
}

/// What follows `<number>` in the answer to each request.
fn messages(said: &str) -> BTreeMap<usize, String> {
    said.lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once("denied request: <")?;
            let (number, message) = rest.split_once('>')?;
            Some((number.parse().ok()?, message.to_owned()))
        })
        .collect()
}

/// The evaluation errors in the answers, by the number in the selection.
fn errors(said: &str) -> BTreeMap<usize, String> {
    said.lines()
        .filter_map(|line| {
            let (before, error) = line.rsplit_once("resulted in error: ")?;
            let (_, label) = before.split_once("['cel'] == '")?.1.split_once(':')?;
            let number = label.split_once("-error'")?.0;
            Some((number.parse().ok()?, error.to_owned()))
        })
        .collect()
}

fn ask_all(server: &Server, expressions: &[String]) -> Vec<Answer> {
    server.clean();
    server.run(&["create", "namespace", NAMESPACE], None);
    let numbered: Vec<(usize, &str)> =
        expressions.iter().enumerate().map(|(number, expression)| (number, expression.as_str())).collect();
    let mut batches: Vec<Vec<(usize, &str)>> = numbered.chunks(BATCH).map(<[_]>::to_vec).collect();
    let mut answers = create(server, &mut batches);
    let accepted: Vec<(usize, usize)> = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, expressions)| expressions.iter().map(move |(n, _)| (batch, *n)))
        .collect();
    wait_until_enforced(server, batches.len());

    let labels: Vec<String> = accepted.iter().map(|(batch, n)| label(*batch, *n, "value")).collect();
    let mut failed = Vec::new();
    let mut values = messages(&server.ask(&labels));
    for (batch, number) in accepted {
        match values.remove(&number) {
            Some(value) if value != "no value" => {
                answers.insert(number, Answer::Value(value));
            }
            Some(_) => failed.push((batch, number)),
            None => panic!("no answer for `{}`", expressions[number]),
        }
    }
    let labels: Vec<String> = failed.iter().map(|(batch, n)| label(*batch, *n, "error")).collect();
    let mut said = errors(&server.ask(&labels));
    let mut unprintable = Vec::new();
    for (_, number) in failed {
        match said.remove(&number) {
            Some(error) => {
                answers.insert(number, Answer::Error(error));
            }
            None => unprintable.push(&expressions[number]),
        }
    }
    assert!(unprintable.is_empty(), "have a value that does not print: {unprintable:#?}");
    answers.into_values().collect()
}

#[test]
#[ignore = "needs a cluster: tests/live/cel/run"]
fn the_api_server_still_answers_as_recorded_and_as_we_do() {
    let server = Server::from_env();
    let expressions: Vec<String> = corpus().into_iter().map(|(_, e)| e).collect();
    let answers = ask_all(&server, &expressions);
    server.clean();
    server.run(&["delete", "namespace", NAMESPACE, "--wait=false"], None);
    assert_eq!(answers.len(), expressions.len());

    if env::var_os("LABCHECK_CEL_RECORD").is_some() {
        let (version, _) = server.run(&["version", "-o", "json"], None);
        let version: Json = serde_json::from_str(&version).expect("a version");
        let version = version["serverVersion"]["gitVersion"].as_str().expect("gitVersion");
        let recorded: Vec<_> = expressions.iter().cloned().zip(answers.iter().cloned()).collect();
        record(version, &recorded);
    }
    let recorded = recorded();
    let exceptions = exceptions();
    let mut wrong = Vec::new();
    for (expression, answer) in expressions.iter().zip(&answers) {
        match recorded.get(expression) {
            Some(recorded) if recorded.agrees(answer) => {}
            other => wrong.push(format!("`{expression}`: server {answer:?}, recorded {other:?}")),
        }
        let ours = ours(expression);
        if ours.agrees(answer) == exceptions.contains_key(expression) {
            wrong.push(format!("`{expression}`: server {answer:?}, ours {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} expressions, {} exceptions", expressions.len(), exceptions.len());
}
