//! The step `delete`.

use std::time::Duration;

use lab_spec::experiment::Delete;
use serde_json::{Value, json};

use super::pick::{self, owned, text};
use super::{Change, Place, act, manifest, read};
use crate::halt::Halt;
use crate::journal::Entry;
use crate::run::{Run, Told};

/// How long a deleted pod may take to go: the default grace period and the
/// kubelet's own work.
const GOING: Duration = Duration::from_secs(40);

/// How often a pod picked by labels may slip away before we say so.
const PICKS: usize = 3;

/// Deletes one pod and waits until its UID is gone. The result is
/// `{name, uid, owned, at_ms, gone_ms}`, times in milliseconds after the first
/// look; `gone_ms` is null if the pod was still there after 40 s.
pub(crate) async fn step(run: &mut Run<'_, '_>, place: &Place, delete: &Delete) -> Result<Told, Halt> {
    let namespace = place.namespace.clone();
    for _ in 0..PICKS {
        let pod = find(run, place, delete).await?;
        let name = text(&pod, "/metadata/name");
        let uid = text(&pod, "/metadata/uid");
        let owned = owned(&pod);
        let manifest = (!owned).then(|| manifest::clean(&pod));
        let change = Change::Delete { name: name.clone(), uid: uid.clone(), manifest };
        run.journal(Entry::Kubernetes(change))?;
        run.tell(&format!("deleting pod/{name}"));
        let at_ms = (run.setting.clock)();
        match act::delete_pod(&place.cluster.client, &namespace, &name, &uid, false).await {
            Ok(()) => return gone(run, place, name, uid, owned, at_ms).await,
            // It went, or another took its name, since we looked.
            Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => {}
            Err(refusal) if refusal.by_admission() => {
                return Err(Halt::Stopped(format!("pod `{name}` cannot be deleted: {refusal}")));
            }
            Err(refusal) => {
                return Err(Halt::Unavailable(format!("cannot delete pod `{name}`: {refusal}")));
            }
        }
    }
    Err(Halt::Stopped(format!("the pod with {} changed each time it was to be deleted", words(delete))))
}

async fn gone(
    run: &mut Run<'_, '_>,
    place: &Place,
    name: String,
    uid: String,
    owned: bool,
    at_ms: u64,
) -> Result<Told, Halt> {
    let limit = run.limit(GOING);
    let api = read::pods(&place.cluster.client, &place.namespace);
    let left = |pod: Option<&Value>| pod.is_none_or(|pod| text(pod, "/metadata/uid") != uid).then_some(());
    let gone = run.unless_cancelled(read::watch(&api, &name, limit, left)).await??;
    let now = (run.setting.clock)();
    let took = now.saturating_sub(at_ms);
    let end = if gone.is_some() {
        format!("gone after {took} ms")
    } else {
        run.slow = Some(format!("pod `{name}` was still there {took} ms after it was deleted"));
        format!("still there after {took} ms")
    };
    let what = format!("deleted pod/{name} (uid {uid}), {end}");
    let gone_ms = gone.map(|()| now);
    let result = json!({"name": name, "uid": uid, "owned": owned, "at_ms": at_ms, "gone_ms": gone_ms});
    Ok(Told { what, result: Some(result) })
}

async fn find(run: &Run<'_, '_>, place: &Place, delete: &Delete) -> Result<Value, Halt> {
    let found = if let Some(name) = &delete.pod {
        let api = read::pods(&place.cluster.client, &place.namespace);
        run.unless_cancelled(read::get(&api, name)).await??
    } else {
        let labels = delete.labels.as_deref().unwrap_or_default();
        pick::find(run, place, labels, delete.of.as_deref()).await?
    };
    found.ok_or_else(|| {
        let namespace = &place.namespace;
        Halt::Stopped(match &delete.pod {
            Some(name) => format!("there is no pod `{name}` in namespace `{namespace}` to delete"),
            None => {
                format!("there is no running, ready pod with {} in namespace `{namespace}`", words(delete))
            }
        })
    })
}

fn words(delete: &Delete) -> String {
    match (&delete.pod, &delete.labels) {
        (Some(name), _) => format!("name `{name}`"),
        (None, labels) => format!("labels `{}`", labels.as_deref().unwrap_or_default()),
    }
}
