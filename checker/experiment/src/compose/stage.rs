//! Setting up a learner's project as it stands, for authors: the states of a
//! lab run beside each other, so none of them may publish a port.

use std::{path::Path, process::Stdio, time::Duration};

use bollard::{Docker, query_parameters::StopContainerOptionsBuilder};

use super::{Project, act, containers, model, project};

/// How long a state may take to stand, or to show that it does not.
const LIMIT: Duration = Duration::from_secs(90);

/// Starts the project as `docker compose up --detach` would, under `name`,
/// without its published ports and container names. A project that does not
/// come up is a state like any other.
///
/// # Errors
/// Compose cannot be run at all.
pub async fn start(from: &Project, host: &str, name: &str, scratch: &Path) -> Result<(), String> {
    let Ok(mut model) = project::resolved(from, host).await else {
        return Ok(());
    };
    for service in model["services"].as_object_mut().into_iter().flatten().map(|(_, service)| service) {
        if let Some(service) = service.as_object_mut() {
            service.shift_remove("ports");
            model::answer_to_container_name(service);
            service.shift_remove("container_name");
        }
    }
    let file = scratch.join("stage.json");
    std::fs::write(&file, model.to_string()).map_err(|error| format!("`{}`: {error}", file.display()))?;
    let mut command = from.command(host);
    command.arg("-f").arg(&file).args(["-p", name, "--project-directory"]).arg(&from.directory);
    command.args(["up", "--detach"]).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let run = async { command.status().await };
    match tokio::time::timeout(LIMIT, run).await {
        Ok(Err(error)) => Err(format!("`docker compose` cannot be run: {error}")),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// Stops one service of a project that was started.
///
/// # Errors
/// What the daemon answers.
pub async fn stop(client: &Docker, name: &str, service: &str) -> Result<(), String> {
    let found = containers::labelled(client, name, Some(service)).await;
    for id in found.map_err(|error| act::words(&error))? {
        let options = StopContainerOptionsBuilder::new().t(1).build();
        client.stop_container(&id, Some(options)).await.map_err(|error| act::words(&error))?;
    }
    Ok(())
}

/// Removes a project with all it has.
///
/// # Errors
/// What the daemon answers.
pub async fn discard(client: &Docker, name: &str) -> Result<(), String> {
    act::remove(client, name).await.map(drop).map_err(|error| act::words(&error))
}
