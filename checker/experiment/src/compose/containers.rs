//! The copy's containers: which there are, how they are, what they say.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bollard::{
    Docker,
    errors::Error,
    models::ContainerInspectResponse,
    query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder, LogsOptionsBuilder},
};
use futures::StreamExt as _;
use lab_spec::experiment::compose::{LogLines, WaitUp};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{PROJECT, Place, SERVICE, act::unavailable};
use crate::{
    halt::Halt,
    run::{Run, Told},
};

/// Between two looks of a wait.
const TICK: Duration = Duration::from_millis(100);
/// Bytes of a log that are read.
const MAX_LOG: usize = 4 << 20;

/// Ids of a project's containers, or of one service's, by number.
pub(super) async fn labelled(
    client: &Docker,
    project: &str,
    service: Option<&str>,
) -> Result<Vec<String>, Error> {
    let mut labels = vec![format!("{PROJECT}={project}")];
    labels.extend(service.map(|service| format!("{SERVICE}={service}")));
    let filters = HashMap::from([("label", labels)]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let mut found = client.list_containers(Some(options)).await?;
    found.sort_by_key(|one| {
        let labels = one.labels.clone().unwrap_or_default();
        labels.get("com.docker.compose.container-number").and_then(|number| number.parse::<u32>().ok())
    });
    Ok(found.into_iter().filter_map(|one| one.id).collect())
}

/// Ids of the copy's containers.
pub(super) async fn ids(place: &Place, service: Option<&str>) -> Result<Vec<String>, Halt> {
    labelled(&place.daemon.client, &place.copy, service)
        .await
        .map_err(|error| unavailable("list the copy's containers", &error))
}

/// The first container of a service.
pub(super) async fn first(place: &Place, service: &str) -> Result<Option<ContainerInspectResponse>, Halt> {
    match ids(place, Some(service)).await?.first() {
        Some(id) => inspect(place, id, &format!("inspect `{service}`")).await,
        None => Ok(None),
    }
}

/// A container, or nothing if it went since it was listed.
async fn inspect(place: &Place, id: &str, what: &str) -> Result<Option<ContainerInspectResponse>, Halt> {
    match place.daemon.client.inspect_container(id, None::<InspectContainerOptions>).await {
        Ok(container) => Ok(Some(container)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(unavailable(what, &error)),
    }
}

/// How a container is, in a word, and whether that is up.
fn stage(container: &ContainerInspectResponse) -> (bool, String) {
    let state = container.state.clone().unwrap_or_default();
    let status = state.status.map(|status| status.to_string()).unwrap_or_default();
    let health = state.health.and_then(|health| health.status).map(|status| status.to_string());
    match health.as_deref() {
        _ if status != "running" => {
            (false, format!("{status}, exit code {}", state.exit_code.unwrap_or_default()))
        }
        None | Some("" | "none") => (true, "running".to_owned()),
        Some(health) => (health == "healthy", health.to_owned()),
    }
}

/// What tells a container from another one, and from itself after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Face {
    id: String,
    image: String,
    started: String,
}

impl Face {
    fn of(container: &ContainerInspectResponse) -> Self {
        let started = container.state.as_ref().and_then(|state| state.started_at.clone());
        let (id, image) = (container.id.clone(), container.image.clone());
        Self {
            id: id.unwrap_or_default(),
            image: image.unwrap_or_default(),
            started: started.unwrap_or_default(),
        }
    }
}

/// The faces of all services' first containers.
pub(super) async fn faces(place: &Place) -> Result<BTreeMap<String, Face>, Halt> {
    let mut faces = BTreeMap::new();
    for id in ids(place, None).await? {
        // One that is not known is not one that changed: hence no error is passed over.
        let Some(container) = inspect(place, &id, "inspect the copy's containers").await? else { continue };
        let labels = container.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default();
        if let Some(service) = labels.get(SERVICE) {
            faces.entry(service.clone()).or_insert_with(|| Face::of(&container));
        }
    }
    Ok(faces)
}

/// Waits until the service's container is another than before the last edit,
/// or was started anew, and is up; the result is `{ok, tookMs}`. What has not
/// changed in time is an answer.
pub(super) async fn changed(run: &mut Run<'_, '_>, place: &Place, wait: &WaitUp) -> Result<Told, Halt> {
    let WaitUp { service, within } = wait;
    let edited = place.beside.0.lock().await.edited.clone();
    let before = edited.and_then(|edited| edited.before.get(service).cloned()).unwrap_or_default();
    let (began, limit) = (Instant::now(), run.limit((*within).into()));
    run.tell(&format!("waiting for `{service}` to change"));
    let ok = loop {
        if let Some(container) = first(place, service).await?
            && Face::of(&container) != before
            && stage(&container).0
        {
            break true;
        }
        place.beside.0.lock().await.watch.check()?;
        if Instant::now() >= limit {
            break false;
        }
        run.unless_cancelled(sleep(TICK)).await?;
    };
    let took = began.elapsed().as_millis() as u64;
    let what = match ok {
        true => format!("`{service}` changed {took} ms after the edit"),
        false => format!("`{service}` did not change within {within}"),
    };
    Ok(Told { what, result: Some(json!({"ok": ok, "tookMs": took})) })
}

/// Waits until the service is up; the result is `{ok, state, tookMs}`.
pub(super) async fn wait(run: &mut Run<'_, '_>, place: &Place, wait: &WaitUp) -> Result<Told, Halt> {
    let WaitUp { service, within } = wait;
    let (began, limit) = (Instant::now(), run.limit((*within).into()));
    run.tell(&format!("waiting for `{service}`"));
    let (ok, state) = loop {
        let (ok, state) = match first(place, service).await? {
            Some(container) => stage(&container),
            None => (false, "it has no container".to_owned()),
        };
        if ok || Instant::now() >= limit {
            break (ok, state);
        }
        run.unless_cancelled(sleep(TICK)).await?;
    };
    let took = began.elapsed().as_millis() as u64;
    let what = match ok {
        true => format!("`{service}` was up after {took} ms"),
        false => format!("`{service}` was not up within {within}: {state}"),
    };
    if !ok {
        run.slow = Some(what.clone());
    }
    Ok(Told { what, result: Some(json!({"ok": ok, "state": state, "tookMs": took})) })
}

/// Counts lines of the service's logs; the result is `{lines, matching}`.
pub(super) async fn logs(run: &mut Run<'_, '_>, place: &Place, logs: &LogLines) -> Result<Told, Halt> {
    let LogLines { service, contains } = logs;
    let mut text = Vec::new();
    for id in ids(place, Some(service)).await? {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let mut stream = std::pin::pin!(place.daemon.client.logs(&id, Some(options)));
        while let Some(piece) = run.unless_cancelled(stream.next()).await? {
            let piece =
                piece.map_err(|error| unavailable(&format!("read the log of `{service}`"), &error))?;
            text.extend_from_slice(&piece.into_bytes());
            if text.len() > MAX_LOG {
                return Err(Halt::Unavailable(format!("the log of `{service}` is larger than 4 MiB")));
            }
        }
    }
    let text = String::from_utf8_lossy(&text);
    let matching = text.lines().filter(|line| line.contains(contains.as_str())).count();
    let lines = text.lines().count();
    let what = format!("{matching} of {lines} lines of `{service}` contain `{contains}`");
    Ok(Told { what, result: Some(json!({"lines": lines, "matching": matching})) })
}
