//! Why a workload is not rolled out, or makes no pods at all.

use indexmap::IndexMap;

use super::{Diagnosis, State, decisive, pod, warning, worst};
use crate::{
    cel::Value,
    functions::{
        meta::{controller, find_condition, is_owned_by},
        pod::is_live,
        text,
        workload::{reference, unfinished, wanted},
    },
    selector::Selector,
    view::View,
};

/// Words of admission that no second try changes. A service account that is
/// not there yet, as in a new namespace, is not among them.
const REFUSED: &[&str] =
    &["exceeded quota", "failed quota", "denied", "violates PodSecurity", "is invalid", "must be"];

/// Why the Deployment is not rolled out; `None` if it is and its pods are
/// settled.
pub(super) fn diagnose(view: &View<'_>, deployment: &Value) -> Option<Diagnosis> {
    let object = reference(deployment);
    if let Some(failure) = find_condition(deployment, "ReplicaFailure") {
        let message = text(failure, &["message"]);
        let says = format!("{}: {message}", text(failure, &["reason"]));
        // The controller tries again: what refused it decides whether that helps.
        let state = if REFUSED.iter().any(|word| message.contains(word)) {
            State::Terminal
        } else {
            State::Converging
        };
        return Some(Diagnosis::new(state, object, "status.conditions[ReplicaFailure]", says));
    }
    if wanted(deployment) == 0 {
        return Some(Diagnosis::new(
            State::Steady,
            object,
            "spec.replicas",
            "0: no pod is wanted".to_owned(),
        ));
    }
    let sets = view.items("ReplicaSet");
    let sets: Vec<_> = sets.iter().filter(|set| is_owned_by(set, deployment)).collect();
    let newest = sets.iter().max_by_key(|set| revision(set));
    let pods = view.items("Pod");
    let unfinished = unfinished(deployment);
    let mine = pods.iter().filter(|pod| newest.is_some_and(|set| is_owned_by(pod, set)));
    match (unfinished, worst(mine.filter_map(|pod| pod::diagnose(view, pod)))) {
        (None, None) => None,
        (None, Some(pod)) => Some(pod),
        (Some((field, says)), Some(pod)) => Some(pod.from(super::link(object, field, says))),
        (Some((field, says)), None) => {
            let late =
                find_condition(deployment, "Progressing").is_some_and(|c| text(c, &["status"]) == "False");
            let paused = deployment.at(&["spec", "paused"]).and_then(Value::as_bool) == Some(true);
            let state = if late || paused { State::Steady } else { State::Converging };
            let mut diagnosis = Diagnosis::new(state, object, field, says);
            diagnosis.chain.extend(newest.and_then(|set| warning(view, set)));
            Some(diagnosis)
        }
    }
}

fn revision(set: &Value) -> i64 {
    text(set, &["metadata", "annotations", "deployment.kubernetes.io/revision"]).parse().unwrap_or_default()
}

/// Why the pods of a selector are not there or not ready: the pods
/// themselves, or else the workload whose template would make them.
pub(super) fn of_pods(view: &View<'_>, selector: &Selector) -> Option<Diagnosis> {
    let pods = view.items("Pod");
    let chosen = pods.iter().filter(|pod| selector.matches(pod.at(&["metadata", "labels"])));
    let live: Vec<_> = chosen.filter(|pod| is_live(pod)).collect();
    if !live.is_empty() {
        // A pod that nobody controls is a workload of its own.
        let owner = |pod: &Value| controller(pod).map_or_else(|| reference(pod), |(uid, _)| uid.to_owned());
        let mut workloads: IndexMap<String, Vec<&Value>> = IndexMap::new();
        for pod in live {
            workloads.entry(owner(pod)).or_default().push(pod);
        }
        let causes = workloads.into_values();
        return decisive(
            causes.filter_map(|pods| worst(pods.into_iter().filter_map(|pod| pod::diagnose(view, pod)))),
        );
    }
    let makes =
        |deployment: &&Value| selector.matches(deployment.at(&["spec", "template", "metadata", "labels"]));
    view.items("Deployment").iter().find(makes).and_then(|deployment| diagnose(view, deployment))
}
