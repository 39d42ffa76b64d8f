//! The store of one machine: one SQLite file in the output directory.
//!
//! Judgements are appended, and the index that finds one is made when the first
//! is looked up: kept up to date row by row, keys that are hashes would dirty a
//! page of the index for each judgement, and a class of 100,000 would be judged
//! more slowly the longer it takes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use lab_spec::Report;
use rusqlite::{Connection, Error, ErrorCode, OptionalExtension as _, params};

use crate::{
    in_hand::MAKE_ROOM,
    judged::Brief,
    store::{Packed, Store, unpacked},
};

/// Version of the tables.
const VERSION: i64 = 2;

/// Tables of a new journal. Judgements that are there twice, as when two threads
/// judge equal files, say the same.
const TABLES: &str = "
    CREATE TABLE about (lab TEXT PRIMARY KEY);
    CREATE TABLE judged (bundle TEXT NOT NULL, rubric TEXT NOT NULL, brief TEXT NOT NULL, report BLOB);";

/// Version 1 kept judgements sorted by their hashes.
const FROM_1: &str = "
    ALTER TABLE judged RENAME TO sorted;
    CREATE TABLE judged (bundle TEXT NOT NULL, rubric TEXT NOT NULL, brief TEXT NOT NULL, report BLOB);
    INSERT INTO judged SELECT bundle, rubric, brief, report FROM sorted;
    DROP TABLE sorted;";

const INDEX: &str = "CREATE INDEX IF NOT EXISTS by_bundle ON judged (bundle)";

/// The journal of one output directory.
pub struct Journal {
    open: Mutex<Open>,
    path: PathBuf,
}

struct Open {
    connection: Connection,
    /// Whether judgements can be looked up.
    indexed: bool,
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
        // A judgement takes about 2 KiB: in pages of 4 KiB half would stay empty.
        connection
            .execute_batch(
                "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 PRAGMA busy_timeout = 10000;",
            )
            .map_err(place)?;
        // Another process may be about to make the same tables.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(place)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(place)?;
        let change = match version {
            0 => TABLES,
            1 => FROM_1,
            VERSION => "",
            _ => {
                let shown = path.display();
                return Err(format!(
                    "journal `{shown}` has version {version}, expected {VERSION}; a newer labcheck wrote it, use that one or another `--out`"
                ));
            }
        };
        connection
            .execute_batch(&format!("{change} PRAGMA user_version = {VERSION}; COMMIT;"))
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
        Ok(Self { open: Mutex::new(Open { connection, indexed: false }), path })
    }

    fn locked(&self) -> Result<MutexGuard<'_, Open>, String> {
        self.open.lock().map_err(|_| self.broken("a thread died holding it"))
    }

    fn broken(&self, why: impl std::fmt::Display) -> String {
        format!("journal `{}`: {why}", self.path.display())
    }
}

impl Open {
    fn stored(&mut self, bundle: &str, rubric: &str) -> Result<Option<Vec<u8>>, Error> {
        if !self.indexed {
            self.connection.execute(INDEX, [])?;
            self.indexed = true;
        }
        let mut query = self
            .connection
            .prepare("SELECT report FROM judged WHERE bundle = ?1 AND rubric = ?2 ORDER BY rowid LIMIT 1")?;
        Ok(query.query_row([bundle, rubric], |row| row.get(0)).optional()?.flatten())
    }
}

impl Store for Journal {
    fn briefs(&self, rubric: &str) -> Result<HashMap<String, Arc<Brief>>, String> {
        let open = self.locked()?;
        let mut query = open
            .connection
            .prepare("SELECT bundle, brief FROM judged WHERE rubric = ?1")
            .map_err(|error| self.broken(error))?;
        let mut rows = query.query([rubric]).map_err(|error| self.broken(error))?;
        let mut briefs = HashMap::new();
        while let Some(row) = rows.next().map_err(|error| self.broken(error))? {
            let bundle = row.get(0).map_err(|error| self.broken(error))?;
            let brief =
                row.get_ref(1).and_then(|brief| Ok(brief.as_str()?)).map_err(|error| self.broken(error))?;
            let brief = serde_json::from_str(brief).map_err(|error| self.broken(error))?;
            briefs.insert(bundle, Arc::new(brief));
        }
        Ok(briefs)
    }

    fn report(&self, bundle: &str, rubric: &str) -> Result<Option<Report>, String> {
        // Others may ask while this one is unpacked.
        let Some(report) = self.locked()?.stored(bundle, rubric).map_err(|error| told(&self.path, &error))?
        else {
            return Ok(None);
        };
        unpacked(&report).map(Some).map_err(|error| self.broken(error))
    }

    fn keep(&self, rubric: &str, judged: &[Packed]) -> Result<(), String> {
        let mut open = self.locked()?;
        let mut store = || {
            let transaction = open.connection.transaction()?;
            let mut insert = transaction.prepare("INSERT INTO judged VALUES (?1, ?2, ?3, ?4)")?;
            for packed in judged {
                insert.execute(params![packed.bundle, rubric, packed.brief, packed.report])?;
            }
            drop(insert);
            transaction.commit()
        };
        store().map_err(|error| told(&self.path, &error))
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
