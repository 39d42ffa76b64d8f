//! What was judged already, so that no work is lost and none is done twice.
//!
//! Judgements are kept under (SHA-256 of the submission, digest of the rubric):
//! what they say depends on nothing else. A run after a kill, or beside others
//! that keep theirs in the same store, therefore says the same, and whoever
//! writes a judgement second writes nothing.

mod address;
mod postgres;

use std::{collections::HashMap, sync::Arc};

use lab_spec::Report;
use zstd::bulk::Compressor;

use crate::judged::{Brief, Judged};

pub use self::{address::Address, postgres::Shared};

/// How tightly reports are packed.
const LEVEL: i32 = 1;

/// Where judgements are kept.
pub trait Store: Send + Sync {
    /// The short of everything that was judged by this rubric, by SHA-256.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn briefs(&self, rubric: &str) -> Result<HashMap<String, Arc<Brief>>, String>;

    /// The report on this submission, if it was judged and has one.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn report(&self, bundle: &str, rubric: &str) -> Result<Option<Report>, String>;

    /// Keeps judgements, all or none of them; those that are there stay.
    ///
    /// # Errors
    /// A store that cannot be written, as on a full disk.
    fn keep(&self, rubric: &str, judged: &[Packed]) -> Result<(), String>;
}

/// A judgement as it is kept.
pub struct Packed {
    pub(crate) bundle: String,
    pub(crate) brief: String,
    pub(crate) report: Option<Vec<u8>>,
}

/// Packs judgements; what it needs for that is made once.
pub struct Packer {
    compressor: Compressor<'static>,
    text: Vec<u8>,
}

impl Packer {
    /// One for a thread.
    ///
    /// # Errors
    /// Only a lack of memory.
    pub fn new() -> Result<Self, String> {
        let compressor = Compressor::new(LEVEL).map_err(|error| error.to_string())?;
        Ok(Self { compressor, text: Vec::new() })
    }

    /// Packs the judgement of the submission with this SHA-256.
    ///
    /// # Errors
    /// Only a lack of memory.
    pub fn pack(&mut self, bundle: &str, judged: &Judged) -> Result<Packed, String> {
        let brief = serde_json::to_string(&judged.brief).map_err(|error| error.to_string())?;
        let mut pack = |report: &Report| {
            self.text.clear();
            serde_json::to_writer(&mut self.text, report).map_err(|error| error.to_string())?;
            self.compressor.compress(&self.text).map_err(|error| error.to_string())
        };
        let report = judged.report.as_ref().map(&mut pack).transpose()?;
        Ok(Packed { bundle: bundle.to_owned(), brief, report })
    }
}

/// A report as it was kept.
///
/// # Errors
/// Bytes that are none.
pub(crate) fn unpacked(report: &[u8]) -> Result<Report, String> {
    let text = zstd::decode_all(report).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}
