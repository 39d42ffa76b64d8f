//! Who may ask. A page of another site runs in the same browser as ours, and
//! may name any address; that it cannot read or change anything here is what
//! these rules are for.
//!
//! - `Host` is ours: a name that was rebound to 127.0.0.1 is not.
//! - `Origin` and `Sec-Fetch-Site`, where a browser sends them, are ours.
//! - The API wants the cookie; a POST wants a header that no form can send,
//!   and a server that is not read-only.
//!
//! There is no CORS: nobody else is ever allowed to read an answer.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use crate::{api::refusal, keys::Keys};

/// The header of requests that change something.
pub(crate) const REQUEST: &str = "labcheck-request";
/// On every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'self'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The door of one server.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) keys: Keys,
    /// What to say to a request that would change something; `None` if it may.
    pub(crate) read_only: Option<&'static str>,
    /// Told the next one-use address whenever one was used.
    pub(crate) entered: Box<dyn Fn(&str) + Send + Sync>,
}

impl Door {
    /// The address that lets one browser in, once.
    pub(crate) fn entrance(&self) -> String {
        format!("http://{}/enter?token={}", self.address, self.keys.token())
    }
}

/// The rules for every request, and the headers of every answer.
pub(crate) async fn everything(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut response = match stranger(&door, &request) {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why a request is not from a page of ours, if it is not.
fn stranger(door: &Door, request: &Request) -> Option<Response> {
    let (headers, ours) = (request.headers(), own_names(door));
    let host = one(headers, &header::HOST);
    let asked = request.uri().authority().map(|authority| authority.as_str());
    if !host.is_some_and(|host| ours.iter().any(|own| own == host))
        || asked.is_some_and(|asked| Some(asked) != host)
    {
        let message = format!("this server answers to `{}` only", ours[0]);
        return Some(refusal(StatusCode::MISDIRECTED_REQUEST, &message));
    }
    let own = host.map(|host| format!("http://{host}"));
    if headers.contains_key(header::ORIGIN) && one(headers, &header::ORIGIN) != own.as_deref() {
        return Some(refusal(StatusCode::FORBIDDEN, "pages of another origin may not ask here"));
    }
    let other_site = !matches!(text(headers, "sec-fetch-site"), None | Some("same-origin" | "none"));
    // A link to the book from elsewhere is welcome; being loaded into another page is not.
    let link = request.method() == Method::GET
        && text(headers, "sec-fetch-mode") == Some("navigate")
        && text(headers, "sec-fetch-dest") == Some("document")
        && !request.uri().path().starts_with("/api");
    if other_site && !link {
        return Some(refusal(StatusCode::FORBIDDEN, "pages of another site may not ask here"));
    }
    None
}

/// What a browser that reached us on purpose calls us.
fn own_names(door: &Door) -> [String; 2] {
    let port = door.address.port();
    [format!("127.0.0.1:{port}"), format!("localhost:{port}")]
}

/// A header that is there exactly once.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

/// The rules of what is not for everyone on this machine.
pub(crate) async fn invited(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut response = match uninvited(&door, &request) {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn uninvited(door: &Door, request: &Request) -> Option<Response> {
    if !door.keys.admits(request.headers()) {
        let message = "this browser has not been let in: open the address that `labcheck serve` printed";
        return Some(refusal(StatusCode::UNAUTHORIZED, message));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !request.headers().contains_key(REQUEST) {
        let message = format!("a request that changes something needs the header `{REQUEST}`");
        return Some(refusal(StatusCode::FORBIDDEN, &message));
    }
    door.read_only.filter(|_| !reads).map(|message| refusal(StatusCode::FORBIDDEN, message))
}

#[derive(Deserialize)]
pub(crate) struct Entrance {
    #[serde(default)]
    token: String,
}

/// Exchanges the token of the printed address for the cookie.
pub(crate) async fn enter(
    State(door): State<Arc<Door>>,
    method: Method,
    Query(entrance): Query<Entrance>,
) -> Response {
    if method != Method::GET {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "an address is opened with GET");
    }
    let Some(cookie) = door.keys.exchange(&entrance.token) else {
        let message = "this address was used before, or never was one; labcheck prints a new one each time: \
                       look in its terminal";
        return refusal(StatusCode::FORBIDDEN, message);
    };
    (door.entered)(&door.entrance());
    let Ok(cookie) = HeaderValue::from_str(&cookie) else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "the cookie cannot be written");
    };
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::LOCATION, HeaderValue::from_static("/")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
