//! Reports as text, JSON, JUnit and HTML.
//!
//! Every function here is pure: the same report gives the same bytes, with no
//! clock, no terminal and no file system. Titles, messages and values come
//! from labs, learners and clusters, so each output escapes them for where it
//! lands; the module `neutral` holds what all of them share.

mod html;
mod json;
mod junit;
mod neutral;
mod phrase;
mod picture;
mod text;

pub use html::{Frame, Piece, framed, html, pieces};
pub use json::json;
pub use junit::junit;
pub use neutral::{json as inert_json, line, lines};
pub use phrase::{details, named, points, reason};
pub use text::{TextOptions, text};
