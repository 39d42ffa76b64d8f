//! Programs in the copy's containers.

use std::time::Duration;

use bollard::{
    Docker,
    container::LogOutput,
    errors::Error,
    exec::StartExecResults,
    models::{ContainerCreateBody, ContainerInspectResponse, ExecConfig, HostConfig},
    query_parameters::{
        CreateContainerOptions, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
        WaitContainerOptions,
    },
};
use futures::StreamExt as _;
use lab_spec::experiment::compose::Exec;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    PROJECT, Place,
    act::{unavailable, words},
    containers,
};
use crate::{
    halt::Halt,
    probe::proof,
    run::{Run, Told},
};

/// How long a health check may take, whatever it says of itself.
const CHECK: Duration = Duration::from_secs(10);
/// Bytes of output that are kept.
const KEPT: usize = 64 << 10;
/// The code of what did not run, or did not end.
const NONE: i64 = -1;

/// What a program left behind.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) code: i64,
    pub(super) out: String,
    pub(super) err: String,
}

impl Output {
    fn none(why: impl Into<String>) -> Self {
        Self { code: NONE, out: String::new(), err: why.into() }
    }
}

/// Runs the program; the result is `{code, out, err, nonce, answer}`. `answer`
/// is the last line of its output that is a JSON object, and in it `proven`
/// says whether it proves to be computed for the nonce. A container that does
/// not run, or a program that does not end, is code -1.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, at: usize, exec: &Exec) -> Result<Told, Halt> {
    let nonce = format!("{}-{}", run.setting.nonce, at + 1);
    let argv: Vec<_> = exec.argv.iter().map(|word| word.replace("{nonce}", &nonce)).collect();
    let limit = run.limit(exec.within.into()).duration_since(tokio::time::Instant::now());
    let output = match containers::first(place, &exec.service).await? {
        None => Output::none(format!("`{}` has no container", exec.service)),
        Some(container) => {
            let id = container.id.unwrap_or_default();
            run.unless_cancelled(inside(&place.daemon.client, &id, argv, limit)).await??
        }
    };
    let answer = output.out.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut answer = answer.filter(Value::is_object).unwrap_or_else(|| json!({}));
    let proven = is_proven(&answer, &nonce);
    answer["proven"] = proven.into();
    let program = exec.argv.first().map(String::as_str).unwrap_or_default();
    let what = format!("ran `{program}` in `{}`: exit code {}", exec.service, output.code);
    let result =
        json!({"code": output.code, "out": output.out, "err": output.err, "nonce": nonce, "answer": answer});
    Ok(Told { what, result: Some(result) })
}

fn is_proven(answer: &Value, nonce: &str) -> bool {
    let text = |field: &str| answer[field].as_str().unwrap_or_default();
    text("nonce") == nonce && text("proof") == proof::of(nonce, text("class"), text("digest"))
}

/// Runs a program in a container, with an end.
async fn inside(client: &Docker, id: &str, argv: Vec<String>, limit: Duration) -> Result<Output, Halt> {
    match timeout(limit, attached(client, id, argv)).await {
        Err(_) => Ok(Output::none(format!("it did not end within {} s", limit.as_secs()))),
        Ok(Ok(output)) => Ok(output),
        // A stopped container, a program that is not there: its own answers.
        Ok(Err(Error::DockerResponseServerError { message, .. })) => Ok(Output::none(message.trim())),
        Ok(Err(error)) => {
            Err(Halt::Unavailable(format!("Docker could not run a program: {}", words(&error))))
        }
    }
}

async fn attached(client: &Docker, id: &str, argv: Vec<String>) -> Result<Output, Error> {
    let config = ExecConfig {
        cmd: Some(argv),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let exec = client.create_exec(id, config).await?;
    let StartExecResults::Attached { output: mut stream, .. } = client.start_exec(&exec.id, None).await?
    else {
        return Ok(Output::none("it was detached"));
    };
    let mut output = Output::default();
    while let Some(piece) = stream.next().await {
        keep(&mut output, piece?);
    }
    output.code = client.inspect_exec(&exec.id).await?.exit_code.unwrap_or(NONE);
    Ok(output)
}

fn keep(output: &mut Output, piece: LogOutput) {
    let to = if matches!(piece, LogOutput::StdErr { .. }) { &mut output.err } else { &mut output.out };
    if to.len() < KEPT {
        to.push_str(&String::from_utf8_lossy(&piece.into_bytes()));
    }
}

/// Runs a service's health check where the service runs, and once more in a
/// container of the same image and mounts where nothing runs and nothing can
/// be reached. The result is `{declared, argv, inside, alone}`, the latter two
/// as `{code, said}`. A check that looks at something succeeds inside and
/// fails alone.
pub(super) async fn healthcheck(run: &mut Run<'_, '_>, place: &Place, service: &str) -> Result<Told, Halt> {
    let client = &place.daemon.client;
    let found = containers::first(place, service).await?;
    let argv = found.as_ref().and_then(test);
    let (inside, alone) = match (&found, &argv) {
        (Some(container), Some(argv)) => {
            run.tell(&format!("trying the health check of `{service}`"));
            let id = container.id.clone().unwrap_or_default();
            let running = inside(client, &id, argv.clone(), CHECK);
            let running = run.unless_cancelled(running).await??;
            (running, run.unless_cancelled(alone(place, container, argv)).await??)
        }
        (None, _) => (Output::none("it has no container"), Output::none("it has no container")),
        (_, None) => (Output::none("it has no health check"), Output::none("it has no health check")),
    };
    let what = format!(
        "the health check of `{service}` gave {} where it runs and {} where nothing runs",
        inside.code, alone.code
    );
    let said = |output: &Output| json!({"code": output.code, "said": format!("{}{}", output.out, output.err).trim()});
    let result = json!({
        "declared": argv.is_some(), "argv": argv.unwrap_or_default(),
        "inside": said(&inside), "alone": said(&alone),
    });
    Ok(Told { what, result: Some(result) })
}

/// What the health check runs; `None` without one.
fn test(container: &ContainerInspectResponse) -> Option<Vec<String>> {
    let config = container.config.as_ref()?;
    let test = config.healthcheck.as_ref()?.test.as_ref()?;
    match test.split_first()? {
        (kind, argv) if kind == "CMD" && !argv.is_empty() => Some(argv.to_vec()),
        (kind, [command]) if kind == "CMD-SHELL" => {
            let shell = config.shell.clone().filter(|shell| !shell.is_empty());
            let mut argv = shell.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
            argv.push(command.clone());
            Some(argv)
        }
        _ => None,
    }
}

async fn alone(place: &Place, container: &ContainerInspectResponse, argv: &[String]) -> Result<Output, Halt> {
    let client = &place.daemon.client;
    let config = container.config.clone().unwrap_or_default();
    let labels = std::collections::HashMap::from([(PROJECT.to_owned(), place.copy.clone())]);
    let body = ContainerCreateBody {
        image: container.image.clone(),
        entrypoint: Some(argv.to_vec()),
        cmd: Some(Vec::new()),
        env: config.env,
        user: config.user,
        working_dir: config.working_dir,
        labels: Some(labels),
        network_disabled: Some(true),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            volumes_from: container.id.clone().map(|id| vec![format!("{id}:ro")]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    match once(client, body, CHECK).await {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Ok(Output::none(format!("it did not end within {} s", CHECK.as_secs()))),
        Err(Error::DockerResponseServerError { message, .. }) => Ok(Output::none(message.trim())),
        Err(error) => Err(unavailable("run a health check", &error)),
    }
}

/// Makes a container, runs it to its end and removes it; `None` if it did not
/// end in time. One that could not be removed goes with the copy, whose label
/// it must carry.
pub(super) async fn once(
    client: &Docker,
    body: ContainerCreateBody,
    limit: Duration,
) -> Result<Option<Output>, Error> {
    let made = client.create_container(None::<CreateContainerOptions>, body).await?.id;
    let output = timeout(limit, ran(client, &made)).await;
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    let _ = client.remove_container(&made, Some(options)).await;
    output.ok().transpose()
}

async fn ran(client: &Docker, id: &str) -> Result<Output, Error> {
    client.start_container(id, None::<StartContainerOptions>).await?;
    let code = match client.wait_container(id, None::<WaitContainerOptions>).next().await {
        Some(Ok(ended)) => ended.status_code,
        // A code other than 0 comes as an error.
        Some(Err(Error::DockerContainerWaitError { code, .. })) => code,
        Some(Err(error)) => return Err(error),
        None => NONE,
    };
    let mut output = Output { code, ..Output::default() };
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
    let mut stream = std::pin::pin!(client.logs(id, Some(options)));
    while let Some(piece) = stream.next().await {
        keep(&mut output, piece?);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerConfig, HealthConfig};

    use super::*;

    #[test]
    fn both_forms_of_a_check_are_read() {
        let container = |words: &[&str]| ContainerInspectResponse {
            config: Some(ContainerConfig {
                healthcheck: Some(HealthConfig {
                    test: Some(words.iter().map(ToString::to_string).collect()),
                    ..HealthConfig::default()
                }),
                ..ContainerConfig::default()
            }),
            ..ContainerInspectResponse::default()
        };
        assert_eq!(test(&container(&["CMD", "redis-cli", "ping"])).unwrap(), ["redis-cli", "ping"]);
        assert_eq!(
            test(&container(&["CMD-SHELL", "redis-cli ping"])).unwrap(),
            ["/bin/sh", "-c", "redis-cli ping"]
        );
        assert_eq!(test(&container(&["NONE"])), None);
        assert_eq!(test(&container(&[])), None);
    }

    #[test]
    fn only_an_answer_to_this_nonce_is_proven() {
        let answer = json!({"class": "setosa", "digest": "sha256:00", "nonce": "n", "proof": proof::of("n", "setosa", "sha256:00")});
        assert!(is_proven(&answer, "n"));
        assert!(!is_proven(&answer, "m"));
        assert!(!is_proven(&json!({}), "n"));
    }
}
