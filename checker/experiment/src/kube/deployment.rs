//! The steps `setImage` and `scale`: one field of a Deployment.

use kube::Client;
use lab_spec::experiment::{Scale, SetImage};
use serde_json::{Value, json};

use super::act::{self, Refusal};
use super::{Change, Place, read};
use crate::halt::Halt;
use crate::journal::Entry;
use crate::run::{Run, Told};

/// A field of a Deployment that a step changes.
#[derive(Clone, Copy)]
enum Field<'a> {
    Image(&'a str),
    Replicas,
}

/// Gives a container another image. The result is `{at_ms, deployment,
/// container, was, image}`.
pub(crate) async fn set_image(run: &mut Run<'_, '_>, place: &Place, step: &SetImage) -> Result<Told, Halt> {
    let (name, container) = (step.deployment.as_str(), step.container.as_str());
    let field = Field::Image(container);
    let (at_ms, was) = change(run, place, name, field, json!(step.image)).await?;
    let what = format!("set the image of deployment/{name}, container {container}, to {}", step.image);
    let result = json!({
        "at_ms": at_ms, "deployment": name, "container": container, "was": was, "image": step.image,
    });
    Ok(Told { what, result: Some(result) })
}

/// Gives a Deployment another number of replicas. The result is `{at_ms,
/// deployment, was, replicas}`.
pub(crate) async fn scale(run: &mut Run<'_, '_>, place: &Place, step: &Scale) -> Result<Told, Halt> {
    let name = step.deployment.as_str();
    let (at_ms, was) = change(run, place, name, Field::Replicas, json!(step.replicas)).await?;
    let what = format!("scaled deployment/{name} from {was} to {}", step.replicas);
    let result = json!({"at_ms": at_ms, "deployment": name, "was": was, "replicas": step.replicas});
    Ok(Told { what, result: Some(result) })
}

/// Changes the field; gives when, and its value before.
async fn change(
    run: &mut Run<'_, '_>,
    place: &Place,
    name: &str,
    field: Field<'_>,
    now: Value,
) -> Result<(u64, Value), Halt> {
    let api = read::deployments(&place.cluster.client, &place.namespace);
    let found = run.unless_cancelled(read::get(&api, name)).await??;
    let Some(found) = found else {
        let namespace = &place.namespace;
        return Err(Halt::Stopped(format!("there is no deployment `{name}` in namespace `{namespace}`")));
    };
    let Some(was) = field.read(&found) else {
        return Err(Halt::Stopped(format!("deployment `{name}` has no {}", field.words())));
    };
    let uid = found["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let entry = Change::Field {
        deployment: name.to_owned(),
        uid: uid.clone(),
        container: field.container(),
        // What stood there before the first of several changes.
        was: earlier(run.entries(), &uid, field).unwrap_or_else(|| was.clone()),
        now: now.clone(),
    };
    run.journal(Entry::Kubernetes(entry))?;
    run.tell(&format!("changing the {} of deployment/{name} to {now}", field.words()));
    let at_ms = (run.setting.clock)();
    let patch = field.patch(&uid, &now);
    match act::patch_deployment(&place.cluster.client, &place.namespace, name, &patch).await {
        Ok(()) => Ok((at_ms, was)),
        Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => {
            Err(Halt::Stopped(format!("deployment `{name}` was replaced by another: {refusal}")))
        }
        Err(refusal) if refusal.by_admission() || refusal.code() == Some(422) => {
            Err(Halt::Stopped(format!("deployment `{name}` refuses the change: {refusal}")))
        }
        Err(refusal) => Err(Halt::Unavailable(format!("cannot change deployment `{name}`: {refusal}"))),
    }
}

/// What the field held before this run's first change of it.
fn earlier(entries: &[Entry], uid: &str, field: Field<'_>) -> Option<Value> {
    entries.iter().find_map(|entry| match entry {
        Entry::Kubernetes(Change::Field { uid: its, container, was, .. })
            if its == uid && *container == field.container() =>
        {
            Some(was.clone())
        }
        _ => None,
    })
}

/// Puts the field back, unless somebody changed it since. Of several changes
/// the last one's undo restores what was there before the first, and the
/// others find nothing to do.
pub(crate) async fn restore(
    client: &Client,
    namespace: &str,
    name: &str,
    change: Restore<'_>,
) -> Result<Option<String>, Halt> {
    let field = change.container.map_or(Field::Replicas, Field::Image);
    let api = read::deployments(client, namespace);
    let Some(found) = read::get(&api, name).await? else { return Ok(None) };
    if found["metadata"]["uid"] != change.uid || field.read(&found).as_ref() != Some(change.now) {
        return Ok(None);
    }
    if change.was == change.now {
        return Ok(None);
    }
    match act::patch_deployment(client, namespace, name, &field.patch(change.uid, change.was)).await {
        Ok(()) => Ok(Some(format!("set the {} of deployment/{name} back to {}", field.words(), change.was))),
        Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => Ok(None),
        Err(refusal) => Err(unrestored(namespace, name, &refusal)),
    }
}

fn unrestored(namespace: &str, name: &str, refusal: &Refusal) -> Halt {
    Halt::Unavailable(format!("cannot set deployment `{name}` in namespace `{namespace}` back: {refusal}"))
}

/// A journalled change, as its undo needs it.
pub(crate) struct Restore<'a> {
    pub(crate) uid: &'a str,
    pub(crate) container: Option<&'a str>,
    pub(crate) was: &'a Value,
    pub(crate) now: &'a Value,
}

impl Field<'_> {
    fn container(self) -> Option<String> {
        match self {
            Self::Image(container) => Some(container.to_owned()),
            Self::Replicas => None,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Image(container) => format!("image of container `{container}`"),
            Self::Replicas => "number of replicas".to_owned(),
        }
    }

    fn read(self, deployment: &Value) -> Option<Value> {
        match self {
            Self::Image(name) => {
                let containers = deployment.pointer("/spec/template/spec/containers")?.as_array()?;
                let container = containers.iter().find(|container| container["name"] == name)?;
                Some(container["image"].clone())
            }
            Self::Replicas => deployment.pointer("/spec/replicas").cloned(),
        }
    }

    /// A strategic merge patch; its UID makes the server refuse it for another
    /// Deployment of the same name.
    fn patch(self, uid: &str, value: &Value) -> Value {
        let spec = match self {
            Self::Image(container) => {
                json!({"template": {"spec": {"containers": [{"name": container, "image": value}]}}})
            }
            Self::Replicas => json!({"replicas": value}),
        };
        json!({"metadata": {"uid": uid}, "spec": spec})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(uid: &str, container: Option<&str>, was: &str, now: &str) -> Entry {
        Entry::Kubernetes(Change::Field {
            deployment: "api".to_owned(),
            uid: uid.to_owned(),
            container: container.map(str::to_owned),
            was: json!(was),
            now: json!(now),
        })
    }

    #[test]
    fn what_stood_there_first_is_what_is_restored() {
        let entries = [
            field("2", Some("api"), "other:v1", "other:v2"),
            field("1", Some("api"), "ms:v1", "ms:v2"),
            field("1", Some("api"), "ms:v1", "ms:v2-bad"),
        ];
        assert_eq!(earlier(&entries, "1", Field::Image("api")), Some(json!("ms:v1")));
        assert_eq!(earlier(&entries, "1", Field::Image("sidecar")), None);
        assert_eq!(earlier(&entries, "1", Field::Replicas), None);
    }

    #[test]
    fn field_is_read_where_it_is_patched() {
        let deployment = json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [
            {"name": "proxy", "image": "proxy:1"}, {"name": "api", "image": "ms:v1"},
        ]}}}});
        assert_eq!(Field::Image("api").read(&deployment), Some(json!("ms:v1")));
        assert_eq!(Field::Image("none").read(&deployment), None);
        assert_eq!(Field::Replicas.read(&deployment), Some(json!(3)));
        let patch = Field::Image("api").patch("u", &json!("ms:v2"));
        assert_eq!(patch["metadata"]["uid"], "u");
        assert_eq!(patch.pointer("/spec/template/spec/containers/0/image"), Some(&json!("ms:v2")));
    }
}
