//! The store of one machine: one SQLite file in the output directory.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use lab_spec::Report;
use rusqlite::{Connection, Error, ErrorCode, OptionalExtension as _, params};

use crate::{
    in_hand::MAKE_ROOM,
    judged::Brief,
    store::{Packed, Store, unpacked},
};

/// Version of the tables.
const VERSION: i64 = 1;

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

    fn broken(&self, why: impl std::fmt::Display) -> String {
        format!("journal `{}`: {why}", self.path.display())
    }
}

impl Store for Journal {
    fn briefs(&self, rubric: &str) -> Result<HashMap<String, Arc<Brief>>, String> {
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
            let brief = serde_json::from_str(brief).map_err(|error| self.broken(error))?;
            briefs.insert(bundle, Arc::new(brief));
        }
        Ok(briefs)
    }

    fn report(&self, bundle: &str, rubric: &str) -> Result<Option<Report>, String> {
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
        unpacked(&report).map(Some).map_err(|error| self.broken(error))
    }

    fn keep(&self, rubric: &str, judged: &[Packed]) -> Result<(), String> {
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
