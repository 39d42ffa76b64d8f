//! The step `up`: the copy is made and started.

use std::{process::Stdio, time::Duration};

use lab_spec::experiment::compose::Up;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::{Instant, timeout_at},
};

use super::{
    Change, Place,
    events::Following,
    group::Group,
    project,
    watch::{self, Watch},
};
use crate::{
    halt::Halt,
    journal::Entry,
    run::{Run, Told},
};

/// Characters of what compose said last that are kept.
const KEPT: usize = 2_000;
/// What a refusal says that is the machine's, and no answer of the project.
const MACHINES: &[&str] =
    &["predefined address pools", "no space left on device", "toomanyrequests", "tls handshake timeout"];
/// How long the last events may be on their way.
const EVENTS: Duration = Duration::from_millis(300);

/// Makes the copy and starts it. The result is `{ok, code, said, tookMs,
/// services}`, and of a copy that is watched `watch: {ok, said}`; `services` has
/// for each `{startedMs, healthyMs, starts, deaths}`, on one clock. What compose answers, and time that runs out, are
/// answers of the system under test; a project of which no copy may be made is
/// not.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, up: &Up) -> Result<Told, Halt> {
    if up.watch
        && let Some(why) = run.unless_cancelled(project::too_old(&place.project)).await?
    {
        return Err(Halt::Unavailable(format!("`docker compose watch` is needed, and {why}")));
    }
    let resolved = run.unless_cancelled(project::resolve(place)).await??;
    let directory = place.directory();
    run.journal(Entry::Docker(Change::Copy { project: place.copy.clone(), directory }))?;
    let unread = project::make(place, resolved)?;
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
    let mut group = Group::start(run, place, &mut command)?;
    let stderr = group.child.stderr.take();
    let work = async {
        let said = tail(stderr).await;
        group.child.wait().await.map(|status| (status, said))
    };
    // `--wait-timeout` counts from when all are started; this bounds the whole.
    let finished = run.unless_cancelled(timeout_at(limit + Duration::from_secs(1), work)).await?;
    let (code, said) = match finished {
        Ok(Ok((status, said))) => (status.code().map_or(-1, i64::from), said),
        Ok(Err(error)) => return Err(cannot(error)),
        Err(_) => (-1, format!("it was not up within {}", up.within)),
    };
    // What it needs may lie where it could not be copied from.
    if code != 0
        && let Some(unread) = unread.first()
    {
        return Err(Halt::Unavailable(format!(
            "a copy of the project did not come up without what lies in `{}`, which you may not read: {said}",
            unread.display()
        )));
    }
    if code != 0 && MACHINES.iter().any(|words| said.to_lowercase().contains(words)) {
        return Err(Halt::Unavailable(format!("this machine could not start a copy of the project: {said}")));
    }
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
    let mut result = json!({"ok": ok, "code": code, "said": said, "tookMs": took, "services": services});
    if up.watch {
        let watch = match ok {
            true => watch::start(run, place).await?,
            false => Watch::Nothing("it did not come up".to_owned()),
        };
        let why = if let Watch::Nothing(why) = &watch { why.as_str() } else { "" };
        result["watch"] = json!({"ok": matches!(watch, Watch::Running(_)), "said": why});
        place.beside.0.lock().await.watch = watch;
    }
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
