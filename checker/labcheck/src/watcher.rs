//! Looking on and on: judged again on every change, by watch events.
//!
//! `labcheck LAB --watch` prints what changes, `labcheck serve` shows it on the
//! lab's page.

use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt as _, future::BoxFuture, stream};
use indexmap::IndexMap;
use lab_judge::{Limits, Next};
use lab_spec::{Evidence, Lab, Look, Outcome, Report, Request, Verdict};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    collect::{Collector, rename},
    session::Session,
};

/// Between events, time alone can change a verdict, so it is judged again
/// this often.
const TICK: Duration = Duration::from_secs(1);
/// Lists arrive one by one, so what joins two of them may look wrong for a
/// moment: what passed is called something else only after this long.
const SETTLE: Duration = Duration::from_millis(30);
/// Looks this much older than the longest window of a lab can no longer change
/// a verdict, in milliseconds.
const MARGIN_MS: u64 = 20_000;

type Looks = Pin<Box<dyn Stream<Item = Look> + Send>>;
type Asking = BoxFuture<'static, (Vec<Request>, Look)>;

/// One lab, looked at on and on.
pub struct Watcher<'a> {
    collector: &'a Collector<'a>,
    limits: Limits,
    kept_ms: u64,
    evidence: Evidence,
    /// What was asked, by key.
    asked: IndexMap<String, Request>,
    /// Lists, as the server tells of their changes.
    lists: Looks,
    /// What can only be asked anew; one round at a time, beside the watches.
    asking: Option<Asking>,
    report: Report,
}

impl<'a> Watcher<'a> {
    /// Looks until the judge has nothing more to ask, and begins to watch.
    pub async fn begin(collector: &'a Collector<'a>, limits: Limits) -> Self {
        let judge = collector.judge;
        let mut evidence = collector.session.evidence(collector.lab);
        let mut asked = IndexMap::new();
        while let Next::Look(requests) = judge.next(&evidence, limits) {
            asked.extend(requests.iter().map(|request| (request.key(), request.clone())));
            evidence.looks.push(collector.session.observer.look(&requests).await);
            rename(&mut evidence);
        }
        let kept_ms = longest_window(collector.lab) + MARGIN_MS;
        let lists = follow(collector.session, &evidence, &asked);
        let report = judge.report(&evidence);
        Self { collector, limits, kept_ms, evidence, asked, lists, asking: None, report }
    }

    /// The newest report.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What the lab needs and this cluster has not.
    pub fn unmet(&self) -> Vec<String> {
        self.collector.judge.unmet(&self.evidence)
    }

    /// Why nothing can be seen, while no list can be.
    pub fn blind(&self) -> Option<&str> {
        let lists = self.asked.iter().filter(|(_, request)| is_list(request));
        let mut why = None;
        for (key, _) in lists {
            match &self.evidence.seen(key)?.outcome {
                Outcome::Unavailable(unavailable) => why = Some(unavailable.message.as_str()),
                _ => return None,
            }
        }
        why
    }

    /// Waits for a change, or for a second, and judges anew.
    pub async fn changed(&mut self) -> &Report {
        self.ask();
        self.hear().await;
        let mut report = self.collector.judge.report(&self.evidence);
        if is_worse(&self.report, &report) {
            let until = Instant::now() + SETTLE;
            while Instant::now() < until
                && !self.collector.cancel.is_cancelled()
                && timeout_at(until, self.hear()).await.is_ok()
            {}
            report = self.collector.judge.report(&self.evidence);
        }
        self.report = report;
        &self.report
    }

    /// Takes in the next look, whoever it comes from.
    async fn hear(&mut self) {
        let Self { asking, lists, collector, .. } = self;
        let answer = async {
            match asking {
                Some(asking) => asking.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(look) = lists.next() => self.take_in(look),
            (requests, look) = answer => {
                self.asking = None;
                let is_new = |request: &Request| !self.asked.contains_key(&request.key());
                let new_lists = requests.iter().any(|request| is_list(request) && is_new(request));
                self.asked.extend(requests.into_iter().map(|request| (request.key(), request)));
                // The lists are being watched: between two looks nothing was missed.
                self.take_in(Look { gap: false, ..look });
                rename(&mut self.evidence);
                if new_lists {
                    self.lists = follow(self.collector.session, &self.evidence, &self.asked);
                }
            }
            () = sleep(TICK) => {
                let look = collector.session.observer.look(&[]).await;
                self.take_in(Look { gap: false, ..look });
            }
            () = collector.cancel.cancelled() => {}
        }
    }

    /// Adds a look, and forgets those that no longer matter.
    fn take_in(&mut self, mut look: Look) {
        let looks = &mut self.evidence.looks;
        if let Some(last) = looks.last() {
            // An answer that was waited for may be older than a change since.
            look.at_ms = look.at_ms.max(last.at_ms);
            look.wall_ms = look.wall_ms.max(last.wall_ms);
        }
        let oldest = look.at_ms.saturating_sub(self.kept_ms);
        looks.push(look);
        let outdated = looks.iter().take_while(|look| look.at_ms < oldest).count();
        let mut outdated = looks.drain(..outdated).collect::<Vec<_>>();
        let Some(first) = looks.first_mut() else { return };
        // The newest answer of those that are forgotten still holds.
        while let Some(older) = outdated.pop() {
            for (key, observation) in older.observations {
                first.observations.entry(key).or_insert(observation);
            }
        }
    }

    /// Begins to ask what is outdated and what the judge wants to know besides,
    /// unless answers are still waited for.
    fn ask(&mut self) {
        if self.asking.is_some() {
            return;
        }
        let now = self.collector.session.observer.at_ms();
        let mut requests: Vec<Request> =
            self.asked.values().filter(|request| self.is_outdated(request, now)).cloned().collect();
        if let Next::Look(further) = self.collector.judge.next(&self.evidence, self.limits) {
            requests.extend(further.into_iter().filter(|request| !self.asked.contains_key(&request.key())));
        }
        if requests.is_empty() {
            return;
        }
        let observer = self.collector.session.observer.clone();
        self.asking = Some(Box::pin(async move {
            let look = observer.look(&requests).await;
            (requests, look)
        }));
    }

    /// Whether an answer nobody tells the changes of is too old.
    fn is_outdated(&self, request: &Request, now_ms: u64) -> bool {
        let seen = self.evidence.seen(&request.key());
        let unavailable = seen.is_some_and(|seen| matches!(seen.outcome, Outcome::Unavailable(_)));
        let lasts = match request {
            Request::List { .. } | Request::Docker { .. } => return false,
            // Logs of a pod that is gone stay as they were.
            Request::Logs { namespace, pod, .. } if !self.is_there(namespace, pod) => return false,
            Request::Context | Request::File { .. } => 1_000,
            Request::Version | Request::Kubelet { .. } if !unavailable => 30_000,
            _ => 3_000,
        };
        seen.is_none_or(|seen| seen.provenance.at_ms + lasts <= now_ms)
    }

    fn is_there(&self, namespace: &str, pod: &str) -> bool {
        let key = format!("list v1 pods -n {namespace}");
        let Some(Outcome::Present(pods)) = self.evidence.seen(&key).map(|seen| &seen.outcome) else {
            return false;
        };
        pods.as_array().is_some_and(|pods| pods.iter().any(|known| known["metadata"]["name"] == pod))
    }
}

fn is_list(request: &Request) -> bool {
    matches!(request, Request::List { .. } | Request::Docker { .. })
}

/// Follows every list from where it was read; one that could not be read is
/// read as soon as that is possible.
fn follow(session: &Session, evidence: &Evidence, asked: &IndexMap<String, Request>) -> Looks {
    let from: Vec<_> = asked
        .iter()
        .filter(|(_, request)| is_list(request))
        .map(|(key, request)| {
            let seen = evidence.seen(key);
            let read = seen.and_then(|seen| match (&seen.outcome, &seen.provenance.resource_version) {
                (Outcome::Present(serde_json::Value::Array(items)), Some(version)) => {
                    Some((version.clone(), items.clone()))
                }
                _ => None,
            });
            let (version, items) = read.unwrap_or_default();
            (request.clone(), version, items)
        })
        .collect();
    // A lab may have no lists; its stream would end at once.
    Box::pin(session.observer.watch(&from).chain(stream::pending()))
}

/// The longest time a check of the lab must hold for, in milliseconds.
fn longest_window(lab: &Lab) -> u64 {
    let windows = lab.checks().filter_map(|(_, check)| check.throughout).map(|span| span.as_ms());
    windows.max().unwrap_or(0)
}

/// Whether something that passed no longer does.
fn is_worse(before: &Report, now: &Report) -> bool {
    before.checks().zip(now.checks()).any(|((_, before), (_, now))| {
        before.verdict == Verdict::Pass && !matches!(now.verdict, Verdict::Pass | Verdict::Skipped)
    })
}
