//! Why a Service sends no traffic: its selector, its pods, its port.

use super::{Diagnosis, State, link, named, workload};
use crate::{
    cel::Value,
    functions::{
        items,
        pod::{is_live, is_ready},
        text,
        workload::reference,
    },
    selector::Selector,
    view::View,
};

/// Why the Service of this name does not reach its pods; `None` if nothing is
/// wrong with it.
pub(super) fn diagnose(view: &View<'_>, name: &str) -> Option<Diagnosis> {
    let Some(service) = named(&view.items("Service"), name) else {
        let object = format!("service/{name}");
        return Some(Diagnosis::new(State::Steady, object, "", "it does not exist".to_owned()));
    };
    let selector = Selector::from_map(service.at(&["spec", "selector"]).unwrap_or(&Value::Null));
    if selector.is_empty() {
        let says = "it selects nothing".to_owned();
        return Some(Diagnosis::new(State::Steady, reference(&service), "spec.selector", says));
    }
    let pods = view.items("Pod");
    let live: Vec<_> = pods.iter().filter(|pod| is_live(pod)).cloned().collect();
    let chosen: Vec<_> =
        live.iter().filter(|pod| selector.matches(pod.at(&["metadata", "labels"]))).cloned().collect();
    if chosen.is_empty() {
        return Some(nobody(view, &service, &selector, &live));
    }
    if let Some(pod) = workload::of_pods(view, &selector) {
        return Some(match slice(view, name) {
            Some(slice) => pod.from(slice),
            None => pod,
        });
    }
    port(&service, &chosen).or_else(|| lagging(view, name, &chosen))
}

/// The Service selects no pod: the labels that are nearly right, or the
/// workload that should make them.
fn nobody(view: &View<'_>, service: &Value, selector: &Selector, live: &[Value]) -> Diagnosis {
    if let Some(cause) = workload::of_pods(view, selector) {
        return cause.from(link(
            reference(service),
            "spec.selector",
            "no pod has these labels yet".to_owned(),
        ));
    }
    let object = reference(service);
    let labels = |pod: &Value| pod.at(&["metadata", "labels"]).cloned();
    let says = match live.iter().min_by_key(|pod| selector.distance(labels(pod).as_ref())) {
        None => "no pod has these labels, and there is no pod at all".to_owned(),
        Some(pod) => {
            let differs = selector.differences(labels(pod).as_ref()).join("; ");
            let text = |pod: &Value| labels(pod).map(|labels| labels.to_string());
            let alike = live.iter().filter(|other| text(other) == text(pod)).count();
            let pods = if alike == 1 { "1 pod is".to_owned() } else { format!("{alike} pods are") };
            format!("it {differs} ({pods} like `{}`)", reference(pod))
        }
    };
    Diagnosis::new(State::Steady, object, "spec.selector", says)
}

fn slice(view: &View<'_>, service: &str) -> Option<lab_spec::report::Link> {
    let slices = view.items("EndpointSlice");
    let mine = slices
        .iter()
        .find(|slice| text(slice, &["metadata", "labels", "kubernetes.io/service-name"]) == service)?;
    let endpoints = items(mine, &["endpoints"]);
    let ready = endpoints
        .iter()
        .filter(|endpoint| endpoint.at(&["conditions", "ready"]).and_then(Value::as_bool) != Some(false))
        .count();
    let says = format!("{ready} of {} addresses are ready", endpoints.len());
    Some(link(reference(mine), "endpoints", says))
}

/// A port that no container of the chosen pods declares. A number that is not
/// declared may still be listened on; this only ever explains a check that
/// failed anyway, and says what is declared.
fn port(service: &Value, chosen: &[Value]) -> Option<Diagnosis> {
    let declared: Vec<_> = chosen
        .iter()
        .flat_map(|pod| items(pod, &["spec", "containers"]))
        .flat_map(|container| items(container, &["ports"]))
        .collect();
    items(service, &["spec", "ports"]).iter().find_map(|port| {
        let target = port.field("targetPort")?;
        let known = |field: &str| {
            declared.iter().any(|one| one.field(field).is_some_and(|value| same(value, target)))
        };
        let numbers: Vec<_> =
            declared.iter().filter_map(|one| Some(one.field("containerPort")?.to_string())).collect();
        let wrong = match target {
            Value::String(_) => !known("name"),
            _ => !declared.is_empty() && !known("containerPort"),
        };
        wrong.then(|| {
            let has = if numbers.is_empty() { "no port".to_owned() } else { numbers.join(", ") };
            let says = format!("`{target}`, and the pods declare {has}");
            Diagnosis::new(State::Steady, reference(service), "spec.ports[].targetPort", says)
        })
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        _ => false,
    }
}

/// Pods are ready and the slices do not say so yet.
fn lagging(view: &View<'_>, service: &str, chosen: &[Value]) -> Option<Diagnosis> {
    let slices = view.items("EndpointSlice");
    let mine = slices
        .iter()
        .filter(|slice| text(slice, &["metadata", "labels", "kubernetes.io/service-name"]) == service);
    let listed: Vec<_> = mine
        .flat_map(|slice| items(slice, &["endpoints"]))
        .map(|one| text(one, &["targetRef", "name"]))
        .collect();
    let missing =
        chosen.iter().find(|pod| is_ready(pod) && !listed.contains(&text(pod, &["metadata", "name"])))?;
    let says = format!("`{}` is ready and not in an EndpointSlice yet", reference(missing));
    Some(Diagnosis::new(State::Converging, format!("service/{service}"), "", says))
}
