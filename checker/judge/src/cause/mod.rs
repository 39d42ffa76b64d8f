//! Causes: from what a check sees back to what is really wrong. A cause never
//! changes a fail into a pass; it may say that a controller is still at work.

mod compose;
mod pod;
mod service;
mod workload;

use std::cmp::Reverse;

use lab_spec::{Lab, report::Link};

use crate::{
    cel::Value,
    functions::{text, workload::reference},
    program::{Compiled, Subject, subject, worked_on},
    selector::Selector,
    view::View,
};

/// Whether time can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// A controller is still at work.
    Converging,
    /// Nothing is at work, and nothing more is known.
    Steady,
    /// A controller has named an error it cannot get past by itself.
    Terminal,
}

/// A cause: links from what the check sees back to the root.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    pub chain: Vec<Link>,
    pub state: State,
    /// Equal for two checks that fail for the same reason.
    pub root: String,
}

impl Diagnosis {
    /// A diagnosis whose root is its one link.
    fn new(state: State, object: String, field: &str, says: String) -> Self {
        let root = format!("{object} {field} {says}");
        Self { chain: vec![link(object, field, says)], state, root }
    }

    /// Puts a nearer link before the chain.
    fn from(mut self, nearer: Link) -> Self {
        self.chain.insert(0, nearer);
        self
    }
}

fn link(object: String, field: &str, says: String) -> Link {
    Link { object, field: field.to_owned(), says }
}

/// Why a check that reads these things fails: what is still at work, or else
/// the worst cause that is named.
pub(crate) fn diagnose(view: &View<'_>, lab: &Lab, compiled: &Compiled) -> Option<Diagnosis> {
    let observed = compiled.observes.iter().filter_map(|name| subject(lab, name));
    let worked = compiled.steps.iter().flat_map(|(name, step)| worked_on(lab, name, step));
    let mut subjects: Vec<_> = observed.chain(worked).collect();
    subjects.dedup();
    decisive(subjects.iter().filter_map(|subject| of(view, subject)))
}

/// Of the causes of several workloads: one that is still at work decides, for
/// the check may be about that one; else the worst.
fn decisive(found: impl Iterator<Item = Diagnosis>) -> Option<Diagnosis> {
    let rank = |state| if state == State::Converging { None } else { Some(Reverse(state)) };
    found.min_by_key(|one| rank(one.state))
}

/// The worst of several of one workload, whose pods fail for one reason. Of equally bad ones the first stays: `max_by_key`
/// would keep the last.
fn worst(found: impl Iterator<Item = Diagnosis>) -> Option<Diagnosis> {
    found.reduce(|worst, next| if next.state > worst.state { next } else { worst })
}

fn of(view: &View<'_>, subject: &Subject) -> Option<Diagnosis> {
    match subject {
        Subject::Service(name) => service::diagnose(view, name),
        Subject::Deployment(name) => {
            let deployment = named(&view.items("Deployment"), name)?;
            workload::diagnose(view, &deployment)
        }
        Subject::Pod(name) => named(&view.items("Pod"), name).and_then(|pod| pod::diagnose(view, &pod)),
        Subject::Pods(labels) => {
            let selector =
                if labels.is_empty() { Selector::default() } else { Selector::parse(labels).ok()? };
            workload::of_pods(view, &selector)
        }
        Subject::Containers(service) => compose::diagnose(view, service.as_deref()),
    }
}

fn named(items: &[Value], name: &str) -> Option<Value> {
    items.iter().find(|item| text(item, &["metadata", "name"]) == name).cloned()
}

/// The newest warning about an object, as a link.
fn warning(view: &View<'_>, object: &Value) -> Option<Link> {
    let uid = text(object, &["metadata", "uid"]);
    let when = |event: &Value| {
        let at = |path: &[&str]| crate::time::ms(text(event, path));
        at(&["series", "lastObservedTime"]).or_else(|| at(&["lastTimestamp"])).or_else(|| at(&["eventTime"]))
    };
    let events = view.items("Event");
    let warnings = events.iter().filter(|event| {
        text(event, &["type"]) == "Warning" && text(event, &["involvedObject", "uid"]) == uid
    });
    // These only say that kubelet waits or gave up; the event before says why.
    let says_why = |event: &Value| {
        text(event, &["reason"]) != "BackOff" && !text(event, &["message"]).starts_with("Error: ")
    };
    let newest = warnings.max_by_key(|event| (says_why(event), when(event)))?;
    let says = format!("{}: {}", text(newest, &["reason"]), text(newest, &["message"]));
    Some(link(format!("event for {}", reference(object)), "message", says))
}
