//! Every request that changes something in a Docker daemon.

use std::{collections::HashMap, io::ErrorKind, path::Path, time::Duration};

use bollard::{
    Docker, body_full,
    errors::Error,
    models::{ContainerCreateBody, HostConfig},
    query_parameters::{
        KillContainerOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
        ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
        RemoveVolumeOptionsBuilder, RestartContainerOptionsBuilder, StartContainerOptions,
        StopContainerOptionsBuilder, UploadToContainerOptionsBuilder,
    },
};
use futures::future::join_all;
use lab_spec::experiment::compose::Write;
use serde_json::json;

use super::{Change, Daemon, PROJECT, Place, containers, exec, group};
use crate::{
    halt::Halt,
    run::{Run, Told},
};

/// Seconds a container may take to stop before it is killed.
const GRACE: i32 = 10;
/// How long emptying a copy's directory may take.
const EMPTIES: Duration = Duration::from_secs(30);

/// What is done to a service's containers.
#[derive(Clone, Copy)]
pub(super) enum Signal {
    Kill,
    Stop,
    Start,
    Restart,
}

impl Signal {
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "killed",
            Self::Stop => "stopped",
            Self::Start => "started",
            Self::Restart => "restarted",
        }
    }
}

/// Does it to all containers of the service; the result is `{ok, said}`.
pub(super) async fn signal(
    run: &mut Run<'_, '_>,
    place: &Place,
    service: &str,
    signal: Signal,
) -> Result<Told, Halt> {
    let client = &place.daemon.client;
    let found = containers::ids(place, Some(service)).await?;
    let work = found.iter().map(|id| send(client, id, signal));
    let answers = run.unless_cancelled(join_all(work)).await?;
    let said: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err().map(words)).collect();
    let ok = said.is_empty() && !found.is_empty();
    let said = if found.is_empty() { "it has no container".to_owned() } else { said.join("; ") };
    let what = match ok {
        true => format!("{} `{service}`", signal.word()),
        false => format!("`{service}` could not be {}: {said}", signal.word()),
    };
    Ok(Told { what, result: Some(json!({"ok": ok, "said": said})) })
}

async fn send(client: &Docker, id: &str, signal: Signal) -> Result<(), Error> {
    match signal {
        Signal::Kill => {
            client.kill_container(id, Some(KillContainerOptionsBuilder::new().signal("KILL").build())).await
        }
        Signal::Stop => {
            client.stop_container(id, Some(StopContainerOptionsBuilder::new().t(GRACE).build())).await
        }
        Signal::Start => client.start_container(id, None::<StartContainerOptions>).await,
        Signal::Restart => {
            client.restart_container(id, Some(RestartContainerOptionsBuilder::new().t(GRACE).build())).await
        }
    }
}

/// Tries to put a small file into a directory of the container; the result is
/// `{written, readonly, said}`. The daemon refuses where a mount, or the whole
/// container, is read-only: the same flag that stops the process inside.
pub(super) async fn write(run: &mut Run<'_, '_>, place: &Place, write: &Write) -> Result<Told, Halt> {
    let Write { service, path } = write;
    let name = format!("labcheck-{}", &run.id()[..8]);
    let Some(id) = containers::ids(place, Some(service)).await?.into_iter().next() else {
        let said = format!("`{service}` has no container");
        let result = json!({"written": false, "readonly": false, "said": said});
        return Ok(Told { what: said, result: Some(result) });
    };
    let archive =
        archive(&name).map_err(|error| Halt::Unavailable(format!("cannot make an archive: {error}")))?;
    let options = UploadToContainerOptionsBuilder::new().path(path).build();
    let upload = place.daemon.client.upload_to_container(&id, Some(options), body_full(archive.into()));
    let said = match run.unless_cancelled(upload).await? {
        Ok(()) => String::new(),
        Err(Error::DockerResponseServerError { message, .. }) => message.trim().to_owned(),
        Err(error) => {
            return Err(Halt::Unavailable(format!("cannot write to `{service}`: {}", words(&error))));
        }
    };
    let (written, readonly) = (said.is_empty(), said.contains("read-only"));
    let what = match written {
        true => format!("wrote `{path}/{name}` in `{service}`"),
        false => format!("could not write to `{path}` in `{service}`: {said}"),
    };
    Ok(Told { what, result: Some(json!({"written": written, "readonly": readonly, "said": said})) })
}

fn archive(name: &str) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(0);
    tar.append_data(&mut header, name, std::io::empty())?;
    tar.into_inner()
}

/// Undoes one change; everything may be undone twice.
pub(crate) async fn undo(daemon: &Daemon, change: &Change) -> Result<Option<String>, Halt> {
    match change {
        Change::Copy { project, directory } => {
            let removed = remove(&daemon.client, project).await.map_err(|error| {
                Halt::Unavailable(format!("compose project `{project}` is not removed: {}", words(&error)))
            })?;
            remove_directory(daemon, project, directory).await?;
            Ok((removed > 0).then(|| format!("removed compose project `{project}` with all it had")))
        }
        Change::Process { project, pid } => {
            group::end(*pid, project);
            Ok(None)
        }
    }
}

/// Removes all that carries the project's label; says how much it was.
pub(super) async fn remove(client: &Docker, project: &str) -> Result<usize, Error> {
    let label = format!("{PROJECT}={project}");
    let filters = HashMap::from([("label", vec![label])]);
    let ids = containers::labelled(client, project, None).await?;
    let gone = |answer: Result<(), Error>| match answer {
        Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        answer => answer,
    };
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removals = ids.iter().map(|id| client.remove_container(id, Some(options.clone())));
    for answer in join_all(removals).await {
        gone(answer)?;
    }
    // What one request was still making when its sender died is there by now.
    for id in containers::labelled(client, project, None).await? {
        gone(client.remove_container(&id, Some(options.clone())).await)?;
    }
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    for network in client.list_networks(Some(networks)).await? {
        gone(client.remove_network(&network.id.unwrap_or_default()).await)?;
    }
    let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
    for volume in client.list_volumes(Some(volumes)).await?.volumes.unwrap_or_default() {
        let options = RemoveVolumeOptionsBuilder::new().force(true).build();
        gone(client.remove_volume(&volume.name, Some(options)).await)?;
    }
    let images = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
    for image in client.list_images(Some(images)).await? {
        let options = RemoveImageOptionsBuilder::new().force(true).build();
        gone(client.remove_image(&image.id, Some(options), None).await.map(drop))?;
    }
    Ok(ids.len())
}

/// Removes the copy's directory. What containers wrote into it may be another
/// user's, so that only a container can remove it.
async fn remove_directory(daemon: &Daemon, project: &str, directory: &Path) -> Result<(), Halt> {
    let cannot = |why: String| Halt::Unavailable(format!("cannot remove `{}`: {why}", directory.display()));
    let removed = match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            empty(daemon, project, directory).await.map_err(cannot)?;
            std::fs::remove_dir_all(directory)
        }
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot(error.to_string())),
        _ => Ok(()),
    }
}

/// Empties a directory from a container.
async fn empty(daemon: &Daemon, project: &str, directory: &Path) -> Result<(), String> {
    let bind = format!("{}:/copy", directory.display());
    let body = ContainerCreateBody {
        image: Some(daemon.probe_image.clone()),
        cmd: Some(vec!["empty".to_owned(), "/copy".to_owned()]),
        user: Some("0".to_owned()),
        labels: Some(HashMap::from([(PROJECT.to_owned(), project.to_owned())])),
        network_disabled: Some(true),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            binds: Some(vec![bind]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    match exec::once(&daemon.client, body, EMPTIES).await {
        Ok(Some(output)) if output.code == 0 => Ok(()),
        Ok(Some(output)) => Err(output.err.trim().to_owned()),
        Ok(None) => Err(format!("it was not emptied within {} s", EMPTIES.as_secs())),
        Err(error) => Err(words(&error)),
    }
}

/// What a request to the daemon failed of.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => other.to_string(),
    }
}

/// A failed request that changes nothing of what is known of the project.
pub(super) fn unavailable(what: &str, error: &Error) -> Halt {
    Halt::Unavailable(format!("Docker could not {what}: {}", words(error)))
}
