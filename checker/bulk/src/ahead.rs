//! Reports are read from the store ahead of whoever writes them out: reading
//! one takes as long as writing it.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use lab_spec::Report;

use crate::store::Store;

/// Reports that are asked for before they are needed.
pub const AHEAD: usize = 64;

type Answer = Result<Option<Report>, String>;

/// Threads that read reports; they end when this goes.
pub struct Ahead {
    asked: Sender<(String, Sender<Answer>)>,
}

/// A report that was asked for.
pub struct Coming(Receiver<Answer>);

impl Ahead {
    /// Reads reports of submissions that were judged by this rubric.
    ///
    /// # Errors
    /// A thread that cannot be started.
    pub fn start(store: &Arc<dyn Store>, rubric: &str, threads: usize) -> Result<Self, String> {
        let (asked, asks) = channel::<(String, Sender<Answer>)>();
        let asks = Arc::new(Mutex::new(asks));
        for _ in 0..threads.max(1) {
            let (store, rubric, asks) = (Arc::clone(store), rubric.to_owned(), Arc::clone(&asks));
            let read = move || {
                loop {
                    let Ok(asks) = asks.lock() else { return };
                    let Ok((bundle, answer)) = asks.recv() else { return };
                    drop(asks);
                    // Whoever asked may be gone.
                    if answer.send(store.report(&bundle, &rubric)).is_err() {
                        return;
                    }
                }
            };
            let started = thread::Builder::new().name("reports".to_owned()).spawn(read);
            started.map_err(|error| format!("cannot start a thread: {error}"))?;
        }
        Ok(Self { asked })
    }

    /// Asks for the report on a submission.
    pub fn ask(&self, bundle: String) -> Coming {
        let (answer, coming) = channel();
        // Where nobody reads any more, that shows when it is waited for.
        drop(self.asked.send((bundle, answer)));
        Coming(coming)
    }
}

impl Coming {
    /// Waits for it.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn wait(self) -> Answer {
        self.0.recv().unwrap_or_else(|_| Err("a thread that reads reports broke".to_owned()))
    }
}
