//! What was judged already, so that no work is lost and none is done twice.
//!
//! One SQLite file in the output directory. Judgements are kept under (SHA-256
//! of the submission, digest of the rubric): what they say depends on nothing
//! else, so that a run after a kill, or beside another one, says the same.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use lab_spec::Report;
use rusqlite::{Connection, Error, ErrorCode, OptionalExtension as _, params};
use zstd::bulk::Compressor;

use crate::{
    in_hand::MAKE_ROOM,
    judged::{Brief, Judged},
};

/// Version of the tables.
const VERSION: i64 = 1;
const LEVEL: i32 = 1;

/// The journal of one output directory.
pub struct Journal {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal in `dir`, or begins one.
    ///
    /// # Errors
    /// A journal of another lab, of a newer labcheck, or one that cannot be
    /// read or written.
    pub fn open(dir: &Path, lab: &str) -> Result<Self, String> {
        let path = dir.join("journal.sqlite");
        let place = |error: Error| told(&path, &error);
        let connection = Connection::open(&path).map_err(place)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 10000;",
            )
            .map_err(place)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(place)?;
        if version > VERSION {
            let shown = path.display();
            return Err(format!(
                "journal `{shown}` has version {version}, expected {VERSION}; a newer labcheck wrote it, use that one or another `--out`"
            ));
        }
        connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE;
                 CREATE TABLE IF NOT EXISTS about (lab TEXT PRIMARY KEY);
                 CREATE TABLE IF NOT EXISTS judged (
                   bundle TEXT NOT NULL, rubric TEXT NOT NULL, brief TEXT NOT NULL, report BLOB,
                   PRIMARY KEY (bundle, rubric)) WITHOUT ROWID;
                 PRAGMA user_version = {VERSION};
                 COMMIT;"
            ))
            .map_err(place)?;
        let known: Option<String> =
            connection.query_row("SELECT lab FROM about", [], |row| row.get(0)).optional().map_err(place)?;
        match known {
            Some(known) if known != lab => {
                let shown = dir.display();
                return Err(format!(
                    "`{shown}` holds grades of `{known}`, expected `{lab}`; choose another `--out`"
                ));
            }
            Some(_) => {}
            None => {
                connection.execute("INSERT INTO about VALUES (?1)", [lab]).map_err(place)?;
            }
        }
        Ok(Self { connection: Mutex::new(connection), path })
    }

    /// The short of everything that was judged by this rubric, by SHA-256.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn briefs(&self, rubric: &str) -> Result<HashMap<String, Brief>, String> {
        let connection = self.connection.lock().map_err(|_| self.broken("a thread died holding it"))?;
        let mut query = connection
            .prepare("SELECT bundle, brief FROM judged WHERE rubric = ?1")
            .map_err(|error| self.broken(error))?;
        let mut rows = query.query([rubric]).map_err(|error| self.broken(error))?;
        let mut briefs = HashMap::new();
        while let Some(row) = rows.next().map_err(|error| self.broken(error))? {
            let bundle = row.get(0).map_err(|error| self.broken(error))?;
            let brief =
                row.get_ref(1).and_then(|brief| Ok(brief.as_str()?)).map_err(|error| self.broken(error))?;
            briefs.insert(bundle, serde_json::from_str(brief).map_err(|error| self.broken(error))?);
        }
        Ok(briefs)
    }

    /// The report on this submission, if it was judged and has one.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn report(&self, bundle: &str, rubric: &str) -> Result<Option<Report>, String> {
        let stored = || -> Result<Option<Option<Vec<u8>>>, String> {
            let connection = self.connection.lock().map_err(|_| self.broken("a thread died holding it"))?;
            let mut query = connection
                .prepare("SELECT report FROM judged WHERE bundle = ?1 AND rubric = ?2")
                .map_err(|error| self.broken(error))?;
            query.query_row([bundle, rubric], |row| row.get(0)).optional().map_err(|error| self.broken(error))
        };
        // Others may ask while this one is unpacked.
        let report = stored()?;
        let Some(report) = report.flatten() else { return Ok(None) };
        let text = zstd::decode_all(&report[..]).map_err(|error| self.broken(error))?;
        serde_json::from_slice(&text).map(Some).map_err(|error| self.broken(error))
    }

    /// Keeps judgements, all or none of them.
    ///
    /// # Errors
    /// A journal that cannot be written, as on a full disk.
    pub fn keep(&self, rubric: &str, judged: &[Packed]) -> Result<(), String> {
        let mut connection = self.connection.lock().map_err(|_| self.broken("a thread died holding it"))?;
        let mut store = || {
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare("INSERT OR IGNORE INTO judged VALUES (?1, ?2, ?3, ?4)")?;
            for packed in judged {
                insert.execute(params![packed.bundle, rubric, packed.brief, packed.report])?;
            }
            drop(insert);
            transaction.commit()
        };
        store().map_err(|error| told(&self.path, &error))
    }

    fn broken(&self, why: impl std::fmt::Display) -> String {
        format!("journal `{}`: {why}", self.path.display())
    }
}

/// What is wrong with the journal, and what is to be done about a full disk.
fn told(path: &Path, error: &Error) -> String {
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
            format!("journal `{shown}`: {error}; {MAKE_ROOM}; what is in it is kept")
        }
        _ => format!("journal `{shown}`: {error}"),
    }
}

/// A judgement as it is kept.
pub struct Packed {
    bundle: String,
    brief: String,
    report: Option<Vec<u8>>,
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
