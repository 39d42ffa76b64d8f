//! `labcheck doctor`: what this machine has and lacks, each with the fix.

mod host;
mod tools;

use clap::ValueEnum;
use serde::Serialize;

use crate::{docker::Docker, failure::Failure, kind::kubeconfig, state};

/// Arguments of `labcheck doctor`.
#[derive(clap::Args)]
pub struct Args {
    /// Format of the output
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// As it should be.
    Ok,
    /// Lab 01 cannot run before this is fixed.
    Fix,
    /// Good to know: lab 01 runs, something later or faster does not.
    Note,
}

impl Word {
    const fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fix => "fix",
            Self::Note => "note",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    result: Word,
    what: &'static str,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { result: Word::Ok, what, found: found.into(), fix: None }
    }

    fn fix(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { result: Word::Fix, what, found: found.into(), fix: Some(fix.into()) }
    }

    fn note(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { result: Word::Note, what, found: found.into(), fix: Some(fix.into()) }
    }
}

/// What `-o json` prints.
#[derive(Serialize)]
struct Diagnosis {
    format: u32,
    /// Whether lab 01 can run.
    ready: bool,
    checks: Vec<Finding>,
}

/// Looks at the machine; exit 0 if lab 01 can run, 1 if not.
///
/// # Errors
/// None of its findings; only what keeps it from looking at all.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let checks = super::block_on(look())?;
    let ready = checks.iter().all(|finding| finding.result != Word::Fix);
    match args.output {
        Format::Text => print(&checks, ready),
        Format::Json => {
            let diagnosis = Diagnosis { format: 1, ready, checks };
            let text = serde_json::to_string_pretty(&diagnosis)
                .map_err(|error| Failure::unobservable(format!("cannot print as JSON: {error}")))?;
            anstream::println!("{text}");
        }
    }
    Ok(u8::from(!ready))
}

async fn look() -> Result<Vec<Finding>, Failure> {
    let docker = Docker::connect().await;
    let info = match &docker {
        Ok(docker) => docker.client.info().await.ok(),
        Err(_) => None,
    };
    let mut checks = vec![tools::docker(&docker)];
    checks.extend(tools::docker_command());
    checks.push(tools::kind(docker.as_ref().ok()).await);
    checks.push(tools::kubectl().await);
    checks.push(tools::compose().await);
    checks.extend(host::machine(info.as_ref()));
    checks.push(context());
    checks.extend(remembered());
    Ok(checks)
}

/// The kubeconfig and its current context.
fn context() -> Finding {
    const WHAT: &str = "kubeconfig";
    let looked = kubeconfig::files(None).and_then(|files| {
        let current = kubeconfig::current_context(&files)?;
        Ok((files, current))
    });
    match looked {
        Ok((files, current)) => {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            let current = current.map_or_else(
                || "no current context".to_owned(),
                |context| format!("current context `{context}`"),
            );
            Finding::ok(WHAT, format!("{}, {current}", files.join(":")))
        }
        Err(failure) => Finding::fix(WHAT, failure.message(), failure.next_step().unwrap_or_default()),
    }
}

/// The state directory and what lies in it.
fn remembered() -> Vec<Finding> {
    const WHAT: &str = "state";
    let failed = |failure: &Failure| {
        vec![Finding::fix(WHAT, failure.message(), failure.next_step().unwrap_or_default())]
    };
    let state = match state::State::open() {
        Ok(state) => state,
        Err(failure) => return failed(&failure),
    };
    let clusters = match state.clusters() {
        Ok(clusters) => clusters,
        Err(failure) => return failed(&failure),
    };
    let names: Vec<_> = clusters.iter().map(|cluster| format!("`{}`", cluster.identity.name)).collect();
    let names = if names.is_empty() { "no cluster yet".to_owned() } else { names.join(", ") };
    let mut findings = vec![Finding::ok(WHAT, format!("{}, {names}", state.dir().display()))];
    let pending = std::fs::read_dir(state.journal_dir()).map_or(0, Iterator::count);
    if pending > 0 {
        findings.push(Finding::note(
            "journals",
            format!("{pending} in `{}`: an experiment was cut off", state.journal_dir().display()),
            "grade that lab again: labcheck first undoes what is left",
        ));
    }
    findings
}

fn print(checks: &[Finding], ready: bool) {
    for finding in checks {
        anstream::println!("{:<4}  {:<10}  {}", finding.result.text(), finding.what, finding.found);
        if let Some(fix) = &finding.fix {
            anstream::println!("      {:<10}  next: {fix}", "");
        }
    }
    if ready {
        anstream::println!("lab 01 can run: `labcheck up`, then `labcheck start lab01`");
    } else {
        anstream::println!("lab 01 cannot run until every `fix` is done");
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnosis, Finding};

    #[test]
    fn json_has_a_format_and_a_word_for_each_check() {
        let checks = vec![Finding::ok("a", "b"), Finding::fix("c", "d", "e")];
        let json = serde_json::to_value(Diagnosis { format: 1, ready: false, checks }).unwrap();
        let expected = serde_json::json!({"format": 1, "ready": false, "checks": [
            {"result": "ok", "what": "a", "found": "b"},
            {"result": "fix", "what": "c", "found": "d", "fix": "e"},
        ]});
        assert_eq!(json, expected);
    }
}
