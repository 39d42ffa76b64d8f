//! `docker compose watch`, running beside the steps on the copy.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lab_spec::experiment::compose::Quiet;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    time::{Instant, sleep},
};

use super::{Place, group::Group, project};
use crate::{
    halt::Halt,
    run::{Run, Told},
};

/// How long it may take until it watches.
const BEGINS: Duration = Duration::from_secs(30);
/// Between two looks at what it said.
const TICK: Duration = Duration::from_millis(50);
/// Lines it said that are kept, and characters of each.
const LINES: usize = 8;
const WIDTH: usize = 300;
/// What it says of a project that cannot be watched. Whatever else ends it, a
/// limit of the machine or an old version, is not the learner's doing.
const UNWATCHABLE: &[&str] = &[
    "configured for watch",
    "without a build context",
    "have a build section",
    "without a command",
    "must define a path",
    "cannot watch root directory",
    "is incompatible with watch action",
];

/// Whether the copy is watched.
#[derive(Default)]
pub(super) enum Watch {
    /// Nobody asked for it.
    #[default]
    Unasked,
    /// It was asked for, and there is nothing to watch; why.
    Nothing(String),
    /// It runs.
    Running(Watching),
}

/// The process, and what it says.
pub(super) struct Watching {
    group: Group,
    said: Arc<Mutex<Said>>,
}

/// What was said since the last edit.
struct Said {
    lines: Vec<String>,
    last: Instant,
    enabled: bool,
    /// A build was announced and has not ended; it may be silent for long.
    building: bool,
}

impl Said {
    fn new() -> Self {
        Self { lines: Vec::new(), last: Instant::now(), enabled: false, building: false }
    }

    fn take(&mut self, line: &str) {
        self.last = Instant::now();
        let low = line.to_lowercase();
        self.enabled |= low.contains("watch enabled");
        if low.contains("rebuilding service") {
            self.building = true;
        } else if low.contains("successfully built") || low.contains("build failed") {
            self.building = false;
        }
        let line: String = line.trim().chars().take(WIDTH).collect();
        if !line.is_empty() {
            if self.lines.len() == LINES {
                self.lines.remove(0);
            }
            self.lines.push(line);
        }
    }

    fn words(&self) -> String {
        self.lines.join("\n")
    }
}

/// Starts it on the copy, which is up, and waits until it watches.
pub(super) async fn start(run: &mut Run<'_, '_>, place: &Place) -> Result<Watch, Halt> {
    let mut command = project::command(place);
    command.args(["watch", "--no-up"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(run, place, &mut command)?;
    let said = Arc::new(Mutex::new(Said::new()));
    tokio::spawn(follow(group.child.stdout.take(), Arc::clone(&said)));
    tokio::spawn(follow(group.child.stderr.take(), Arc::clone(&said)));
    let mut watching = Watching { group, said };
    run.tell("waiting for `docker compose watch`");
    let limit = Instant::now() + BEGINS;
    loop {
        if watching.said().enabled {
            return Ok(Watch::Running(watching));
        }
        if watching.ended() {
            // Its last words may still be on their way.
            run.unless_cancelled(sleep(4 * TICK)).await?;
            let words = watching.words();
            let known = UNWATCHABLE.iter().any(|known| words.to_lowercase().contains(known));
            return if known {
                Ok(Watch::Nothing(words))
            } else {
                Err(Halt::Unavailable(format!("`docker compose watch` ended at once: {words}")))
            };
        }
        if Instant::now() >= limit {
            let seconds = BEGINS.as_secs();
            return Err(Halt::Unavailable(format!(
                "`docker compose watch` did not begin within {seconds} s: {}",
                watching.words()
            )));
        }
        run.unless_cancelled(sleep(TICK)).await?;
    }
}

async fn follow(from: Option<impl AsyncRead + Unpin>, said: Arc<Mutex<Said>>) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).split(b'\n');
    // Read to the end: it must never wait for a reader.
    while let Ok(Some(line)) = lines.next_segment().await {
        said.lock().unwrap_or_else(PoisonError::into_inner).take(&String::from_utf8_lossy(&line));
    }
}

impl Watching {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it said since the last edit.
    fn words(&self) -> String {
        self.said().words()
    }

    fn ended(&mut self) -> bool {
        !matches!(self.group.child.try_wait(), Ok(None))
    }

    /// Ends it and what it started.
    pub(super) async fn end(self) {
        // It may have ended by itself.
        let _ = self.group.end().await;
    }
}

impl Watch {
    /// Whether it still does what a step needs; a project that cannot be
    /// watched is the learner's, a watch that ended by itself is not.
    pub(super) fn check(&mut self) -> Result<(), Halt> {
        match self {
            Self::Unasked => Ok(()),
            Self::Nothing(why) => Err(Halt::Stopped(format!("nothing watches the copy: {why}"))),
            Self::Running(watching) => match watching.ended() {
                false => Ok(()),
                true => Err(Halt::Unavailable(format!(
                    "`docker compose watch` ended before the experiment did: {}",
                    watching.words()
                ))),
            },
        }
    }

    /// What is said from now on is about another edit.
    pub(super) fn begin(&mut self) {
        if let Self::Running(watching) = self {
            let mut said = watching.said();
            said.lines.clear();
            said.last = Instant::now();
        }
    }
}

/// Waits for silence; the result is `{ok, tookMs, said}`. Watch works through
/// edits one after the other and says what it does at once, so that after
/// silence it is done.
pub(super) async fn quiet(run: &mut Run<'_, '_>, place: &Place, quiet: &Quiet) -> Result<Told, Halt> {
    let lasting = Duration::from(quiet.lasting);
    let (began, limit) = (Instant::now(), run.limit(quiet.within.into()));
    run.tell("waiting until `docker compose watch` has done its work");
    let (ok, said) = loop {
        let (last, building, said) = {
            let mut beside = place.beside.0.lock().await;
            beside.watch.check()?;
            let Watch::Running(watching) = &beside.watch else {
                return Err(Halt::Unavailable("nothing watches the copy; `up` was not told to".to_owned()));
            };
            let said = watching.said();
            (said.last, said.building, said.words())
        };
        let ok = !building && last.elapsed() >= lasting;
        if ok || Instant::now() >= limit {
            break (ok, said);
        }
        run.unless_cancelled(sleep(TICK)).await?;
    };
    let took = began.elapsed().as_millis() as u64;
    let what = match (ok, said.is_empty()) {
        (true, true) => "`docker compose watch` did nothing".to_owned(),
        (true, false) => format!("`docker compose watch` was done after {took} ms"),
        (false, _) => format!("`docker compose watch` was not done within {}", quiet.within),
    };
    if !ok {
        run.slow = Some(what.clone());
    }
    Ok(Told { what, result: Some(json!({"ok": ok, "tookMs": took, "said": said})) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_kept() {
        let mut said = Said::new();
        said.take("  \u{29bf} Watch enabled\r");
        assert!(said.enabled);
        for number in 0..20 {
            said.take(&format!("{number}"));
        }
        said.take("");
        assert_eq!(said.lines, ["12", "13", "14", "15", "16", "17", "18", "19"]);
        said.take(&"x".repeat(1_000));
        assert_eq!(said.lines.last().map(String::len), Some(WIDTH));
    }

    #[test]
    fn a_build_lasts_from_its_announcement_to_its_end() {
        let mut said = Said::new();
        for (line, building) in [
            ("Syncing service \"api\" after 1 changes were detected", false),
            ("Rebuilding service(s) [\"api\"] after changes were detected...", true),
            ("#7 [2/3] COPY deps/ /app/deps/", true),
            ("service(s) [\"api\"] successfully built", false),
            ("Rebuilding service(s) [\"api\"] after changes were detected...", true),
            ("Build failed. Error: exit status 1", false),
        ] {
            said.take(line);
            assert_eq!(said.building, building, "{line}");
        }
    }
}
