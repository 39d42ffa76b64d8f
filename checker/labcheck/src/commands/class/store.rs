//! Where a class's judgements are kept: in the output directory, or in the
//! store that the environment names.
//!
//! An address holds a password, so that it is never an argument, which every
//! user of a machine can read.

use std::{env, fs::File, io::Read as _, path::Path, sync::Arc};

use lab_bulk::{
    journal::Journal,
    store::{Address, Shared, Store},
};

use crate::failure::Failure;

/// The address itself.
const ADDRESS: &str = "LABCHECK_STORE";
/// The file that holds it, as a mounted Secret.
const FILE: &str = "LABCHECK_STORE_FILE";
/// Longest address, in bytes.
const MAX_BYTES: u64 = 4096;

/// Names both for people.
pub const NAMES: &str = "`LABCHECK_STORE`, or `LABCHECK_STORE_FILE` to a file that holds it";

/// The address of the store that graders share, if the environment names one.
///
/// # Errors
/// An address that is none, or a file that cannot be read.
pub fn address() -> Result<Option<Address>, Failure> {
    let (place, text) = match (env::var_os(ADDRESS), env::var_os(FILE)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Failure::usage(format!(
                "`{ADDRESS}` and `{FILE}` are both set, expected one of them"
            )));
        }
        (Some(address), None) => (format!("`{ADDRESS}`"), address.into_encoded_bytes()),
        (None, Some(path)) => {
            let path = Path::new(&path);
            let place = format!("`{}`, which `{FILE}` names,", path.display());
            let mut text = Vec::new();
            File::open(path)
                .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text))
                .map_err(|error| Failure::usage(format!("{place} cannot be read: {error}")))?;
            (place, text)
        }
    };
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!("{place} is longer than {MAX_BYTES} bytes, expected an address")));
    }
    let text = String::from_utf8(text).map_err(|_| Failure::usage(format!("{place} is not UTF-8")))?;
    Address::parse(&text).map(Some).map_err(|why| Failure::usage(format!("{place} {why}")))
}

/// Opens the store of a lab: the one that the environment names, or that of
/// the directory `out`.
///
/// # Errors
/// An address that is none; a store that cannot be reached or used.
pub fn open(out: &Path, lab: &str) -> Result<Arc<dyn Store>, Failure> {
    Ok(match address()? {
        Some(address) => Arc::new(Shared::open(&address, lab).map_err(Failure::unobservable)?),
        None => Arc::new(Journal::open(out, lab).map_err(Failure::unobservable)?),
    })
}
