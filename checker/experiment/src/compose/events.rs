//! Docker's events of the copy, collected while it is made: the daemon itself
//! forgets after 256 of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bollard::{Docker, query_parameters::EventsOptionsBuilder};
use futures::StreamExt as _;
use serde::Serialize;
use tokio::task::JoinHandle;

use super::{PROJECT, SERVICE};

/// Between a stream that broke and the next try.
const PAUSE: Duration = Duration::from_millis(200);

/// When a service's containers did what, in milliseconds after the following
/// began; `None` if they did not.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Times {
    /// First start.
    pub(super) started_ms: Option<i64>,
    /// First success of the health check.
    pub(super) healthy_ms: Option<i64>,
    /// How often they were started.
    pub(super) starts: u32,
    /// How often they ended.
    pub(super) deaths: u32,
}

/// A stream of events, followed until this is dropped.
pub(super) struct Following {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    services: BTreeMap<String, Times>,
    /// Time of the newest event, in nanoseconds, and what was seen at it.
    last: i64,
    broken: Option<String>,
}

impl Following {
    /// Begins now. Events are asked for from this moment on, by the daemon's
    /// own record, so that none is missed before the stream stands.
    pub(super) fn begin(client: &Docker, project: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let began = nanoseconds();
        let (client, project) = (client.clone(), project.to_owned());
        let task = tokio::spawn(follow(client, project, began, Arc::clone(&seen)));
        Self { seen, task }
    }

    /// What was seen so far, by service.
    ///
    /// # Errors
    /// Events were missed: the stream is broken.
    pub(super) fn times(&self) -> Result<BTreeMap<String, Times>, String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &seen.broken {
            Some(why) => Err(why.clone()),
            None => Ok(seen.services.clone()),
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn nanoseconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

async fn follow(client: Docker, project: String, began: i64, seen: Arc<Mutex<Seen>>) {
    let filters = HashMap::from([
        ("label", vec![format!("{PROJECT}={project}")]),
        ("type", vec!["container".to_owned()]),
    ]);
    loop {
        let from = seen.lock().unwrap_or_else(PoisonError::into_inner).last.max(began);
        let since = format!("{}.{:09}", from / 1_000_000_000, from % 1_000_000_000);
        let options = EventsOptionsBuilder::new().since(&since).filters(&filters).build();
        let mut stream = std::pin::pin!(client.events(Some(options)));
        while let Some(event) = stream.next().await {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Ok(event) => {
                    seen.broken = None;
                    seen.take(&event, began);
                }
                Err(error) => seen.broken = Some(format!("Docker's events could not be read: {error}")),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Seen {
    fn take(&mut self, event: &bollard::models::EventMessage, began: i64) {
        let time = event.time_nano.unwrap_or_default();
        // A stream that is set up anew repeats its last event.
        if time <= self.last {
            return;
        }
        let attributes = event.actor.as_ref().and_then(|actor| actor.attributes.as_ref());
        let Some(service) = attributes.and_then(|attributes| attributes.get(SERVICE)) else { return };
        let at = (time - began) / 1_000_000;
        let times = self.services.entry(service.clone()).or_default();
        match event.action.as_deref().unwrap_or_default() {
            "start" => {
                times.started_ms.get_or_insert(at);
                times.starts += 1;
            }
            "health_status: healthy" => {
                times.healthy_ms.get_or_insert(at);
            }
            "die" => times.deaths += 1,
            _ => return,
        }
        self.last = time;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::{EventActor, EventMessage};

    use super::*;

    fn event(action: &str, service: &str, ms: i64) -> EventMessage {
        let attributes = HashMap::from([(SERVICE.to_owned(), service.to_owned())]);
        EventMessage {
            action: Some(action.to_owned()),
            actor: Some(EventActor { attributes: Some(attributes), ..EventActor::default() }),
            time_nano: Some(ms * 1_000_000),
            ..EventMessage::default()
        }
    }

    #[test]
    fn the_first_of_each_counts_and_a_repeated_one_does_not() {
        let mut seen = Seen::default();
        for (action, at) in [
            ("start", 10),
            ("exec_start: redis-cli ping", 11),
            ("health_status: healthy", 20),
            ("die", 30),
            ("start", 40),
            ("start", 40),
            ("health_status: healthy", 50),
        ] {
            seen.take(&event(action, "queue", at), 0);
        }
        let times = Times { started_ms: Some(10), healthy_ms: Some(20), starts: 2, deaths: 1 };
        assert_eq!(seen.services["queue"], times);
    }
}
