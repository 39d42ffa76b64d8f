//! The book on loopback, with the verdicts of what the reader is building on
//! its lab pages.
//!
//! [`Server::bind`] opens a port of 127.0.0.1; [`Server::run`] serves until it
//! is told to stop. Who looks at a cluster, and how, is a [`Source`]: this crate
//! knows labs and reports, and nothing of clusters.
//!
//! ```text
//! GET  /enter?token=…                          once: a cookie, and on to the first page
//! GET  /…                                      the book
//! GET  /api/labs                               the labs, their tasks, best results
//! GET  /api/progress                           best results
//! GET  /api/labs/LAB/events                    server-sent events: `state`, whole, whenever it changes
//! GET  /api/labs/LAB/tasks/TASK/hints/NUMBER   one hint
//! POST /api/labs/LAB/check                     grades with experiments; refused while read-only
//! ```

mod api;
pub mod desk;
mod guard;
mod keys;
mod pages;
mod room;
mod source;
mod state;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use lab_spec::Lab;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use guard::Door;
use keys::Keys;
use room::Room;

pub use source::{Best, Source, Trouble};
pub use state::{CheckState, Feed, Graded, LabState, TaskState};

/// What is served.
pub struct Course {
    /// The built book.
    pub book: PathBuf,
    /// The labs, in order.
    pub labs: Vec<Arc<Lab>>,
    /// Who looks at what the reader builds.
    pub source: Arc<dyn Source>,
    /// Whether checks that change a system may be started from a page.
    pub experiments: bool,
}

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else has the port.
    #[error("port `{0}` of 127.0.0.1 is in use")]
    InUse(u16),
    /// Anything else.
    #[error("port `{0}` of 127.0.0.1 cannot be opened: {1}")]
    Other(u16, io::Error),
}

/// A server whose port is open.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What every request may need.
struct Shared {
    book: PathBuf,
    door: Arc<Door>,
    source: Arc<dyn Source>,
    experiments: bool,
    rooms: BTreeMap<String, Arc<Room>>,
    /// The lab that is being graded, one at a time: two would disturb each other.
    grading: std::sync::Mutex<Option<String>>,
    stop: CancellationToken,
    work: TaskTracker,
}

impl Server {
    /// Opens a port of 127.0.0.1, any free one for 0. `entered` is told the
    /// next one-use address whenever one was used.
    ///
    /// # Errors
    /// The port is taken, or cannot be had.
    pub async fn bind(
        course: Course,
        port: u16,
        stop: CancellationToken,
        entered: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let (listener, address) = open(port).await?;
        let read_only =
            "this server only reads: `labcheck serve --allow-experiments` grades from the page too";
        let door = Door {
            address,
            keys: Keys::new(address.port(), "/api"),
            read_only: (!course.experiments).then_some(read_only),
            entered: Box::new(entered),
        };
        let work = TaskTracker::new();
        let rooms = course.labs.into_iter().map(|lab| {
            let room = Room::new(Arc::clone(&lab), Arc::clone(&course.source));
            (lab.id.clone(), Arc::new(room))
        });
        let shared = Shared {
            book: course.book,
            door: Arc::new(door),
            experiments: course.experiments,
            rooms: rooms.collect(),
            source: course.source,
            grading: std::sync::Mutex::new(None),
            stop,
            work,
        };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// The address that lets one browser in, once.
    pub fn address(&self) -> String {
        self.shared.door.entrance()
    }

    /// Serves until it is told to stop; experiments under way are undone first.
    ///
    /// # Errors
    /// The port is lost.
    pub async fn run(self) -> io::Result<()> {
        let Self { listener, shared } = self;
        let stopped = shared.stop.clone().cancelled_owned();
        let app = app(Arc::clone(&shared));
        axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
        shared.work.close();
        shared.work.wait().await;
        Ok(())
    }
}

/// Opens a port of 127.0.0.1, any free one for 0.
async fn open(port: u16) -> Result<(TcpListener, SocketAddr), BindError> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(port),
        _ => BindError::Other(port, error),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

fn app(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/labs", get(api::labs))
        .route("/progress", get(api::progress))
        .route("/labs/{lab}/events", get(api::events))
        .route("/labs/{lab}/tasks/{task}/hints/{number}", get(api::hint))
        .route("/labs/{lab}/check", post(api::check))
        .fallback(api::nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared.door), guard::invited));
    let pages = pages::routes(&shared);
    Router::new()
        .route("/enter", get(guard::enter).with_state(Arc::clone(&shared.door)))
        .nest("/api", api)
        .fallback_service(pages)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared.door), guard::everything))
        .with_state(shared)
}
