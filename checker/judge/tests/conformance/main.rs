//! Holds that expressions come to the same here as on a real API server.

mod answers;
mod live;
mod parsers;
mod policy;
mod replay;
