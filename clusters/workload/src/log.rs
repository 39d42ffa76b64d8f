//! Structured logs: one JSON object per line on stdout.

use std::io::Write;
use std::sync::LazyLock;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

/// Name of this pod, as logs and answers carry it: `MS_POD`, else `HOSTNAME`
/// (set by Kubernetes and Docker), else the kernel's host name.
pub static POD: LazyLock<String> = LazyLock::new(|| {
    let from_env = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    from_env("MS_POD")
        .or_else(|| from_env("HOSTNAME"))
        .or_else(|| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
            Some(name.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown".to_owned())
});

/// How bad a logged event is.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Normal operation.
    Info,
    /// Something failed that is expected to come back.
    Warn,
    /// Something failed.
    Error,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: Level,
    msg: &'a str,
    pod: &'a str,
    #[serde(flatten)]
    fields: Value,
}

/// The present time as RFC 3339 in UTC with milliseconds.
pub fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// Writes one line. `fields` is a JSON object that is merged into the line.
///
/// A closed stdout is ignored: a server must not die because nobody reads its
/// logs any more.
pub fn write(level: Level, msg: &str, fields: Value) {
    let line = Line { time: now(), level, msg, pod: &POD, fields };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&text);
    }
}
