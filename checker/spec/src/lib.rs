//! Lab files, evidence and reports as types: parse, validate, JSON schema.
