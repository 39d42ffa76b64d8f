//! Runs other programs (kind, cargo, the offline build) and follows what they
//! say.

use std::{collections::VecDeque, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Command,
};

use crate::{failure::Failure, progress::Step};

/// Lines of a failed program that are shown.
const TAIL: usize = 20;

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    /// Whether it exited with 0.
    pub success: bool,
    /// Its exit status in words.
    pub status: String,
    /// Standard output.
    pub out: String,
    /// The last lines of standard error.
    pub tail: String,
}

/// Runs a program to its end; each line of its standard error becomes the
/// step's note.
///
/// # Errors
/// A program that cannot be started.
pub async fn run(command: &mut Command, step: Option<&Step>) -> Result<Finished, Failure> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let cannot = |error: std::io::Error| Failure::unobservable(format!("cannot run `{name}`: {error}"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let read_out = async {
        let mut out = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut out).await?;
        }
        std::io::Result::Ok(String::from_utf8_lossy(&out).into_owned())
    };
    let read_err = async {
        let mut tail = VecDeque::new();
        if let Some(stderr) = stderr {
            let mut lines = BufReader::new(stderr).split(b'\n');
            while let Some(line) = lines.next_segment().await? {
                let line = plain(&String::from_utf8_lossy(&line));
                if line.is_empty() {
                    continue;
                }
                if let Some(step) = step {
                    step.note(&line);
                }
                if tail.len() == TAIL {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
        }
        std::io::Result::Ok(tail)
    };
    let (out, tail) = tokio::join!(read_out, read_err);
    let status = child.wait().await.map_err(cannot)?;
    let tail = tail.map_err(cannot)?;
    Ok(Finished {
        success: status.success(),
        status: status.code().map_or_else(|| status.to_string(), |code| format!("exit {code}")),
        out: out.map_err(cannot)?,
        tail: tail.into_iter().collect::<Vec<_>>().join("\n"),
    })
}

/// A line without control characters, pictures and the dots of an animation.
fn plain(line: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || c.is_ascii_punctuation() || *c == ' ';
    let line: String = line.chars().filter(kept).collect();
    line.trim().trim_end_matches("...").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Command, plain, run};

    #[test]
    fn decoration_is_dropped() {
        assert_eq!(plain(" ✓ Preparing nodes 📦 📦  \r"), "Preparing nodes");
        assert_eq!(plain(" • Starting control-plane 🕹️  ..."), "Starting control-plane");
        assert_eq!(plain("   Compiling ms v0.1.0"), "Compiling ms v0.1.0");
        assert_eq!(plain("\u{1b}"), "");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_end_of_a_program_is_told() {
        let script = "echo out; for i in $(seq 30); do echo line $i >&2; done; exit 3";
        let finished = run(Command::new("sh").args(["-c", script]), None).await.unwrap();
        assert!(!finished.success);
        assert_eq!((finished.status.as_str(), finished.out.as_str()), ("exit 3", "out\n"));
        assert!(
            finished.tail.starts_with("line 11\n") && finished.tail.ends_with("line 30"),
            "{}",
            finished.tail
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program"), None).await.unwrap_err();
        assert!(error.to_string().contains("cannot run `no-such-program`"), "{error}");
    }
}
