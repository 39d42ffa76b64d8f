//! What Docker says of a project: one filtered list, then parallel inspects.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use bollard::{
    Docker,
    errors::Error,
    models::ContainerSummary,
    query_parameters::{
        EventsOptionsBuilder, InspectContainerOptions, InspectNetworkOptions, ListContainersOptionsBuilder,
        ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    },
};
use futures::{StreamExt as _, future::try_join_all};
use lab_spec::{Outcome, evidence::Reason, observe::Part};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{docker::words, get::unavailable};

/// The label that ties what compose makes to its project.
pub(super) const PROJECT: &str = "com.docker.compose.project";
/// The directory a project was made from.
const DIRECTORY: &str = "com.docker.compose.project.working_dir";
/// Set on what `docker compose run` makes.
const ONE_OFF: &str = "com.docker.compose.oneoff";
/// Containers of one project that are looked at.
const MAX: usize = 200;
/// How far back events are read, in seconds.
const EVENTS_SECONDS: u64 = 600;
/// Events that are kept.
const MAX_EVENTS: usize = 1_000;

/// How a part is asked for, as provenance shows it.
pub(super) fn path(part: Part, project: &str) -> String {
    let filter = format!("label={PROJECT}={project}");
    match part {
        Part::Containers => format!("GET /containers/json?all=1&{filter}, and each /containers/ID/json"),
        Part::Images => format!("GET /containers/json?all=1&{filter}, and each /images/ID/json"),
        Part::Volumes => format!("GET /volumes?{filter}"),
        Part::Networks => format!("GET /networks?{filter}, and each /networks/ID"),
        Part::DockerEvents => format!("GET /events?{filter}"),
    }
}

/// A look at one project.
pub(super) struct Look<'a> {
    client: &'a Docker,
    project: &'a str,
    /// Where its files lie, if containers made from elsewhere are another's.
    pub(super) directory: Option<&'a Path>,
}

/// Why a part has no answer.
enum Failed {
    Docker(Error),
    Other(Reason, String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Docker(error)
    }
}

impl<'a> Look<'a> {
    pub(super) fn new(client: &'a Docker, project: &'a str) -> Self {
        Self { client, project, directory: None }
    }

    pub(super) async fn part(&self, part: Part) -> Outcome {
        let found = match part {
            Part::Containers => self.containers().await,
            Part::Images => self.images().await,
            Part::Volumes => self.volumes().await,
            Part::Networks => self.networks().await,
            Part::DockerEvents => self.events().await,
        };
        match found {
            Ok(items) => Outcome::Present(Value::Array(items)),
            Err(Failed::Docker(error)) => Outcome::Unavailable(unavailable(reason(&error), words(&error))),
            Err(Failed::Other(reason, why)) => Outcome::Unavailable(unavailable(reason, why)),
        }
    }

    fn filter(&self) -> HashMap<&'static str, Vec<String>> {
        HashMap::from([("label", vec![format!("{PROJECT}={}", self.project)])])
    }

    /// The project's containers, and a refusal where they are not all ours.
    async fn list(&self) -> Result<Vec<ContainerSummary>, Failed> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&self.filter()).build();
        let mut found = self.client.list_containers(Some(options)).await?;
        let label = |one: &ContainerSummary, name: &str| one.labels.as_ref()?.get(name).cloned();
        found.retain(|one| label(one, ONE_OFF).is_none_or(|is| !is.eq_ignore_ascii_case("true")));
        if found.len() > MAX {
            let why = format!("project `{}` has {} containers, more than {MAX}", self.project, found.len());
            return Err(Failed::Other(Reason::Truncated, why));
        }
        if let Some(ours) = self.directory {
            let same = |theirs: &str| {
                let theirs = Path::new(theirs);
                theirs == ours || theirs.canonicalize().is_ok_and(|theirs| theirs == ours)
            };
            let foreign = found.iter().filter_map(|one| label(one, DIRECTORY)).find(|theirs| !same(theirs));
            if let Some(theirs) = foreign {
                let why = format!(
                    "another project is called `{}` as well: its containers were made from `{theirs}`, yours are in \
                     `{}`; name yours with `-p`, or take that one down",
                    self.project,
                    ours.display()
                );
                return Err(Failed::Other(Reason::Failed, why));
            }
        }
        // By service and number, so that the order says nothing of time.
        found.sort_by_key(|one| {
            let number = label(one, "com.docker.compose.container-number");
            let number = number.and_then(|number| number.parse::<u32>().ok()).unwrap_or(u32::MAX);
            (label(one, "com.docker.compose.service"), number, one.id.clone())
        });
        Ok(found)
    }

    async fn containers(&self) -> Result<Vec<Value>, Failed> {
        let ids: Vec<_> = self.list().await?.into_iter().filter_map(|one| one.id).collect();
        let inspects = ids.iter().map(|id| async move {
            there(self.client.inspect_container(id, None::<InspectContainerOptions>).await)
        });
        Ok(try_join_all(inspects).await?.into_iter().flatten().collect())
    }

    async fn images(&self) -> Result<Vec<Value>, Failed> {
        let ids: BTreeSet<_> = self.list().await?.into_iter().filter_map(|one| one.image_id).collect();
        let inspects = ids.iter().map(|id| async move { there(self.client.inspect_image(id).await) });
        Ok(try_join_all(inspects).await?.into_iter().flatten().collect())
    }

    async fn volumes(&self) -> Result<Vec<Value>, Failed> {
        let options = ListVolumesOptionsBuilder::new().filters(&self.filter()).build();
        let mut found = self.client.list_volumes(Some(options)).await?.volumes.unwrap_or_default();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found.into_iter().map(value).collect())
    }

    async fn networks(&self) -> Result<Vec<Value>, Failed> {
        let options = ListNetworksOptionsBuilder::new().filters(&self.filter()).build();
        let mut found = self.client.list_networks(Some(options)).await?;
        found.sort_by(|one, other| one.name.cmp(&other.name));
        let ids: Vec<_> = found.into_iter().filter_map(|network| network.id).collect();
        let inspects = ids.iter().map(|id| async move {
            there(self.client.inspect_network(id, None::<InspectNetworkOptions>).await)
        });
        Ok(try_join_all(inspects).await?.into_iter().flatten().collect())
    }

    async fn events(&self) -> Result<Vec<Value>, Failed> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let options = EventsOptionsBuilder::new()
            .since(&now.saturating_sub(EVENTS_SECONDS).to_string())
            .until(&now.to_string())
            .filters(&self.filter())
            .build();
        let mut events = Vec::new();
        let mut stream = std::pin::pin!(self.client.events(Some(options)));
        while let Some(event) = stream.next().await {
            let event = event?;
            let actor = event.actor.unwrap_or_default();
            let attributes = actor.attributes.unwrap_or_default();
            events.push(json!({
                "type": event.typ.map(value),
                "action": event.action,
                "id": actor.id,
                "service": attributes.get("com.docker.compose.service"),
                "exitCode": attributes.get("exitCode"),
                "timeNano": event.time_nano,
            }));
            if events.len() == MAX_EVENTS {
                break;
            }
        }
        Ok(events)
    }
}

/// An inspected object as JSON, or nothing if it went since it was listed.
fn there<T: Serialize>(inspected: Result<T, Error>) -> Result<Option<Value>, Failed> {
    match inspected {
        Ok(found) => Ok(Some(value(found))),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn value(found: impl Serialize) -> Value {
    // What came from JSON goes back to it.
    serde_json::to_value(found).unwrap_or_default()
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::RequestTimeoutError => Reason::Timeout,
        Error::DockerResponseServerError { status_code: 403, .. } => Reason::Forbidden,
        Error::DockerResponseServerError { .. } | Error::JsonDataError { .. } => Reason::Failed,
        _ => Reason::Unreachable,
    }
}
