//! The prober's compact report, turned into columns.

use indexmap::IndexSet;
use lab_spec::sample::{Answer, Load};
use serde::Deserialize;
use serde_json::Value;

/// `[seq, lag_ms, status, error, latency_ms, pod, version, proven]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Line(u64, f64, Option<u16>, Option<Failed>, f64, Option<String>, Option<String>, bool);

/// How a request failed.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Failed {
    /// Out there, in a word.
    There(String),
    /// In the prober itself, so nothing was sent; what the system said.
    Here { local: String },
}

/// What the prober said so far.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// When it started, on its own wall clock, as written.
    pub(crate) start: Option<String>,
    lines: Vec<Line>,
    /// Requests it says it sent; known at its end.
    sent: Option<u64>,
}

impl Line {
    /// Milliseconds after the prober's start at which this request had ended.
    pub(crate) fn ended_ms(&self, rate: u32) -> f64 {
        self.0 as f64 * 1000.0 / f64::from(rate.max(1)) + self.4
    }
}

impl Columns {
    /// Reads one line of the report; gives the request, if it is one.
    pub(crate) fn read(&mut self, line: &str) -> Option<&Line> {
        if line.starts_with('[') {
            self.lines.push(serde_json::from_str(line).ok()?);
            return self.lines.last();
        }
        let value: Value = serde_json::from_str(line).ok()?;
        if let Some(start) = value["start"].as_str() {
            self.start = Some(start.to_owned());
        } else if let Some(sent) = value["sent"].as_u64() {
            self.sent = Some(sent);
        }
        None
    }

    /// Whether the prober has written its last line.
    pub(crate) fn is_over(&self) -> bool {
        self.sent.is_some()
    }

    /// Puts the requests into the columns of `load`, in the order they were
    /// sent.
    ///
    /// # Errors
    /// Requests are missing or doubled, or the prober could not send one.
    pub(crate) fn fill(mut self, load: &mut Load) -> Result<(), String> {
        self.lines.sort_by_key(|line| line.0);
        let reported = self.lines.len();
        let Some(sent) = self.sent else {
            return Err(format!("its report of {reported} requests has no end"));
        };
        if !self.lines.iter().map(|line| line.0).eq(0..sent) {
            return Err(format!("it reported {reported} of the {sent} requests it sent"));
        }
        for line in &self.lines {
            if let Some(Failed::Here { local }) = &line.3 {
                return Err(format!("it could not send request {}: {local}", line.0));
            }
        }
        let mut lags: Vec<f64> = self.lines.iter().map(|line| line.1).collect();
        lags.sort_by(f64::total_cmp);
        let rank = (lags.len() * 99).div_ceil(100).max(1) - 1;
        load.lag_p99_ms = lags.get(rank).copied().unwrap_or_default();
        load.lag_max_ms = lags.last().copied().unwrap_or_default();
        load.pause_max_ms = longest_pause(&self.lines, load.rate);
        let mut answers: IndexSet<Answer> = IndexSet::new();
        for Line(_, _, status, failed, latency, pod, version, proven) in self.lines {
            let error = failed.map(|failed| match failed {
                Failed::There(error) | Failed::Here { local: error } => error,
            });
            let (at, _) = answers.insert_full(Answer { status, error, pod, version, proven });
            load.answer.push(u32::try_from(at).unwrap_or(u32::MAX));
            load.latency.push((latency * 10.0).round() as u32);
        }
        load.answers = answers.into_iter().collect();
        Ok(())
    }
}

/// The longest time in which nothing was sent.
fn longest_pause(lines: &[Line], rate: u32) -> f64 {
    let sent = |line: &Line| line.0 as f64 * 1000.0 / f64::from(rate.max(1)) + line.1;
    let mut times: Vec<f64> = lines.iter().map(sent).collect();
    times.sort_by(f64::total_cmp);
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"start":"2026-11-21T09:00:00.000Z","url":"http://api/"}"#;
    const FIRST: &str = r#"[0,0.2,200,null,1.25,"api-1","v1",true]"#;
    const SECOND: &str = r#"[1,40.0,null,"refused",0.9,null,null,false]"#;
    const END: &str = r#"{"sent":2,"ok":1,"failed":1}"#;

    fn columns(lines: &[&str]) -> Result<Load, String> {
        let mut columns = Columns::default();
        for line in lines {
            columns.read(line);
        }
        let mut load = Load { rate: 500, ..Load::default() };
        columns.fill(&mut load).map(|()| load)
    }

    #[test]
    fn requests_stand_in_the_order_sent() {
        let load = columns(&[START, SECOND, FIRST, END]).unwrap();
        assert_eq!((&load.answer, &load.latency), (&vec![0, 1], &vec![13, 9]));
        assert_eq!(load.answers[0].pod.as_deref(), Some("api-1"));
        assert_eq!(load.answers[1].error.as_deref(), Some("refused"));
        assert!((load.lag_p99_ms - 40.0).abs() < f64::EPSILON);
        // At 500 a second: sent at 0.2 ms and, two milliseconds late by 40, at 42.
        assert!((load.pause_max_ms - 41.8).abs() < 0.01, "{}", load.pause_max_ms);
    }

    #[test]
    fn report_that_is_not_whole_is_none() {
        assert!(columns(&[START, FIRST]).unwrap_err().contains("no end"));
        assert!(columns(&[START, FIRST, END]).unwrap_err().contains("1 of the 2"));
        assert!(columns(&[START, FIRST, FIRST, END]).unwrap_err().contains("2 of the 2"));
    }

    #[test]
    fn prober_that_cannot_send_is_not_the_targets_failure() {
        let local = SECOND.replace("\"refused\"", r#"{"local":"Too many open files"}"#);
        let why = columns(&[START, FIRST, &local, END]).unwrap_err();
        assert!(why.contains("could not send request 1: Too many open files"), "{why}");
    }

    #[test]
    fn request_says_when_it_ended() {
        let mut columns = Columns::default();
        let ended = columns.read(SECOND).map(|line| line.ended_ms(500));
        assert_eq!(ended, Some(2.9));
        assert!(columns.read(START).is_none() && columns.start.is_some() && !columns.is_over());
    }
}
