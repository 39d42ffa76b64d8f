//! The resolver: `docker compose config`, on the learner's own files.

use std::{process::Stdio, time::Duration};

use lab_spec::{Outcome, evidence::Reason};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{
    Program,
    files::{self, Files},
};
use crate::{get::unavailable, scrub::scrub_text};

/// Bytes of a resolved file.
const MAX_BYTES: u64 = 8 << 20;
/// Bytes of what compose says of a file it refuses.
const MAX_WORDS: u64 = 64 << 10;
/// Characters of it that are kept.
const KEPT: usize = 2_000;

/// The files as `{resolved, error, files, directory}`: a file that compose refuses is an
/// answer, one that it never finishes with is not.
pub(super) async fn file(
    program: &Program,
    files: &Files,
    project: Option<&str>,
    host: &str,
    timeout: Duration,
) -> Outcome {
    let mut command = program.command(host);
    for path in &files.paths {
        command.arg("-f").arg(path);
    }
    if let Some(project) = project {
        command.args(["-p", project]);
    }
    command.args(["config", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |reason, why: String| Outcome::Unavailable(unavailable(reason, why));
    // Compose itself takes all memory there is for a file of nested aliases.
    let documents = files.documents();
    if let Some(why) = files::oversized(&documents) {
        return failed(Reason::Truncated, why);
    }
    let cannot = |error: std::io::Error| {
        failed(Reason::Failed, format!("`{}` cannot be run: {error}", program.path.display()))
    };
    let run = async {
        let mut child = command.spawn()?;
        let (out, words) = (child.stdout.take(), child.stderr.take());
        let (out, words) = tokio::try_join!(read(out, MAX_BYTES), read(words, MAX_WORDS))?;
        Ok::<_, std::io::Error>((child.wait().await?, out, words))
    };
    let (status, out, words) = match tokio::time::timeout(timeout, run).await {
        Err(_) => {
            let seconds = timeout.as_secs();
            return failed(
                Reason::Timeout,
                format!("`docker compose config` did not end within {seconds} s"),
            );
        }
        Ok(Err(error)) => return cannot(error),
        Ok(Ok(finished)) => finished,
    };
    let words: String = scrub_text(String::from_utf8_lossy(&words).trim()).chars().take(KEPT).collect();
    if !status.success() {
        if status.code().is_none() {
            return failed(Reason::Failed, format!("`docker compose config` was ended by a signal: {words}"));
        }
        if let Some(why) = too_old(program, timeout).await {
            // What a newer one would say of the file is not known.
            return failed(Reason::Failed, format!("`docker compose config`: {words}; {why}"));
        }
        return Outcome::Present(json!({"resolved": null, "error": words, "files": documents}));
    }
    if out.len() as u64 > MAX_BYTES {
        return failed(Reason::Truncated, "the resolved compose file is larger than 8 MiB".to_owned());
    }
    match serde_json::from_slice::<Value>(&out) {
        Ok(resolved) => {
            // Resolved paths are absolute; this tells them from the project's own.
            let directory = files.directory.display().to_string();
            Outcome::Present(
                json!({"resolved": resolved, "error": null, "files": documents, "directory": directory}),
            )
        }
        Err(error) => {
            failed(Reason::Failed, format!("what `docker compose config` printed is no JSON: {error}"))
        }
    }
}

/// Why this Compose is too old to be believed; none if it is not.
async fn too_old(program: &Program, timeout: Duration) -> Option<String> {
    let mut command = program.command("");
    command.args(["version", "--short"]).stderr(Stdio::null());
    let output = tokio::time::timeout(timeout, command.output()).await.ok()?.ok()?;
    lab_spec::compose::too_old(&String::from_utf8_lossy(&output.stdout))
}

/// Reads up to one byte more than `most`, and takes in the rest unread, so
/// that the writer does not wait for ever.
async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(most + 1).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::compose::Options;

    #[tokio::test]
    async fn what_an_old_compose_refuses_is_not_known_to_be_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docker-compose");
        fs::write(dir.path().join("compose.yaml"), "services: {}\n").unwrap();
        let files = files::find(&Options { directory: dir.path().to_owned(), ..Options::default() }).unwrap();
        for (version, expected) in
            [("2.20.3", Err("no develop; this is Compose 2.20.3")), ("5.5.1", Ok("no develop"))]
        {
            let script =
                format!("[ \"$1\" = version ] && echo {version} && exit\necho 'no develop' >&2\nexit 1");
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            let program = Program { path: path.clone(), config: None };
            match (file(&program, &files, None, "", Duration::from_secs(20)).await, expected) {
                (Outcome::Unavailable(why), Err(expected)) => {
                    assert!(why.message.contains(expected), "{}", why.message);
                }
                (Outcome::Present(answer), Ok(expected)) => assert_eq!(answer["error"], expected),
                (other, _) => panic!("{version}: {other:?}"),
            }
        }
    }
}
