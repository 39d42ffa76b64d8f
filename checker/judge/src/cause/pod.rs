//! Why a pod is not ready.

use lab_spec::{Outcome, Request};

use super::{Diagnosis, State, link, warning, worst};
use crate::{
    cel::Value,
    functions::{
        items,
        meta::find_condition,
        number,
        pod::{is_ready, never_ran, statuses, terminating, unsettled},
        text,
        workload::reference,
    },
    schema::SEEN,
    time,
    view::View,
};

/// Reasons kubelet gives for waiting that no waiting mends.
const STUCK: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
    "PreStartHookError",
    "PostStartHookError",
];

/// Of these, what a busy node or a pull that is under way elsewhere may be to
/// blame for (a new pod must pull what kubelet is told to pull, even if the
/// node has it: KEP-2535). kubelet tries again, and says `CrashLoopBackOff` or
/// `ImagePullBackOff` once it has seen the same before. A container that could
/// not be started has one more turn, though its first back-off is called a
/// crash loop as well.
const RETRIED: &[&str] = &["RunContainerError", "CreateContainerError", "ErrImagePull"];

/// Milliseconds a deletion may be late before something must be holding it.
const OVERDUE_MS: i64 = 10_000;

/// Seconds any container has to become ready, however hasty its probes are.
const LEAST_S: i64 = 30;
/// A readiness probe never gives up, and on a busy machine its answers are
/// late: only past so many times its budget nothing is at work any more.
const BUDGETS: i64 = 2;

/// What kubelet writes in place of a log that is gone.
const NO_LOG: &str = "unable to retrieve container logs";

/// Lines of log a chain ends with.
const TAILS: &[(u32, bool)] = &[(5, true), (5, false)];

/// Why the pod is not ready, or not settled; `None` if it is both.
pub(super) fn diagnose(view: &View<'_>, pod: &Value) -> Option<Diagnosis> {
    let object = reference(pod);
    if terminating(pod) {
        // The timestamp is when its grace ends; past that, something holds it.
        let due = time::ms(text(pod, &["metadata", "deletionTimestamp"])).unwrap_or(i64::MAX);
        let held = number(pod, &[SEEN]) > due.saturating_add(OVERDUE_MS);
        let (state, says) = if held {
            let holders: Vec<_> =
                items(pod, &["metadata", "finalizers"]).iter().map(ToString::to_string).collect();
            (State::Steady, format!("it should be gone by now; finalizers: [{}]", holders.join(", ")))
        } else {
            (State::Converging, "it is being deleted".to_owned())
        };
        return Some(Diagnosis::new(state, object, "metadata.deletionTimestamp", says));
    }
    if is_ready(pod) {
        let why = unsettled(pod)?;
        return Some(Diagnosis::new(State::Converging, object, "status.containerStatuses", why));
    }
    if matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded") {
        let says = format!("the pod ended: {}", text(pod, &["status", "phase"]));
        return Some(Diagnosis::new(State::Steady, object, "status.phase", says));
    }
    if let Some(scheduled) = find_condition(pod, "PodScheduled").filter(|c| text(c, &["status"]) == "False") {
        let says = format!("{}: {}", text(scheduled, &["reason"]), text(scheduled, &["message"]));
        // A claim that is still being bound is at work; a gate and a full cluster are not.
        let binding = says.contains("unbound immediate PersistentVolumeClaims");
        let state = if binding { State::Converging } else { State::Terminal };
        return Some(Diagnosis::new(state, object, "status.conditions[PodScheduled]", says));
    }
    let containers = statuses(pod).chain(items(pod, &["status", "initContainerStatuses"]));
    worst(containers.filter_map(|status| container(view, pod, status))).or_else(|| {
        let says = "it has not been started yet".to_owned();
        Some(Diagnosis::new(State::Converging, object, "status.phase", says))
    })
}

fn container(view: &View<'_>, pod: &Value, status: &Value) -> Option<Diagnosis> {
    let name = text(status, &["name"]);
    let object = reference(pod);
    let field = |path: &str| format!("status.containerStatuses[{name}].{path}");
    if let Some(waiting) = status.at(&["state", "waiting"]) {
        let reason = text(waiting, &["reason"]);
        if !STUCK.contains(&reason) {
            let says = format!("container `{name}` is being started: {reason}");
            return Some(Diagnosis::new(State::Converging, object, &field("state.waiting.reason"), says));
        }
        let retried = RETRIED.contains(&reason) || (reason == "CrashLoopBackOff" && never_ran(status));
        if retried && number(status, &["restartCount"]) <= 1 {
            let image = text(status, &["image"]);
            let says =
                format!("container `{name}`, image `{image}`, was not started and is tried again: {reason}");
            return Some(Diagnosis::new(State::Converging, object, &field("state.waiting.reason"), says));
        }
        return Some(stuck(view, pod, status, reason, &field("state.waiting.reason")));
    }
    if let Some(ended) = status.at(&["state", "terminated"]) {
        let init =
            items(pod, &["status", "initContainerStatuses"]).iter().any(|one| text(one, &["name"]) == name);
        let code = number(ended, &["exitCode"]);
        if init && code == 0 {
            return None;
        }
        let again = format!("{} exit code {code}", text(ended, &["reason"]));
        // The first end may be a dependency that was late; kubelet starts it again at once.
        if number(status, &["restartCount"]) == 0 && text(pod, &["spec", "restartPolicy"]) != "Never" {
            let says = format!("container `{name}` ended and is being started again: {again}");
            return Some(Diagnosis::new(State::Converging, object, &field("state.terminated.reason"), says));
        }
        return Some(stuck(view, pod, status, &again, &field("state.terminated.reason")));
    }
    if status.field("ready").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    Some(unready(view, pod, status, &field("ready")))
}

/// A container that cannot get further by itself.
fn stuck(view: &View<'_>, pod: &Value, status: &Value, reason: &str, field: &str) -> Diagnosis {
    let name = text(status, &["name"]);
    let last = status.at(&["lastState", "terminated"]);
    let ended = last.map(|last| format!("; it last ended with exit code {}", number(last, &["exitCode"])));
    let image = text(status, &["image"]);
    let says = format!("container `{name}`, image `{image}`: {reason}{}", ended.unwrap_or_default());
    // Pods of one workload fail for one reason; their names are not part of it.
    let root =
        format!("{} {image} {reason}", crate::functions::meta::controller(pod).map_or("", |(uid, _)| uid));
    let mut diagnosis = Diagnosis::new(State::Terminal, reference(pod), field, says);
    diagnosis.root = root;
    diagnosis.chain.extend(warning(view, pod));
    diagnosis.chain.extend(last_words(view, pod, name));
    diagnosis
}

/// A container that runs and is not ready: within twice its probes'
/// budget that is convergence, past it a state.
fn unready(view: &View<'_>, pod: &Value, status: &Value, field: &str) -> Diagnosis {
    let name = text(status, &["name"]);
    let budget = items(pod, &["spec", "containers"])
        .iter()
        .chain(items(pod, &["spec", "initContainers"]))
        .filter(|container| text(container, &["name"]) == name)
        .flat_map(|container| ["startupProbe", "readinessProbe"].map(|probe| budget_s(container, probe)))
        .fold(0, i64::saturating_add)
        .saturating_mul(BUDGETS)
        .max(LEAST_S);
    let started = time::ms(text(status, &["state", "running", "startedAt"]));
    let age_s = started.map_or(0, |started| number(pod, &[SEEN]).saturating_sub(started) / 1000);
    let (state, says) = if age_s <= budget {
        (
            State::Converging,
            format!("container `{name}` runs and has until {budget} s after its start to become ready"),
        )
    } else {
        (State::Steady, format!("container `{name}` runs but is not ready {budget} s after its start"))
    };
    let mut diagnosis = Diagnosis::new(state, reference(pod), field, says);
    diagnosis.chain.extend(warning(view, pod));
    diagnosis.chain.extend(last_words(view, pod, name));
    diagnosis
}

/// Seconds a probe may take to succeed or give up; one second of grace.
fn budget_s(container: &Value, probe: &str) -> i64 {
    let Some(probe) = container.field(probe) else { return 1 };
    let or = |field, default| probe.field(field).and_then(Value::as_int).unwrap_or(default);
    or("initialDelaySeconds", 0)
        .saturating_add(or("periodSeconds", 10).saturating_mul(or("failureThreshold", 3)))
        .saturating_add(or("timeoutSeconds", 1))
}

/// The last line a container wrote, before its end if it ended.
fn last_words(view: &View<'_>, pod: &Value, container: &str) -> Option<lab_spec::report::Link> {
    TAILS.iter().find_map(|&(tail, previous)| {
        let request = Request::Logs {
            namespace: view.namespace().to_owned(),
            pod: text(pod, &["metadata", "name"]).to_owned(),
            container: container.to_owned(),
            tail,
            previous,
        };
        let Outcome::Present(lines) = &view.answer(&request.key())?.outcome else { return None };
        let line = lines
            .as_array()?
            .iter()
            .rev()
            .filter_map(|line| line.as_str())
            .find(|line| !line.is_empty() && !line.starts_with(NO_LOG))?;
        Some(link(format!("log of container `{container}`"), "last line", line.to_owned()))
    })
}
