//! What is being done and for how long, on stderr: a moving line on a
//! terminal, plain lines elsewhere.

use std::{
    env,
    io::{IsTerminal as _, stderr},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a plain line says that work goes on.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often the moving line is drawn again.
const TICK: Duration = Duration::from_millis(120);

/// Whether and how progress is shown.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    moving: bool,
}

impl Progress {
    /// A moving line if stderr is a terminal that can draw one and the user
    /// did not say `--no-progress`.
    pub fn new(no_progress: bool) -> Self {
        let dumb = env::var("TERM").is_ok_and(|term| term == "dumb");
        Self { moving: !no_progress && !dumb && stderr().is_terminal() }
    }

    /// Begins a piece of work that may take more than a second.
    pub fn step(self, title: &str) -> Step {
        let bar = if self.moving {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style);
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(TICK);
            Some(bar)
        } else {
            anstream::eprintln!("{title}");
            None
        };
        let now = Instant::now();
        Step { title: title.to_owned(), begun: now, bar, told: Mutex::new(now) }
    }

    /// Says a line of its own.
    pub fn say(self, line: &str) {
        anstream::eprintln!("{line}");
    }
}

/// A piece of work under way; its line disappears when the value is dropped.
#[derive(Debug)]
pub struct Step {
    title: String,
    begun: Instant,
    bar: Option<ProgressBar>,
    told: Mutex<Instant>,
}

impl Step {
    /// What the work is at just now.
    pub fn note(&self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(note.to_owned());
        } else if let Ok(mut told) = self.told.lock()
            && told.elapsed() >= PLAIN_EVERY
        {
            *told = Instant::now();
            anstream::eprintln!("{}: {note}, {} s", self.title, self.begun.elapsed().as_secs());
        }
    }

    /// Ends the work with what came of it.
    pub fn done(self, result: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        anstream::eprintln!("{}: {result}, {}", self.title, seconds(self.begun.elapsed()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} s", time.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::seconds;

    #[test]
    fn short_times_have_a_decimal() {
        assert_eq!(seconds(Duration::from_millis(1240)), "1.2 s");
        assert_eq!(seconds(Duration::from_millis(61_240)), "61 s");
    }
}
