//! The step `ask`: a prober pod that sends requests and reports each.

use std::time::Duration;

use lab_spec::experiment::Ask;
use serde_json::json;

use super::manifest::{Load, Probe};
use super::prober::{self, START};
use super::{Change, Place, route};
use crate::halt::Halt;
use crate::journal::Entry;
use crate::probe::report;
use crate::run::{Run, Told};

/// Requests per second, whatever the answers.
const RATE: u32 = 30;

/// How long the prober waits for one answer; longer is the answer `timeout`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than sending and waiting takes the pod may live, so that it
/// ends even if nobody is left to delete it.
const SPARE: Duration = Duration::from_secs(60);

/// Sends the requests from a pod in the lab's namespace. The result is
/// `{reached, sent, nonce, requests}`, the requests in the order they were
/// sent: `{seq, status, error, latency_ms, pod, version, class, digest, nonce,
/// proof, proven}`. Whatever the target does to a request, refusing the
/// connection included, is recorded; a prober that cannot do its work is not
/// the target's doing, so there is no result then.
pub(crate) async fn step(run: &mut Run<'_, '_>, place: &Place, at: usize, ask: &Ask) -> Result<Told, Halt> {
    let (url, count) = (ask.http.as_str(), ask.count);
    route::known(run, place, url).await?;
    let name = prober::name();
    let nonce = format!("{}-{}", run.setting.nonce, at + 1);
    let work = Duration::from_secs(u64::from(count.div_ceil(RATE))) + TIMEOUT;
    let probe = Probe {
        name: &name,
        namespace: &place.namespace,
        run: run.id(),
        image: &place.probe_image,
        args: arguments(url, count, &nonce),
        labels: None,
        load: Load::Light,
        at_most: START + work + SPARE,
    };
    let manifest = probe.manifest();
    run.journal(Entry::Kubernetes(Change::Probe { name: name.clone() }))?;
    run.tell(&format!("asking {url} {count} times from pod/{name}"));
    prober::start(run, place, &manifest, &name).await?;
    let end = prober::ended(run, place, &name, run.limit(work + START)).await?;
    let log = prober::log(run, place, &name).await?;
    let requests = report::requests(&log, &nonce, count).map_err(|why| {
        Halt::Unavailable(format!("the prober `{name}` did not do its work ({end}): {why}"))
    })?;
    // Later looks and asks must not see it. If this fails, undo tries again.
    run.undo_last().await;
    let what = format!("asked {url} {count} times: {}", report::words(&requests));
    let result = json!({
        "reached": !requests.is_empty(),
        "sent": requests.len(),
        "nonce": nonce,
        "requests": requests,
    });
    Ok(Told { what, result: Some(result) })
}

fn arguments(url: &str, count: u32, nonce: &str) -> Vec<String> {
    let (count, rate, timeout) = (count.to_string(), RATE.to_string(), format!("{}s", TIMEOUT.as_secs()));
    [
        "load",
        "--url",
        url,
        "--count",
        &count,
        "--max-requests",
        &count,
        "--rate",
        &rate,
        "--connections",
        "fresh",
        "--nonce",
        nonce,
        "--timeout",
        &timeout,
    ]
    .map(str::to_owned)
    .to_vec()
}
