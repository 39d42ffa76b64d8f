//! The step `relabel`.

use std::time::Duration;

use indexmap::IndexMap;
use lab_spec::experiment::Relabel;
use serde_json::{Value, json};

use super::pick::{self, owned, text};
use super::{Change, Place, act, read};
use crate::halt::Halt;
use crate::journal::Entry;
use crate::run::{Run, Told};

/// How long a controller may take to let go of a pod it no longer selects.
const LETTING_GO: Duration = Duration::from_secs(5);

/// How often a pod picked by labels may slip away before we say so.
const PICKS: usize = 3;

/// Changes labels of the oldest ready pod, and gives its controller time to
/// let go of it. The result is `{name, uid, owned, released, at_ms}`: whether
/// a controller had it before, and whether none has it now.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, relabel: &Relabel) -> Result<Told, Halt> {
    let labels = relabel.labels.as_str();
    let pods = read::pods(&place.cluster.client, &place.namespace);
    for _ in 0..PICKS {
        let found = pick::find(run, place, labels, relabel.of.as_deref()).await?;
        let pod = found.ok_or_else(|| {
            let namespace = &place.namespace;
            Halt::Stopped(format!(
                "there is no running, ready pod with labels `{labels}` in namespace `{namespace}`"
            ))
        })?;
        let (name, uid) = (text(&pod, "/metadata/name"), text(&pod, "/metadata/uid"));
        let change = Change::Relabel {
            name: name.clone(),
            uid: uid.clone(),
            set: relabel.set.clone(),
            before: before(&pod, &relabel.set),
        };
        run.journal(Entry::Kubernetes(change))?;
        run.tell(&format!("relabelling pod/{name}"));
        let at_ms = (run.setting.clock)();
        let wanted = relabel.set.iter().map(|(label, value)| (label.as_str(), Some(value.as_str())));
        match act::relabel_pod(&place.cluster.client, &place.namespace, &name, &uid, wanted).await {
            Ok(()) => {}
            // It went, or another took its name, since we looked.
            Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => continue,
            Err(refusal) if refusal.by_admission() => {
                return Err(Halt::Stopped(format!("pod `{name}` cannot be relabelled: {refusal}")));
            }
            Err(refusal) => {
                return Err(Halt::Unavailable(format!("cannot relabel pod `{name}`: {refusal}")));
            }
        }
        let limit = run.limit(LETTING_GO);
        let free = |pod: Option<&Value>| pod.is_none_or(|pod| !owned(pod)).then_some(());
        let released = run.unless_cancelled(read::watch(&pods, &name, limit, free)).await??.is_some();
        let owned = owned(&pod);
        let end = if released { "no controller has it now" } else { "its controller still has it" };
        let what = format!("relabelled pod/{name} (uid {uid}): {}; {end}", words(&relabel.set));
        let result = json!({"name": name, "uid": uid, "owned": owned, "released": released, "at_ms": at_ms});
        return Ok(Told { what, result: Some(result) });
    }
    Err(Halt::Stopped(format!("the pod with labels `{labels}` changed each time it was to be relabelled")))
}

fn before(pod: &Value, set: &IndexMap<String, String>) -> IndexMap<String, Option<String>> {
    let labels = &pod["metadata"]["labels"];
    set.keys().map(|label| (label.clone(), labels[label].as_str().map(str::to_owned))).collect()
}

fn words(set: &IndexMap<String, String>) -> String {
    let pairs: Vec<_> = set.iter().map(|(label, value)| format!("{label}={value}")).collect();
    pairs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_were_not_there_are_remembered_as_missing() {
        let pod = json!({"metadata": {"labels": {"role": "api", "app": "inference"}}});
        let set = IndexMap::from([("role".to_owned(), "q".to_owned()), ("new".to_owned(), "1".to_owned())]);
        let before = before(&pod, &set);
        assert_eq!(before["role"].as_deref(), Some("api"));
        assert_eq!(before["new"], None);
        assert_eq!(before.len(), 2, "other labels are not touched");
        assert_eq!(words(&set), "role=q, new=1");
    }
}
