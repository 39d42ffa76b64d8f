//! One list, followed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http_body_util::BodyExt;
use kube::client::Body;
use lab_spec::{
    Kind, Observation, Outcome, Request,
    evidence::{Provenance, Reason, Unavailable},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::mpsc, time};

use super::Change;
use crate::{
    Inner,
    get::{Answer, encoded, read, refused, too_large, unavailable},
    item::Item,
    list,
};

/// The server ends a watch after this; proxies cut longer ones off.
const LIFETIME_S: u32 = 290;
/// Silence after which a watch counts as dead: bookmarks come every minute.
const SILENCE: Duration = Duration::from_secs(90);
/// Bytes of one event.
const MAX_EVENT: usize = 16 << 20;
/// Bytes of a refusal.
const MAX_REFUSAL: usize = 1 << 20;
/// Shortest and longest pause before the next try.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Pause where trying again soon is useless, as without the right to look.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// One event of a watch.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    what: String,
    object: Item,
}

/// Why following stopped.
enum Stopped {
    /// The connection ended: to be resumed.
    Ended,
    /// The resourceVersion is too old: to be read anew.
    Expired,
    /// The server cannot be asked.
    Unavailable(Unavailable),
    /// Nobody listens any more.
    Unheard,
}

/// A list and how far it is known.
pub(super) struct Watched {
    inner: Arc<Inner>,
    kind: Kind,
    namespace: Option<String>,
    key: String,
    /// By namespace and name, which is the order servers list them in.
    items: BTreeMap<String, Value>,
    version: String,
    /// The request the newest state is from.
    asked: String,
    /// What the last change said if it was not a list.
    told: Option<Outcome>,
    pause: Duration,
}

impl Watched {
    /// `None` for requests that are no LISTs.
    pub(super) fn new(inner: Arc<Inner>, request: &Request, version: &str, items: &[Value]) -> Option<Self> {
        let Request::List { kind, namespace } = request else { return None };
        Some(Self {
            inner,
            kind: kind.clone(),
            namespace: namespace.clone(),
            key: request.key(),
            items: items.iter().map(|item| (place_of(item), item.clone())).collect(),
            version: version.to_owned(),
            asked: String::new(),
            told: None,
            pause: PAUSE.0,
        })
    }

    pub(super) async fn run(mut self, changes: mpsc::Sender<Change>) {
        loop {
            let stopped = if self.version.is_empty() {
                self.read_anew(&changes).await
            } else {
                self.follow(&changes).await
            };
            let wait = match stopped {
                Ok(()) => Duration::ZERO,
                Err(Stopped::Unheard) => return,
                Err(Stopped::Ended) => Duration::ZERO,
                Err(Stopped::Expired) => {
                    self.version.clear();
                    Duration::ZERO
                }
                Err(Stopped::Unavailable(failure)) => {
                    let wait = match failure.reason {
                        Reason::Unauthorized | Reason::Forbidden => LONG_PAUSE,
                        _ => self.next_pause(),
                    };
                    if self.tell(&changes, Outcome::Unavailable(failure), false).await.is_err() {
                        return;
                    }
                    wait
                }
            };
            time::sleep(wait).await;
        }
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE.1);
        pause
    }

    /// Reads the whole list; what changed in between is a gap.
    async fn read_anew(&mut self, changes: &mpsc::Sender<Change>) -> Result<(), Stopped> {
        let inner = Arc::clone(&self.inner);
        let namespace = self.namespace.as_deref();
        self.asked = format!("GET {}", list::first_page(&self.kind, namespace));
        let channel = inner.channel().map_err(Stopped::Unavailable)?;
        let mut listed = list::list(&channel, &self.kind, namespace).await;
        inner.redactor.outcome(&mut listed.outcome);
        match listed.outcome {
            Outcome::Present(Value::Array(items)) => {
                self.items = items.into_iter().map(|item| (place_of(&item), item)).collect();
                self.version = listed.resource_version.unwrap_or_default();
                self.tell_items(changes, true).await
            }
            Outcome::Unavailable(failure) => Err(Stopped::Unavailable(failure)),
            answer => {
                self.tell(changes, answer, true).await?;
                time::sleep(LONG_PAUSE).await;
                Ok(())
            }
        }
    }

    /// Follows the list from its resourceVersion until that ends.
    async fn follow(&mut self, changes: &mpsc::Sender<Change>) -> Result<(), Stopped> {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={LIFETIME_S}&resourceVersion={}",
            list::collection(&self.kind, self.namespace.as_deref()),
            encoded(&self.version),
        );
        self.asked = format!("GET {path}");
        let body = self.open(&path).await?;
        if self.told.is_some() {
            // The events missed meanwhile are still to come: no gap.
            self.tell_items(changes, false).await?;
        }
        let opened = time::Instant::now();
        let stopped = self.events(body, changes).await;
        if opened.elapsed() < PAUSE.1 && matches!(stopped, Err(Stopped::Ended)) {
            // A server that hangs up at once is not asked in a tight loop.
            time::sleep(self.next_pause()).await;
        } else {
            self.pause = PAUSE.0;
        }
        stopped
    }

    async fn open(&self, path: &str) -> Result<Body, Stopped> {
        let channel = self.inner.channel().map_err(Stopped::Unavailable)?;
        let ask = async {
            let response = channel.send(path).await?;
            let status = response.status();
            if status == 200 {
                return Ok(Ok(response.into_body()));
            }
            Ok(Err(Answer { status, body: read(response.into_body(), MAX_REFUSAL).await? }))
        };
        match time::timeout(channel.timeout, ask).await.unwrap_or_else(|_| Err(channel.timed_out())) {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(answer)) if matches!(answer.status.as_u16(), 404 | 410) => Err(Stopped::Expired),
            Ok(Err(answer)) => Err(Stopped::Unavailable(refused(&answer))),
            Err(failure) => Err(Stopped::Unavailable(failure)),
        }
    }

    async fn events(&mut self, mut body: Body, changes: &mpsc::Sender<Change>) -> Result<(), Stopped> {
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            // Silence and broken connections alike: the next try will tell.
            let Ok(Some(Ok(frame))) = time::timeout(SILENCE, body.frame()).await else {
                return Err(Stopped::Ended);
            };
            let Ok(data) = frame.into_data() else { continue };
            let scanned = buffer.len();
            buffer.extend_from_slice(&data);
            let Some(end) = buffer[scanned..].iter().rposition(|byte| *byte == b'\n') else {
                if buffer.len() > MAX_EVENT {
                    return Err(Stopped::Unavailable(too_large(MAX_EVENT)));
                }
                continue;
            };
            let rest = buffer.split_off(scanned + end + 1);
            let lines = std::mem::replace(&mut buffer, rest);
            let mut changed = false;
            let mut stopped = Ok(());
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                match self.apply(line) {
                    Ok(new) => changed |= new,
                    Err(why) => {
                        stopped = Err(why);
                        break;
                    }
                }
            }
            if changed {
                self.tell_items(changes, false).await?;
            }
            stopped?;
        }
    }

    /// Takes in one event; says whether it changed anything.
    fn apply(&mut self, line: &[u8]) -> Result<bool, Stopped> {
        let event: Event = serde_json::from_slice(line).map_err(|error| {
            let message = format!("an event of `{}` cannot be read: {error}", self.asked);
            Stopped::Unavailable(unavailable(Reason::Failed, message))
        })?;
        if event.what == "ERROR" {
            return Err(match event.object.number("code") {
                Some(410) => Stopped::Expired,
                code => {
                    let message =
                        format!("the server ended the watch of `{}` with {code:?}", self.kind.plural);
                    Stopped::Unavailable(unavailable(Reason::Failed, message))
                }
            });
        }
        if let Some(version) = event.object.meta("resourceVersion") {
            self.version = version.to_owned();
        }
        let place = place(event.object.meta("namespace"), event.object.meta("name"));
        Ok(match event.what.as_str() {
            "ADDED" | "MODIFIED" => {
                let mut object = event.object.of_kind(&self.kind);
                self.inner.redactor.object(&mut object);
                let unchanged = self.items.get(&place) == Some(&object);
                self.items.insert(place, object);
                !unchanged
            }
            "DELETED" => self.items.remove(&place).is_some(),
            _ => false,
        })
    }

    async fn tell_items(&mut self, changes: &mpsc::Sender<Change>, gap: bool) -> Result<(), Stopped> {
        let items = self.items.values().cloned().collect();
        self.told = None;
        self.send(changes, Outcome::Present(items), gap).await
    }

    /// Tells what is no list, once.
    async fn tell(
        &mut self,
        changes: &mpsc::Sender<Change>,
        outcome: Outcome,
        gap: bool,
    ) -> Result<(), Stopped> {
        let same = match (&self.told, &outcome) {
            // Its words may differ from try to try.
            (Some(Outcome::Unavailable(told)), Outcome::Unavailable(now)) => told.reason == now.reason,
            (told, now) => told.as_ref() == Some(now),
        };
        if same {
            return Ok(());
        }
        self.told = Some(outcome.clone());
        self.send(changes, outcome, gap).await
    }

    async fn send(&self, changes: &mpsc::Sender<Change>, outcome: Outcome, gap: bool) -> Result<(), Stopped> {
        let known = matches!(outcome, Outcome::Present(_));
        let provenance = Provenance {
            request: self.asked.clone(),
            resource_version: known.then(|| self.version.clone()),
            at_ms: self.inner.clock.at_ms(),
            skew_ms: self.inner.clock.skew_ms(),
        };
        let observation = Observation { outcome, provenance };
        let change = Change { key: self.key.clone(), observation, gap };
        changes.send(change).await.map_err(|_| Stopped::Unheard)
    }
}

fn place_of(item: &Value) -> String {
    let metadata = &item["metadata"];
    place(metadata["namespace"].as_str(), metadata["name"].as_str())
}

/// Where an object stands in its list.
fn place(namespace: Option<&str>, name: Option<&str>) -> String {
    format!("{}/{}", namespace.unwrap_or_default(), name.unwrap_or_default())
}
