//! Declared mutating steps with samplers, a fence and a journal; the only crate that writes to a cluster or to Docker.
