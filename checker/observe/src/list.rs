//! LISTs: consistent, in pages, complete or not at all.

use lab_spec::{
    Kind, Outcome,
    evidence::{Reason, Unavailable},
};
use serde_json::Value;

use crate::{
    get::{Answer, Channel, encoded, refused, too_large, unavailable},
    item::Page,
};

/// Objects per page, as kubectl asks for them.
const PAGE: usize = 500;
/// Bytes of one LIST, all pages together.
const MAX_BYTES: usize = 64 << 20;
/// Objects of one LIST.
const MAX_OBJECTS: usize = 50_000;

/// A LIST's items and the resourceVersion they are all of.
pub(crate) struct Listed {
    pub(crate) outcome: Outcome,
    pub(crate) resource_version: Option<String>,
}

/// The path of a kind's collection.
pub(crate) fn collection(kind: &Kind, namespace: Option<&str>) -> String {
    let root = if kind.api_version.contains('/') { "apis" } else { "api" };
    let version = kind.api_version.split('/').map(encoded).collect::<Vec<_>>().join("/");
    let plural = encoded(&kind.plural);
    match namespace {
        Some(namespace) => format!("/{root}/{version}/namespaces/{}/{plural}", encoded(namespace)),
        None => format!("/{root}/{version}/{plural}"),
    }
}

/// The path of the first page.
pub(crate) fn first_page(kind: &Kind, namespace: Option<&str>) -> String {
    format!("{}?limit={PAGE}", collection(kind, namespace))
}

/// Reads a whole collection. Without a resourceVersion in the request the
/// server answers with the newest state, agreed on by etcd.
pub(crate) async fn list(channel: &Channel<'_>, kind: &Kind, namespace: Option<&str>) -> Listed {
    let first = first_page(kind, namespace);
    // Pages expire after a few minutes; the list is read anew once.
    for _ in 0..2 {
        match pages(channel, kind, &first).await {
            Ok(listed) => return listed,
            Err(Stopped::Unavailable(failure)) => return nothing(Outcome::Unavailable(failure)),
            Err(Stopped::Expired) => {}
        }
    }
    let message = format!("`{}` expired between its pages, twice", kind.plural);
    nothing(Outcome::Unavailable(unavailable(Reason::Truncated, message)))
}

fn nothing(outcome: Outcome) -> Listed {
    Listed { outcome, resource_version: None }
}

enum Stopped {
    Unavailable(Unavailable),
    Expired,
}

async fn pages(channel: &Channel<'_>, kind: &Kind, first: &str) -> Result<Listed, Stopped> {
    let mut path = first.to_owned();
    let mut items: Vec<Value> = Vec::new();
    let mut left = MAX_BYTES;
    loop {
        let answer = channel.get(&path, left).await.map_err(Stopped::Unavailable)?;
        match answer.status.as_u16() {
            200 => {}
            404 if not_served(&answer) => return Ok(nothing(Outcome::Absent)),
            410 => return Err(Stopped::Expired),
            _ => return Err(Stopped::Unavailable(refused(&answer))),
        }
        let page: Page = serde_json::from_slice(&answer.body).map_err(|error| {
            let message = format!("the answer to `{path}` is no list: {error}");
            Stopped::Unavailable(unavailable(
                if error.is_eof() { Reason::Truncated } else { Reason::Failed },
                message,
            ))
        })?;
        items.extend(page.items.unwrap_or_default().into_iter().map(|item| item.of_kind(kind)));
        if items.len() > MAX_OBJECTS {
            let message = format!("there are more than {MAX_OBJECTS} {}", kind.plural);
            return Err(Stopped::Unavailable(unavailable(Reason::Truncated, message)));
        }
        match page.metadata.next.filter(|next| !next.is_empty()) {
            None => {
                let resource_version =
                    Some(page.metadata.resource_version).filter(|version| !version.is_empty());
                return Ok(Listed { outcome: Outcome::Present(Value::Array(items)), resource_version });
            }
            Some(next) => path = format!("{first}&continue={}", encoded(&next)),
        }
        left = left
            .checked_sub(answer.body.len())
            .filter(|left| *left > 0)
            .ok_or_else(|| Stopped::Unavailable(too_large(MAX_BYTES)))?;
    }
}

/// Whether a 404 is the API server's own: something else at the kubeconfig's
/// address says 404 to everything, and that is no answer about the kind.
pub(crate) fn not_served(answer: &Answer) -> bool {
    let own = b"404 page not found";
    answer.body.trim_ascii() == own
        || serde_json::from_slice::<Value>(&answer.body).is_ok_and(|status| status["kind"] == "Status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_kubectl_asks() {
        let pod = Kind::named("Pod").unwrap();
        assert_eq!(first_page(&pod, Some("lab01")), "/api/v1/namespaces/lab01/pods?limit=500");
        let deployment = Kind::named("Deployment").unwrap();
        assert_eq!(
            collection(&deployment, Some("a/../b")),
            "/apis/apps/v1/namespaces/a%2F..%2Fb/deployments"
        );
        let node = Kind::named("Node").unwrap();
        assert_eq!(collection(&node, None), "/api/v1/nodes");
    }
}
