//! Turns a plan into evidence, read-only.
