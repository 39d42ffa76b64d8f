//! Docker's events of the copy, collected while it is made: the daemon itself
//! forgets after 256 of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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
/// The daemon stamps an event before it publishes it, so that those of
/// containers that start together may come in another order than their times.
/// How much later than a newer one an event may come, in nanoseconds.
const LATE: i64 = 5_000_000_000;

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
    /// Time in nanoseconds, container and action of what was taken and may come
    /// again: a stream that is set up anew repeats the last few events.
    taken: BTreeSet<(i64, String, String)>,
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
        let from = seen.lock().unwrap_or_else(PoisonError::into_inner).asked_again_from().max(began);
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
    /// What is older has come, or never will.
    fn asked_again_from(&self) -> i64 {
        self.taken.last().map_or(0, |(newest, ..)| newest - LATE)
    }

    fn take(&mut self, event: &bollard::models::EventMessage, began: i64) {
        let Some(actor) = &event.actor else { return };
        let attributes = actor.attributes.as_ref();
        let Some(service) = attributes.and_then(|attributes| attributes.get(SERVICE)) else { return };
        let (time, action) =
            (event.time_nano.unwrap_or_default(), event.action.as_deref().unwrap_or_default());
        let times = self.services.entry(service.clone()).or_default();
        let first = |seen: Option<i64>, at: i64| Some(seen.map_or(at, |seen| seen.min(at)));
        if !matches!(action, "start" | "health_status: healthy" | "die")
            || !self.taken.insert((time, actor.id.clone().unwrap_or_default(), action.to_owned()))
        {
            return;
        }
        let at = (time - began) / 1_000_000;
        match action {
            "start" => {
                times.started_ms = first(times.started_ms, at);
                times.starts += 1;
            }
            "die" => times.deaths += 1,
            _ => times.healthy_ms = first(times.healthy_ms, at),
        }
        let old = self.asked_again_from();
        self.taken.retain(|(time, ..)| *time >= old);
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
            actor: Some(EventActor { id: Some(service.to_owned()), attributes: Some(attributes) }),
            time_nano: Some(ms * 1_000_000),
            ..EventMessage::default()
        }
    }

    fn seen(events: &[(&str, &str, i64)]) -> Seen {
        let mut seen = Seen::default();
        for (action, service, at) in events {
            seen.take(&event(action, service, *at), 0);
        }
        seen
    }

    #[test]
    fn the_first_of_each_counts_and_a_repeated_one_does_not() {
        let seen = seen(&[
            ("start", "queue", 10),
            ("exec_start: redis-cli ping", "queue", 11),
            ("health_status: healthy", "queue", 20),
            ("die", "queue", 30),
            ("start", "queue", 40),
            // The stream broke, and tells the last seconds again.
            ("die", "queue", 30),
            ("start", "queue", 40),
            ("health_status: healthy", "queue", 50),
        ]);
        let times = Times { started_ms: Some(10), healthy_ms: Some(20), starts: 2, deaths: 1 };
        assert_eq!(seen.services["queue"], times);
    }

    #[test]
    fn events_in_another_order_than_their_times_are_all_taken() {
        let seen = seen(&[("start", "queue", 11), ("start", "db", 10), ("start", "api", 11)]);
        let started = Times { started_ms: Some(10), starts: 1, ..Times::default() };
        assert_eq!(seen.services["db"], started);
        let started = Times { started_ms: Some(11), ..started };
        assert_eq!((&seen.services["queue"], &seen.services["api"]), (&started, &started));
    }

    #[test]
    fn what_cannot_come_again_is_forgotten() {
        let mut seen = seen(&[("start", "queue", 0)]);
        for round in 1..1_000 {
            seen.take(&event("die", "queue", round * 1_000), 0);
        }
        assert!(seen.taken.len() <= 6, "{}", seen.taken.len());
        assert_eq!(seen.services["queue"].deaths, 999);
    }
}
