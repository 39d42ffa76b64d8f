//! The built book.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use tower_http::{
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
};

use crate::Shared;

/// Tells the book's live script that there is an API here: without it, pages
/// ask for nothing that is not in the book.
const MARK: &str = "labcheck-live";

/// The book's files; what is not there is the book's own page for that.
pub(crate) fn routes(shared: &Shared) -> Router {
    let missing = ServeFile::new(shared.book.join("404.html"));
    let files = ServeDir::new(&shared.book).not_found_service(missing);
    let port = shared.door.address.port();
    let cached = HeaderValue::from_static("no-cache");
    Router::new()
        .fallback_service(files)
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, cached))
        .layer(middleware::from_fn(move |request, next| marked(port, request, next)))
}

/// Marks pages; other files need none.
async fn marked(port: u16, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/html"));
    if is_page && let Ok(mark) = HeaderValue::from_str(&format!("{MARK}={port}; Path=/; SameSite=Strict")) {
        response.headers_mut().append(header::SET_COOKIE, mark);
    }
    response
}
