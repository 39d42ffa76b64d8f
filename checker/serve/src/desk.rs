//! The instructor's page: a class's grades, one student's verdicts, a decision.
//!
//! A server of its own, which looks at no cluster and runs no experiment. All
//! of it is students' data, so every page needs the cookie.
//!
//! ```text
//! GET  /enter?token=…      once: a cookie, and on to the class
//! GET  /?show=…&page=…     the class
//! GET  /students/NUMBER    one student
//! POST /students/NUMBER    sets a score, with a reason and an author
//! POST /students/NUMBER/requests/ID  answers a wish to be graded again
//! POST /export             writes the outputs anew
//! ```

use std::{io, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use lab_spec::FORMAT;
use serde::Deserialize;
use serde_json::json;
use tokio::{net::TcpListener, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    BindError,
    api::{nothing, refusal},
    guard::{self, Door},
    keys::Keys,
    open,
};

/// The grades of a class, as pages that stand alone: they load nothing but the
/// script that this server has.
pub trait Desk: Send + Sync + 'static {
    /// The class, or a part of it.
    ///
    /// # Errors
    /// Why it cannot be shown, in words.
    fn class(&self, part: &Part) -> Result<String, String>;

    /// One student, by place in the class; `None` if there is none there.
    ///
    /// # Errors
    /// Why it cannot be shown, in words.
    fn student(&self, at: usize) -> Result<Option<String>, String>;

    /// Sets a student's score.
    ///
    /// # Errors
    /// Why it cannot be set, in words.
    fn decide(&self, at: usize, decision: &Decided) -> Result<(), String>;

    /// Answers a student's wish to be graded again: with a score it is granted,
    /// without one declined.
    ///
    /// # Errors
    /// Why it cannot be answered, in words.
    fn answer(&self, at: usize, request: &str, decision: &Decided) -> Result<(), String>;

    /// Writes the outputs anew; says what was written.
    ///
    /// # Errors
    /// Why they cannot be written, in words.
    fn export(&self) -> Result<String, String>;
}

/// Which part of a class is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    /// `all`, `flagged`, `unscored` or `asked`.
    pub show: String,
    /// From 0.
    pub page: usize,
}

/// A score set by a teacher.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The score, as in `7.5`.
    pub score: String,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub author: String,
}

/// The address of the only script there is.
pub const SCRIPT: &str = "/desk.mjs";

/// A server whose port is open.
pub struct DeskServer {
    listener: TcpListener,
    door: Arc<Door>,
    desk: Arc<dyn Desk>,
    stop: CancellationToken,
}

impl DeskServer {
    /// Opens a port of 127.0.0.1, any free one for 0. `entered` is told the
    /// next one-use address whenever one was used.
    ///
    /// # Errors
    /// The port is taken, or cannot be had.
    pub async fn bind(
        desk: Arc<dyn Desk>,
        port: u16,
        stop: CancellationToken,
        entered: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let (listener, address) = open(port).await?;
        let keys = Keys::new(address.port(), "/");
        let door = Door { address, keys, read_only: None, entered: Box::new(entered) };
        Ok(Self { listener, door: Arc::new(door), desk, stop })
    }

    /// The address that lets one browser in, once.
    pub fn address(&self) -> String {
        self.door.entrance()
    }

    /// Serves until it is told to stop.
    ///
    /// # Errors
    /// The port is lost.
    pub async fn run(self) -> io::Result<()> {
        let Self { listener, door, desk, stop } = self;
        let inside = Router::new()
            .route("/", get(class))
            .route("/students/{at}", get(student).post(decide))
            .route("/students/{at}/requests/{request}", post(answer))
            .route("/export", post(export))
            .route(SCRIPT, get(script))
            .fallback(nothing)
            .with_state(desk)
            .layer(middleware::from_fn_with_state(Arc::clone(&door), guard::invited));
        let app = Router::new()
            .route("/enter", get(guard::enter).with_state(Arc::clone(&door)))
            .merge(inside)
            .layer(middleware::from_fn_with_state(door, guard::everything));
        axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

type Shared = State<Arc<dyn Desk>>;

async fn class(State(desk): Shared, Query(part): Query<Part>) -> Response {
    page(working(move || desk.class(&part).map(Some)).await)
}

async fn student(State(desk): Shared, Path(at): Path<usize>) -> Response {
    page(working(move || desk.student(at)).await)
}

async fn decide(State(desk): Shared, Path(at): Path<usize>, Json(decision): Json<Decided>) -> Response {
    taken(working(move || desk.decide(at, &decision)).await)
}

async fn answer(
    State(desk): Shared,
    Path((at, request)): Path<(usize, String)>,
    Json(decision): Json<Decided>,
) -> Response {
    taken(working(move || desk.answer(at, &request, &decision)).await)
}

fn taken(done: Result<(), String>) -> Response {
    match done {
        Ok(()) => Json(json!({"format": FORMAT})).into_response(),
        Err(why) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &why),
    }
}

async fn export(State(desk): Shared) -> Response {
    match working(move || desk.export()).await {
        Ok(says) => Json(json!({"format": FORMAT, "says": says})).into_response(),
        Err(why) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &why),
    }
}

async fn script() -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"))];
    (headers, include_str!("desk.mjs")).into_response()
}

/// Files are read and written here: beside the threads that answer.
async fn working<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err("this request has failed".to_owned()))
}

fn page(html: Result<Option<String>, String>) -> Response {
    match html {
        Ok(Some(html)) => {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
            (headers, html).into_response()
        }
        Ok(None) => refusal(StatusCode::NOT_FOUND, "there is no such student"),
        Err(why) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &why),
    }
}
