//! The step `ask`: a prober container on the copy's networks.

use std::{collections::HashMap, time::Duration};

use bollard::{
    models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig},
    query_parameters::{CreateContainerOptions, RemoveContainerOptionsBuilder},
};
use lab_spec::experiment::Ask;
use serde_json::json;
use tokio::time::timeout;

use super::{PROJECT, Place, act::unavailable, containers, exec};
use crate::{
    halt::Halt,
    probe::report,
    run::{Run, Told},
};

/// Requests per second, whatever the answers.
const RATE: u32 = 20;
/// How long the prober waits for one answer; longer is the answer `timeout`.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the prober may take to start and end beside its requests.
const SPARE: Duration = Duration::from_secs(20);

/// Sends the requests from a container on the network of the service that the
/// URL names. The result is that of `ask` on a cluster: `{reached, sent,
/// nonce, requests}`.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, at: usize, ask: &Ask) -> Result<Told, Halt> {
    let (url, count) = (ask.http.as_str(), ask.count);
    let client = &place.daemon.client;
    let nonce = format!("{}-{}", run.setting.nonce, at + 1);
    let host = url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let Some(network) = network(place, host).await? else {
        return Err(Halt::Stopped(format!(
            "service `{host}` of the copy is on no network, so it cannot be asked"
        )));
    };
    let body = ContainerCreateBody {
        image: Some(place.probe_image.clone()),
        cmd: Some(arguments(url, count, &nonce)),
        labels: Some(HashMap::from([(PROJECT.to_owned(), place.copy.clone())])),
        host_config: Some(HostConfig { network_mode: Some(network.clone()), ..HostConfig::default() }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network, EndpointSettings::default())])),
        }),
        ..ContainerCreateBody::default()
    };
    run.tell(&format!("asking {url} {count} times"));
    let made = client.create_container(None::<CreateContainerOptions>, body).await;
    let made = made.map_err(|error| unavailable("make the prober", &error))?.id;
    let limit = Duration::from_secs(u64::from(count.div_ceil(RATE))) + TIMEOUT + SPARE;
    let ran = run.unless_cancelled(timeout(limit, exec::ran(client, &made))).await?;
    // What stays is removed with the copy, whose label it carries.
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    let _ = client.remove_container(&made, Some(options)).await;
    let output = ran
        .map_err(|_| Halt::Unavailable(format!("the prober did not end within {} s", limit.as_secs())))?
        .map_err(|error| unavailable("run the prober", &error))?;
    let requests = report::requests(&output.out, &nonce, count).map_err(|why| {
        Halt::Unavailable(format!("the prober did not do its work (exit code {}): {why}", output.code))
    })?;
    let what = format!("asked {url} {count} times: {}", report::words(&requests));
    let result = json!({
        "reached": !requests.is_empty(),
        "sent": requests.len(),
        "nonce": nonce,
        "requests": requests,
    });
    Ok(Told { what, result: Some(result) })
}

/// A network of the service's container, whether or not it runs.
async fn network(place: &Place, service: &str) -> Result<Option<String>, Halt> {
    let container = containers::first(place, service).await?;
    let networks = container.and_then(|container| container.network_settings?.networks).unwrap_or_default();
    Ok(networks.into_keys().min())
}

fn arguments(url: &str, count: u32, nonce: &str) -> Vec<String> {
    let (count, rate, timeout) = (count.to_string(), RATE.to_string(), format!("{}s", TIMEOUT.as_secs()));
    let words = ["load", "--url", url, "--count", &count, "--max-requests", &count, "--rate", &rate];
    let more = ["--connections", "fresh", "--nonce", nonce, "--timeout", &timeout];
    words.iter().chain(&more).map(ToString::to_string).collect()
}
