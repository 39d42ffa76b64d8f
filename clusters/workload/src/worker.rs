//! `ms worker`: takes jobs from a queue, predicts, hands results back.

use std::io;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::log::{self, Level, POD};
use crate::model::{FEATURES, Model, Version};
use crate::net::Target;
use crate::resp::{Connection, Value};
use crate::shutdown::Signals;
use crate::{proof, units};

/// Seconds that one BLPOP waits. A pop is never cancelled, since a job that is
/// already on its way would be lost; so this also bounds the time to exit.
const POP_WAIT: &[u8] = b"1";

/// No reply for this long means that the queue is gone without a word.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Take jobs from a Redis list, predict, and push the results to another.
///
/// A job is JSON: `{"id":"7","features":[5.1,3.5,1.4,0.2],"nonce":"optional"}`.
/// Its result is pushed to the results list and set as `result:ID`. Works with
/// `ms queue` and with Redis. SIGTERM lets the job in hand finish.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The queue.
    #[arg(long, env = "MS_QUEUE", default_value = "queue:6379", value_name = "HOST:PORT")]
    queue: Target,

    /// List that jobs are taken from (its head: BLPOP).
    #[arg(long, env = "MS_KEY", default_value = "jobs")]
    key: String,

    /// List that results are pushed to (its tail: RPUSH).
    #[arg(long, env = "MS_RESULTS", default_value = "results")]
    results: String,

    /// Version of the model.
    #[arg(long, env = "MS_VERSION", value_enum, default_value = "v1")]
    model_version: Version,

    /// File of weights to load, instead of training when it starts.
    #[arg(long, env = "MODEL_PATH", value_name = "FILE")]
    weights: Option<std::path::PathBuf>,

    /// Time that each job takes on top of the prediction.
    #[arg(long, env = "MS_JOB_TIME", value_parser = units::duration, default_value = "0s", value_name = "DURATION")]
    job_time: Duration,

    /// Pause between two attempts to connect.
    #[arg(long, env = "MS_RETRY", value_parser = units::duration, default_value = "500ms", value_name = "DURATION")]
    retry: Duration,

    /// Exit with code 2 after this long without a connection; without it, try
    /// for ever.
    #[arg(long, env = "MS_GIVE_UP_AFTER", value_parser = units::duration, value_name = "DURATION")]
    give_up_after: Option<Duration>,
}

#[derive(Deserialize)]
struct Job {
    id: Option<String>,
    features: [f32; FEATURES],
    nonce: Option<String>,
}

struct Worker {
    args: Args,
    model: Model,
    signals: Signals,
}

/// Runs the worker until SIGTERM or SIGINT.
pub fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let signals = Signals::install().context("cannot install signal handlers")?;
        let model = Model::open(args.model_version, args.weights.as_deref())?;
        log::write(
            Level::Info,
            "model loaded",
            json!({"version": args.model_version.name(), "digest": model.digest()}),
        );
        Worker { args, model, signals }.work().await
    })
}

impl Worker {
    async fn work(mut self) -> anyhow::Result<()> {
        let mut done: u64 = 0;
        // A finished job whose result is not yet delivered survives a lost
        // connection.
        let mut undelivered: Option<Finished> = None;
        let mut stopping = false;
        while let Some(mut queue) = self.connect(undelivered.is_some()).await? {
            let lost = loop {
                if let Some(finished) = &undelivered {
                    if let Err(why) = self.deliver(&mut queue, finished).await {
                        break why;
                    }
                    log::write(finished.level, finished.msg, finished.log.clone());
                    undelivered = None;
                    done += 1;
                }
                stopping |= self.stop_requested().await;
                if stopping {
                    log::write(Level::Info, "stopped", json!({"jobs": done}));
                    return Ok(());
                }
                match self.pop(&mut queue, &mut stopping).await {
                    Ok(Some(job)) => undelivered = Some(self.perform(&job).await),
                    Ok(None) => {}
                    Err(why) => break why,
                }
            };
            let queue = self.args.queue.to_string();
            let fields = json!({"queue": queue, "error": lost.to_string()});
            log::write(Level::Warn, "connection lost", fields);
            // A queue that accepts but cannot serve must not be hammered.
            tokio::select! {
                () = tokio::time::sleep(self.args.retry) => {}
                _ = self.signals.next() => stopping = true,
            }
            if stopping && undelivered.is_none() {
                break;
            }
        }
        log::write(Level::Info, "stopped", json!({"jobs": done}));
        Ok(())
    }

    /// Whether a signal has come since the last look.
    async fn stop_requested(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.signals.next() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// Connects, however long it takes. `None`: a signal came, and there is
    /// no result left to deliver (`holding`).
    async fn connect(&mut self, holding: bool) -> anyhow::Result<Option<Connection>> {
        let started = Instant::now();
        for attempt in 1_u64.. {
            let queue = &self.args.queue;
            let connected = tokio::time::timeout(REPLY_TIMEOUT, async {
                let stream = queue.connect().await.map_err(|why| why.to_string())?;
                let mut connection = Connection::new(stream);
                // A server that is still loading accepts, then says so here.
                let pong = connection.ask([b"PING"]).await;
                pong.map(|_| connection).map_err(|why| why.to_string())
            });
            let why = match connected.await {
                Ok(Ok(connection)) => {
                    let fields = json!({"queue": queue.to_string(), "attempt": attempt});
                    log::write(Level::Info, "connected", fields);
                    return Ok(Some(connection));
                }
                Ok(Err(why)) => why,
                Err(_) => "no answer in time".to_owned(),
            };
            log::write(
                Level::Error,
                "cannot connect",
                json!({"queue": queue.to_string(), "attempt": attempt, "error": why}),
            );
            let waited = started.elapsed();
            if self.args.give_up_after.is_some_and(|limit| waited >= limit) {
                bail!("cannot connect to `{queue}` for {waited:.1?}: {why}");
            }
            tokio::select! {
                () = tokio::time::sleep(self.args.retry) => {}
                _ = self.signals.next() => if !holding {
                    return Ok(None);
                },
            }
        }
        Ok(None)
    }

    /// Waits a moment for a job. A signal sets `stopping` but does not cut
    /// the wait short.
    async fn pop(&mut self, queue: &mut Connection, stopping: &mut bool) -> io::Result<Option<Vec<u8>>> {
        let asked = queue.ask([b"BLPOP", self.args.key.as_bytes(), POP_WAIT]);
        let mut reply = std::pin::pin!(tokio::time::timeout(REPLY_TIMEOUT, asked));
        let reply = loop {
            tokio::select! {
                reply = &mut reply => break reply,
                signal = self.signals.next() => {
                    if !*stopping {
                        log::write(Level::Info, "stopping", json!({"signal": signal}));
                    }
                    *stopping = true;
                }
            }
        };
        match reply.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
            Value::Nil => Ok(None),
            Value::Array(mut items) => match items.pop() {
                Some(Value::Bulk(job)) => Ok(Some(job)),
                _ => Err(io::Error::other("unexpected reply to BLPOP")),
            },
            _ => Err(io::Error::other("unexpected reply to BLPOP")),
        }
    }

    async fn perform(&self, job: &[u8]) -> Finished {
        let started = Instant::now();
        tokio::time::sleep(self.args.job_time).await;
        let parsed = serde_json::from_slice::<Job>(job).map_err(|why| why.to_string());
        let outcome = parsed.and_then(|job| {
            let id = job.id.as_deref().map(units::nonce).transpose();
            let id = id.map_err(|why| format!("`id`: {why}"))?;
            let nonce = units::nonce(job.nonce.as_deref().unwrap_or_default())?;
            let prediction = match self.model.defect() {
                Some(defect) => Err(defect),
                None => self.model.predict(&job.features).map_err(|why| format!("{why:#}")),
            };
            Ok((id, nonce, prediction))
        });
        let version = self.model.version().name();
        let latency_ms = started.elapsed().as_micros() as f64 / 1000.0;
        match outcome {
            Ok((id, nonce, Ok((label, class)))) => Finished {
                result: json!({
                    "id": id, "class": class, "label": label, "version": version,
                    "digest": self.model.digest(), "pod": *POD, "nonce": nonce,
                    "proof": proof::of(&nonce, class, self.model.digest()),
                }),
                log: json!({
                    "id": id, "class": class, "version": version,
                    "latency_ms": latency_ms, "nonce": nonce,
                }),
                id,
                level: Level::Info,
                msg: "job done",
            },
            Ok((id, nonce, Err(why))) => Finished::failed(id, &nonce, &why),
            Err(why) => Finished::failed(None, "", &why),
        }
    }

    async fn deliver(&self, queue: &mut Connection, finished: &Finished) -> io::Result<()> {
        let text = finished.result.to_string();
        let commands = async {
            if let Some(id) = &finished.id {
                let key = format!("result:{id}");
                queue.ask([b"SET", key.as_bytes(), text.as_bytes()]).await?;
            }
            let results = self.args.results.as_bytes();
            queue.ask([b"RPUSH", results, text.as_bytes()]).await
        };
        tokio::time::timeout(REPLY_TIMEOUT, commands)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(())
    }
}

/// A job that is done, well or not.
struct Finished {
    id: Option<String>,
    result: Json,
    level: Level,
    msg: &'static str,
    log: Json,
}

impl Finished {
    fn failed(id: Option<String>, nonce: &str, why: &str) -> Self {
        let result = json!({"id": id, "nonce": nonce, "error": why, "pod": *POD});
        Self {
            log: json!({"id": id, "nonce": nonce, "error": why}),
            id,
            result,
            level: Level::Error,
            msg: "job failed",
        }
    }
}
