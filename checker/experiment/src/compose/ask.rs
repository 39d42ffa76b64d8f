//! The step `ask`: a prober container on the copy's networks.

use std::{collections::HashMap, time::Duration};

use bollard::{
    models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig},
    query_parameters::ListNetworksOptionsBuilder,
};
use lab_spec::experiment::{Ask, compose::Answered};
use serde_json::json;
use tokio::time::{Instant, sleep};

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
/// Between two asks of a wait.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the prober may take to start and end beside its requests.
const SPARE: Duration = Duration::from_secs(20);

/// Sends the requests from a container on the network of the service that the
/// URL names. The result is that of `ask` on a cluster: `{reached, sent,
/// nonce, requests}`.
pub(super) async fn step(run: &mut Run<'_, '_>, place: &Place, at: usize, ask: &Ask) -> Result<Told, Halt> {
    let (url, count) = (ask.http.as_str(), ask.count);
    let nonce = format!("{}-{}", run.setting.nonce, at + 1);
    run.tell(&format!("asking {url} {count} times"));
    let requests = send(run, place, url, count, &nonce).await?;
    let what = format!("asked {url} {count} times: {}", report::words(&requests));
    let result = json!({
        "reached": !requests.is_empty(),
        "sent": requests.len(),
        "nonce": nonce,
        "requests": requests,
    });
    Ok(Told { what, result: Some(result) })
}

/// Asks once and again until an answer carries the last edit's nonce as its
/// version; the result is `{ok, tookMs, version}`, the version that of the
/// last answer.
pub(super) async fn answered(
    run: &mut Run<'_, '_>,
    place: &Place,
    at: usize,
    answered: &Answered,
) -> Result<Told, Halt> {
    let (url, within) = (answered.http.as_str(), answered.within);
    let edited = place.beside.0.lock().await.edited.clone();
    let wanted = edited.map(|edited| edited.nonce).unwrap_or_default();
    let (began, limit) = (Instant::now(), run.limit(within.into()));
    run.tell(&format!("asking {url} until it answers with what was edited"));
    let mut version = None;
    for turn in 1_u32.. {
        let nonce = format!("{}-{}-{turn}", run.setting.nonce, at + 1);
        let requests = send(run, place, url, 1, &nonce).await?;
        version = requests.first().and_then(|request| request.version().map(str::to_owned));
        if version.as_ref() == Some(&wanted) || Instant::now() >= limit {
            break;
        }
        place.beside.0.lock().await.watch.check()?;
        run.unless_cancelled(sleep(PAUSE)).await?;
    }
    let ok = version.as_ref() == Some(&wanted);
    let took = began.elapsed().as_millis() as u64;
    let what = match ok {
        true => format!("{url} answered with what was edited after {took} ms"),
        false => format!("{url} did not answer with what was edited within {within}"),
    };
    Ok(Told { what, result: Some(json!({"ok": ok, "tookMs": took, "version": version})) })
}

/// Sends requests from a container of the prober.
async fn send(
    run: &Run<'_, '_>,
    place: &Place,
    url: &str,
    count: u32,
    nonce: &str,
) -> Result<Vec<report::Request>, Halt> {
    let host = url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let Some(network) = network(place, host).await? else {
        return Err(Halt::Stopped(format!("the copy has no network, so `{host}` cannot be asked")));
    };
    let body = ContainerCreateBody {
        image: Some(place.daemon.probe_image.clone()),
        cmd: Some(arguments(url, count, nonce)),
        labels: Some(HashMap::from([(PROJECT.to_owned(), place.copy.clone())])),
        host_config: Some(HostConfig { network_mode: Some(network.clone()), ..HostConfig::default() }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network, EndpointSettings::default())])),
        }),
        ..ContainerCreateBody::default()
    };
    let limit = Duration::from_secs(u64::from(count.div_ceil(RATE))) + TIMEOUT + SPARE;
    let ran = run.unless_cancelled(exec::once(&place.daemon.client, body, limit)).await?;
    let Some(output) = ran.map_err(|error| unavailable("run the prober", &error))? else {
        return Err(Halt::Unavailable(format!("the prober did not end within {} s", limit.as_secs())));
    };
    report::requests(&output.out, nonce, count).map_err(|why| {
        Halt::Unavailable(format!("the prober did not do its work (exit code {}): {why}", output.code))
    })
}

/// A network of the service's container, whether or not it runs; for a
/// service without one the project's first network, where its name leads
/// nowhere, which is the answer.
async fn network(place: &Place, service: &str) -> Result<Option<String>, Halt> {
    let container = containers::first(place, service).await?;
    let networks = container.and_then(|container| container.network_settings?.networks).unwrap_or_default();
    if let Some(network) = networks.into_keys().min() {
        return Ok(Some(network));
    }
    let filters = HashMap::from([("label", vec![format!("{PROJECT}={}", place.copy)])]);
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let found = place.daemon.client.list_networks(Some(options)).await;
    let found = found.map_err(|error| unavailable("list the copy's networks", &error))?;
    Ok(found.into_iter().filter_map(|network| network.name).min())
}

fn arguments(url: &str, count: u32, nonce: &str) -> Vec<String> {
    let (count, rate, timeout) = (count.to_string(), RATE.to_string(), format!("{}s", TIMEOUT.as_secs()));
    let words = ["load", "--url", url, "--count", &count, "--max-requests", &count, "--rate", &rate];
    let more = ["--connections", "fresh", "--nonce", nonce, "--timeout", &timeout];
    words.iter().chain(&more).map(ToString::to_string).collect()
}
