//! The step `wait`.

use std::time::Duration;

use lab_spec::experiment::Wait;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Place, read};
use crate::halt::Halt;
use crate::run::{Run, Told};

/// How long a Deployment must stay rolled out. Its status follows its pods by
/// two controllers' work: right after a pod was deleted it still says that all
/// are there.
const HOLD: Duration = Duration::from_millis(500);

/// Watches until the Deployment is rolled out, or until its controller says
/// that the rollout is stalled. The result is `{ok, at_ms, took_ms, note?}`;
/// `took_ms` does not count the half second that a rollout must stay complete.
/// Time that runs out is a result, not a failure.
pub(crate) async fn step(run: &mut Run<'_, '_>, place: &Place, wait: &Wait) -> Result<Told, Halt> {
    let name = wait.deployment.as_str();
    let goal = if wait.stalled { "stalled" } else { "rolled out" };
    let (began, at_ms) = (Instant::now(), (run.setting.clock)());
    let limit = run.limit(wait.within.into());
    run.tell(&format!("waiting for deployment/{name} to be {goal}, at most {}", wait.within));
    let (state, at) = run.unless_cancelled(settle(place, name, wait.stalled, limit)).await??;
    let took = u64::try_from(at.duration_since(began).as_millis()).unwrap_or(u64::MAX);
    let (what, note) = match state {
        State::Reached => (format!("deployment/{name} was {goal} after {took} ms"), None),
        State::Missing => {
            let note = format!("deployment `{name}` does not exist");
            (note.clone(), Some(note))
        }
        State::Rolling(status) => {
            let note = format!("deployment `{name}` was not {goal} within {took} ms: {status}");
            run.slow = Some(note.clone());
            (note.clone(), Some(note))
        }
    };
    let mut result = json!({"ok": note.is_none(), "at_ms": at_ms, "took_ms": took});
    if let Some(note) = note {
        result["note"] = json!(note);
    }
    Ok(Told { what, result: Some(result) })
}

enum State {
    Reached,
    Missing,
    Rolling(String),
}

/// The state that was reached, and when.
async fn settle(place: &Place, name: &str, stalled: bool, limit: Instant) -> Result<(State, Instant), Halt> {
    let api = read::deployments(&place.cluster.client, &place.namespace);
    let reached = |object: &Value| if stalled { is_stalled(object) } else { (place.rolled_out)(object) };
    loop {
        let mut last = String::new();
        let seen = read::watch(&api, name, limit, |object| match object {
            None => Some(State::Missing),
            Some(object) if reached(object) => Some(State::Reached),
            Some(object) => {
                last = status(object);
                None
            }
        });
        let at = match seen.await? {
            Some(State::Reached) => Instant::now(),
            Some(other) => return Ok((other, Instant::now())),
            None => return Ok((State::Rolling(last), Instant::now())),
        };
        if stalled {
            return Ok((State::Reached, at));
        }
        sleep(HOLD).await;
        match read::get(&api, name).await? {
            Some(object) if reached(&object) => return Ok((State::Reached, at)),
            Some(_) => {}
            None => return Ok((State::Missing, Instant::now())),
        }
    }
}

/// Whether the controller has given the newest rollout up: it says so once
/// `progressDeadlineSeconds` passed without a new available pod.
fn is_stalled(deployment: &Value) -> bool {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let conditions = deployment.pointer("/status/conditions").and_then(Value::as_array);
    number("/status/observedGeneration") >= number("/metadata/generation")
        && (conditions.into_iter().flatten()).any(|condition| {
            condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded"
        })
}

/// The numbers a rollout is judged by; a number that is not there is 0.
fn status(object: &Value) -> String {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    format!(
        "{} of {} replicas updated, {} available, {} in all",
        number("/status/updatedReplicas"),
        number("/spec/replicas"),
        number("/status/availableReplicas"),
        number("/status/replicas"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_rollout_is_stalled() {
        let mut object = json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}});
        assert!(is_stalled(&object));
        object["metadata"]["generation"] = json!(3);
        assert!(!is_stalled(&object));
    }

    #[test]
    fn status_reads_missing_numbers_as_zero() {
        let object = json!({"spec": {"replicas": 3}, "status": {"replicas": 3, "updatedReplicas": 2}});
        assert_eq!(status(&object), "2 of 3 replicas updated, 0 available, 3 in all");
    }
}
