//! Whether every node knows by now whom a Service sends to.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use tokio::time::sleep_until;

use super::{Place, read};
use crate::halt::Halt;
use crate::run::Run;

/// The label that names an EndpointSlice's Service.
pub(super) const SERVICE: &str = "kubernetes.io/service-name";

/// How old a change of a Service must be before a request that it loses is the
/// Service's doing. kube-proxy writes its rules at most once a second, and a
/// busy node is late with that; nothing in the API says when it is done.
const KNOWN: Duration = Duration::from_secs(5);

/// Lets time pass until the last change of the Service that `url` names, and
/// of its EndpointSlices, is known on every node. A host that is no Service of
/// the namespace is not waited for.
///
/// # Errors
/// Its objects cannot be read, or the user interrupts.
pub(super) async fn known(run: &Run<'_, '_>, place: &Place, url: &str) -> Result<(), Halt> {
    let Some(service) = service(url) else { return Ok(()) };
    let Some(changed) = run.unless_cancelled(changed(place, service)).await?? else { return Ok(()) };
    let left = left(changed, Timestamp::now());
    if !left.is_zero() {
        run.tell(&format!("service/{service} has just changed; letting {} ms pass", left.as_millis()));
        run.unless_cancelled(sleep_until(run.limit(left))).await?;
    }
    Ok(())
}

/// The first label of the host, which names a Service.
fn service(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1;
    host.split(['.', ':', '/', '?']).next().filter(|name| !name.is_empty())
}

/// When the Service or one of its slices was last written, by the server's
/// clock; `None` if there is none.
async fn changed(place: &Place, service: &str) -> Result<Option<Timestamp>, Halt> {
    let (client, namespace) = (&place.cluster.client, place.namespace.as_str());
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let found = read::answer(&format!("service `{service}`"), services.get_opt(service)).await?;
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().labels(&format!("{SERVICE}={service}"));
    let slices = read::answer("the EndpointSlices", slices.list(&params)).await?;
    Ok(found.iter().flat_map(written).chain(slices.iter().flat_map(written)).max())
}

/// Every time at which a field of the object was written.
fn written(object: &impl ResourceExt) -> Vec<Timestamp> {
    let fields = object.managed_fields().iter().filter_map(|entry| entry.time.clone());
    fields.chain(object.creation_timestamp()).map(|time| time.0).collect()
}

/// How long to wait. A time to come is another clock's: of such a change
/// nothing is known but that it may be new.
fn left(changed: Timestamp, now: Timestamp) -> Duration {
    let age = Duration::try_from(now.duration_since(changed)).unwrap_or_default();
    KNOWN.saturating_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_the_first_label_of_a_host() {
        for url in
            ["http://api/predict", "http://api:80", "http://api.team.svc.cluster.local/", "http://api?q"]
        {
            assert_eq!(service(url), Some("api"), "{url}");
        }
        assert_eq!(service("api"), None);
        assert_eq!(service("http:///predict"), None);
    }

    #[test]
    fn only_what_is_new_is_waited_for() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(left(at(100), at(101)), Duration::from_secs(4));
        assert_eq!(left(at(100), at(105)), Duration::ZERO);
        assert_eq!(left(at(100), at(900)), Duration::ZERO);
        assert_eq!(left(at(100), at(40)), KNOWN, "another clock");
    }
}
