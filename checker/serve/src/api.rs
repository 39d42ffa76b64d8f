//! What the API answers; who may ask is the guard's.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt as _};
use lab_spec::FORMAT;
use serde_json::{Value, json};
use tokio_stream::wrappers::WatchStream;

use crate::{Shared, room::Room};

/// How long a browser waits before it asks for the events again.
const RETRY: Duration = Duration::from_secs(1);
/// How often a line says that nothing happened, so that both sides notice when
/// the other is gone.
const ALIVE: Duration = Duration::from_secs(10);

/// Why nothing is done.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"format": FORMAT, "error": message}))).into_response()
}

/// An address the API has not.
pub(crate) async fn nothing() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is nothing here")
}

/// The labs, their tasks and the best results.
pub(crate) async fn labs(State(shared): State<Arc<Shared>>) -> Response {
    let progress = match shared.source.progress() {
        Ok(progress) => progress,
        Err(trouble) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, &trouble.message),
    };
    let labs = shared.rooms.values().map(|room| {
        let lab = &room.lab;
        let tasks = lab.tasks.iter();
        json!({
            "id": lab.id,
            "title": lab.title,
            "minutes": lab.minutes,
            "points": lab.points(),
            "target": lab.target,
            "experiments": lab.experiments.keys().collect::<Vec<_>>(),
            "best": progress.get(&lab.id),
            "tasks": tasks.map(|task| json!({
                "id": task.id, "title": task.title, "points": task.points, "hints": task.hints.len(),
            })).collect::<Vec<Value>>(),
        })
    });
    let labs: Vec<Value> = labs.collect();
    Json(json!({"format": FORMAT, "experiments": shared.experiments, "labs": labs})).into_response()
}

/// The best results.
pub(crate) async fn progress(State(shared): State<Arc<Shared>>) -> Response {
    match shared.source.progress() {
        Ok(progress) => Json(json!({"format": FORMAT, "labs": progress})).into_response(),
        Err(trouble) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &trouble.message),
    }
}

/// What is known of a lab, now and whenever it changes.
pub(crate) async fn events(State(shared): State<Arc<Shared>>, Path(lab): Path<String>) -> Response {
    let room = match room(&shared, &lab) {
        Ok(room) => room,
        Err(refused) => return *refused,
    };
    let states = WatchStream::new(room.join(&shared.stop));
    let events = states.map(|state| Event::default().event("state").data(&*state));
    let first = futures::stream::once(async { Event::default().retry(RETRY) });
    let ending = shared.stop.clone().cancelled_owned();
    let stream = first.chain(events).map(Ok::<_, Infallible>).take_until(ending);
    sse(stream)
}

fn sse(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}

/// One of the hints that pages show too.
pub(crate) async fn hint(
    State(shared): State<Arc<Shared>>,
    Path((lab, task, number)): Path<(String, String, String)>,
) -> Response {
    let room = match room(&shared, &lab) {
        Ok(room) => room,
        Err(refused) => return *refused,
    };
    let Some(task) = room.lab.tasks.iter().find(|known| known.id == task) else {
        return refusal(StatusCode::NOT_FOUND, &format!("`{lab}` has no such task"));
    };
    let of = task.hints.len();
    let found = number.parse::<usize>().ok().and_then(|number| task.hints.get(number.checked_sub(1)?));
    match found {
        Some(hint) => Json(json!({"format": FORMAT, "hint": hint, "of": of})).into_response(),
        None => refusal(StatusCode::NOT_FOUND, &format!("there are hints 1 to {of}")),
    }
}

/// Begins to grade a lab with its experiments; the events tell how it goes.
pub(crate) async fn check(State(shared): State<Arc<Shared>>, Path(lab): Path<String>) -> Response {
    let room = match room(&shared, &lab) {
        Ok(room) => room,
        Err(refused) => return *refused,
    };
    let Ok(mut grading) = shared.grading.lock() else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "an earlier check has failed; restart the server");
    };
    if let Some(busy) = &*grading {
        return refusal(StatusCode::CONFLICT, &format!("`{busy}` is being checked; one at a time"));
    }
    *grading = Some(lab.clone());
    drop(grading);
    shared.work.spawn(grade(Arc::clone(&shared), room));
    (StatusCode::ACCEPTED, Json(json!({"format": FORMAT, "checking": lab}))).into_response()
}

async fn grade(shared: Arc<Shared>, room: Arc<Room>) {
    room.feed.checking("looking");
    let (lab, feed, cancel) = (Arc::clone(&room.lab), room.feed.clone(), shared.stop.child_token());
    // In a task of its own: if it panics, the next check is still possible.
    let graded = tokio::spawn(shared.source.grade(lab, feed, cancel)).await;
    let failed = || crate::Trouble { message: "the check has failed".to_owned(), next: None };
    room.feed.graded(graded.unwrap_or_else(|_| Err(failed())));
    if let Ok(mut grading) = shared.grading.lock() {
        *grading = None;
    }
}

/// A lab's room, or a refusal that names the labs there are. (Boxed: a
/// response is large.)
fn room(shared: &Shared, lab: &str) -> Result<Arc<Room>, Box<Response>> {
    let known = || shared.rooms.keys().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    shared.rooms.get(lab).cloned().ok_or_else(|| {
        let message = format!("there is no such lab; there is {}", known());
        Box::new(refusal(StatusCode::NOT_FOUND, &message))
    })
}
