//! The step `up`: the copy is made and started.

use std::{process::Stdio, time::Duration};

use lab_spec::experiment::compose::Up;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    time::{Instant, timeout, timeout_at},
};

use super::{Change, Place, events::Following, project};
use crate::{
    halt::Halt,
    journal::Entry,
    run::{Run, Told},
};

/// How long `docker compose watch` may take until it watches.
const WATCHES: Duration = Duration::from_secs(30);
/// Characters of what compose said last that are kept.
const KEPT: usize = 2_000;
/// How long the last events may be on their way.
const EVENTS: Duration = Duration::from_millis(300);

/// Makes the copy and starts it. The result is `{ok, code, said, tookMs,
/// services}`; `services` has for each `{startedMs, healthyMs, starts,
/// deaths}`, on one clock. What compose answers, and time that runs out, are
/// answers of the system under test; a project of which no copy may be made is
/// not.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, up: &Up) -> Result<Told, Halt> {
    let resolved = run.unless_cancelled(project::resolve(place)).await??;
    let directory = place.directory();
    run.journal(Entry::Docker(Change::Copy { project: place.copy.clone(), directory }))?;
    project::make(place, resolved)?;
    run.tell(&format!("starting a copy of the project as `{}`", place.copy));
    let following = Following::begin(&place.daemon.client, &place.copy);
    let began = Instant::now();
    let limit = run.limit(up.within.into());
    let mut command = project::command(place);
    command.args(["up", "--detach", "--wait", "--wait-timeout"]);
    command.arg(limit.duration_since(began).as_secs().max(1).to_string());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let cannot =
        |error: std::io::Error| Halt::Unavailable(format!("`docker compose` cannot be run: {error}"));
    let mut child = command.spawn().map_err(cannot)?;
    let stderr = child.stderr.take();
    let work = async {
        let said = tail(stderr).await;
        child.wait().await.map(|status| (status, said))
    };
    // `--wait-timeout` counts from when all are started; this bounds the whole.
    let finished = run.unless_cancelled(timeout_at(limit + Duration::from_secs(1), work)).await?;
    let (code, said) = match finished {
        Ok(Ok((status, said))) => (status.code().map_or(-1, i64::from), said),
        Ok(Err(error)) => return Err(cannot(error)),
        Err(_) => (-1, format!("it was not up within {}", up.within)),
    };
    let took = began.elapsed().as_millis() as u64;
    tokio::time::sleep(EVENTS).await;
    let services = following.times().map_err(Halt::Unavailable)?;
    let ok = code == 0;
    let what = match ok {
        true => format!("the copy was up after {took} ms"),
        false => format!("the copy did not come up: exit code {code}: {said}"),
    };
    if !ok {
        run.slow = Some(format!("the copy did not come up within {}", up.within));
    }
    place.beside.0.lock().await.events = Some(following);
    if ok && up.watch {
        watch(run, place).await?;
    }
    let result = json!({"ok": ok, "code": code, "said": said, "tookMs": took, "services": services});
    Ok(Told { what, result: Some(result) })
}

/// The last of what is read, as text.
async fn tail(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let over = kept.len().saturating_sub(4 * KEPT);
        kept.drain(..over);
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(10);
    let text = lines[from..].join("\n");
    let over = text.chars().count().saturating_sub(KEPT);
    text.chars().skip(over).collect()
}

/// Starts `docker compose watch` and waits until it watches.
async fn watch(run: &mut Run<'_, '_>, place: &Place) -> Result<(), Halt> {
    let mut command = project::command(place);
    command.args(["watch", "--no-up"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cannot =
        |error: std::io::Error| Halt::Unavailable(format!("`docker compose watch` cannot be run: {error}"));
    let mut child = command.spawn().map_err(cannot)?;
    let pid = child.id().unwrap_or_default();
    run.journal(Entry::Docker(Change::Watch { project: place.copy.clone(), pid }))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    place.beside.0.lock().await.watch = Some(child);
    let (told, mut watches) = tokio::sync::mpsc::channel(64);
    tokio::spawn(lines(stdout, told.clone()));
    tokio::spawn(lines(stderr, told));
    let mut last = String::new();
    let ready = async {
        while let Some(line) = watches.recv().await {
            if line.to_lowercase().contains("watch enabled") {
                return true;
            }
            last = line;
        }
        false
    };
    let ready = run.unless_cancelled(timeout(WATCHES, ready)).await?;
    // It goes on talking, and must never wait for a reader.
    tokio::spawn(async move { while watches.recv().await.is_some() {} });
    match ready {
        Ok(true) => Ok(()),
        Ok(false) => Err(Halt::Stopped(format!("`docker compose watch` ended: {last}"))),
        Err(_) => Err(Halt::Unavailable(format!(
            "`docker compose watch` did not begin within {} s",
            WATCHES.as_secs()
        ))),
    }
}

async fn lines(from: Option<impl AsyncRead + Unpin>, to: tokio::sync::mpsc::Sender<String>) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if to.send(line).await.is_err() {
            return;
        }
    }
}
