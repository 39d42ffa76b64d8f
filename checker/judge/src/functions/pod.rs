//! Pods: alive, ready, settled.

use super::{Doc, items, meta::find_condition, number, text, wrong_types};
use crate::{
    cel::{Ctx, EvalError, Value},
    schema::SEEN,
    time,
};

pub(super) const DOCS: &[Doc] = &[
    Doc {
        name: "live",
        signature: "live(pods) -> list",
        says: "The pods that are meant to run: not being deleted, not finished.",
        trap: "A list by label also holds terminating pods and evicted ones, which answer no request and prove nothing.",
        call: live,
    },
    Doc {
        name: "ready",
        signature: "ready(pod) -> bool",
        says: "Whether the pod is Ready and not being deleted.",
        trap: "A terminating pod may still say Ready.",
        call: ready,
    },
    Doc {
        name: "settled",
        signature: "settled(pod) -> bool",
        says: "Whether the pod is ready and will not be another moment's news: past its first 3 seconds, and, if it restarted, up for 10 seconds and twice as long as its last run. A last run of ten minutes was no crash loop.",
        trap: "A container without a readiness probe is ready the instant it starts, also between two crashes.",
        call: settled,
    },
    Doc {
        name: "restarts",
        signature: "restarts(pod) -> int",
        says: "Restarts of all containers of the pod, sidecars included.",
        trap: "The counter belongs to the pod; a replaced pod starts again at 0.",
        call: restarts,
    },
];

/// Milliseconds a first start must have lasted.
const FIRST_MS: i64 = 3_000;
/// Milliseconds a restarted container must have lasted.
const AGAIN_MS: i64 = 10_000;
/// Past this, an earlier crash says nothing any more: kubelet's own measure.
const FORGOTTEN_MS: i64 = 600_000;

fn live(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::List(pods)] = arguments else { return Err(wrong_types("live", arguments)) };
    Ok(Value::list(pods.iter().filter(|pod| is_live(pod)).cloned().collect::<Vec<_>>()))
}

/// Whether the pod is meant to run.
pub(crate) fn is_live(pod: &Value) -> bool {
    !terminating(pod) && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
}

/// Whether the object is being deleted.
pub(crate) fn terminating(object: &Value) -> bool {
    object.at(&["metadata", "deletionTimestamp"]).is_some()
}

fn ready(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [pod] = arguments else { return Err(wrong_types("ready", arguments)) };
    Ok(is_ready(pod).into())
}

/// Whether the pod is Ready and stays.
pub(crate) fn is_ready(pod: &Value) -> bool {
    is_live(pod) && find_condition(pod, "Ready").is_some_and(|ready| text(ready, &["status"]) == "True")
}

fn settled(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [pod @ Value::Map(_)] = arguments else { return Err(wrong_types("settled", arguments)) };
    Ok((is_ready(pod) && unsettled(pod).is_none()).into())
}

/// Why a ready pod may still be news: in words, or `None` when it is settled.
pub(crate) fn unsettled(pod: &Value) -> Option<String> {
    let now = number(pod, &[SEEN]);
    statuses(pod).find_map(|status| {
        let started = time::ms(text(status, &["state", "running", "startedAt"]))?;
        let name = text(status, &["name"]);
        let up = now - started;
        if number(status, &["restartCount"]) == 0 || never_ran(status) {
            return (up < FIRST_MS).then(|| format!("container `{name}` has only just started"));
        }
        // The last run's record may be gone, or lack its start: then only the
        // shortest time a restart needs is known.
        let last = status.at(&["lastState", "terminated"]);
        let at = |field| last.and_then(|last| time::ms(text(last, &[field])));
        let run = at("finishedAt").zip(at("startedAt")).map_or(0, |(end, start)| end - start);
        // A run as long as that was ended by something else, as by a machine that slept.
        let needed =
            if run < FORGOTTEN_MS { run.saturating_mul(2).clamp(AGAIN_MS, FORGOTTEN_MS) } else { AGAIN_MS };
        (up < needed).then(|| {
            let ended = last.map(|last| format!("ended with exit code {} and ", number(last, &["exitCode"])));
            format!("container `{name}` {}has only just started again", ended.unwrap_or_default())
        })
    })
}

/// Whether the container's last run never began: it has not crashed, the node
/// could not start it.
pub(crate) fn never_ran(status: &Value) -> bool {
    status
        .at(&["lastState", "terminated"])
        .is_some_and(|last| matches!(text(last, &["reason"]), "StartError" | "ContainerCannotRun"))
}

fn restarts(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [pod] = arguments else { return Err(wrong_types("restarts", arguments)) };
    Ok(statuses(pod).map(|status| number(status, &["restartCount"])).sum::<i64>().into())
}

/// The statuses of containers and of sidecars (restartable init containers).
pub(crate) fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    let sidecar = |status: &&Value| {
        let name = text(status, &["name"]);
        items(pod, &["spec", "initContainers"])
            .iter()
            .any(|c| text(c, &["name"]) == name && text(c, &["restartPolicy"]) == "Always")
    };
    let sidecars = items(pod, &["status", "initContainerStatuses"]).iter().filter(sidecar);
    items(pod, &["status", "containerStatuses"]).iter().chain(sidecars)
}
