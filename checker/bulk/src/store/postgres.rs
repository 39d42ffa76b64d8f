//! The store that several machines share: two tables of a PostgreSQL database.

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Arc, Mutex, MutexGuard},
};

use lab_spec::Report;
use postgres::{Client, Error, NoTls, Statement, error::SqlState, fallible_iterator::FallibleIterator as _};

use super::{Address, Packed, Store, unpacked};
use crate::judged::Brief;

/// Version of the tables.
const VERSION: i32 = 1;
/// Held while the tables are made: two graders may begin at once. Any number
/// that nobody else uses does; this is `labcheck` in ASCII.
const LOCK: i64 = 0x6c61_6263_6865_636b;

/// Judgements in a PostgreSQL database.
pub struct Shared {
    client: Mutex<Client>,
    /// Asks for one report; prepared once, because it is asked for every student.
    report: Statement,
    address: Address,
}

impl Shared {
    /// Opens the store at `address`, or begins one.
    ///
    /// # Errors
    /// A server that cannot be reached or refuses us; a store of another lab,
    /// of a newer labcheck, or one that cannot be read or written.
    pub fn open(address: &Address, lab: &str) -> Result<Self, String> {
        let place = |why: String| format!("store `{address}`: {why}");
        let connected = match address.is_plain() {
            true => address.config().connect(NoTls),
            false => address.config().connect(Address::tls().map_err(place)?),
        };
        let mut client = connected.map_err(|error| place(refused(&error)))?;
        let (version, known) = begun(&mut client, lab).map_err(|error| place(denied(&error)))?;
        if version > VERSION {
            return Err(place(format!(
                "has version {version}, expected {VERSION}; a newer labcheck wrote it, use that one or another database"
            )));
        }
        if known != lab {
            let known = known.escape_debug();
            return Err(place(format!("holds grades of `{known}`, expected `{lab}`; use another database")));
        }
        let report = client
            .prepare("SELECT report FROM labcheck_judged WHERE bundle = $1 AND rubric = $2")
            .map_err(|error| place(denied(&error)))?;
        Ok(Self { client: Mutex::new(client), report, address: address.clone() })
    }

    fn client(&self) -> Result<MutexGuard<'_, Client>, String> {
        self.client.lock().map_err(|_| self.broken("a thread died holding it"))
    }

    fn broken(&self, why: impl std::fmt::Display) -> String {
        format!("store `{}`: {why}", self.address)
    }

    fn failed(&self, error: &Error) -> String {
        match error.code() {
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => self.broken(denied(error)),
            _ => self.broken(format!("{}; what was judged is kept, run the same command again", said(error))),
        }
    }
}

impl Store for Shared {
    fn briefs(&self, rubric: &str) -> Result<HashMap<String, Arc<Brief>>, String> {
        let mut client = self.client()?;
        let mut rows = client
            .query_raw("SELECT bundle, brief FROM labcheck_judged WHERE rubric = $1", [rubric])
            .map_err(|error| self.failed(&error))?;
        let mut briefs = HashMap::new();
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let bundle = row.try_get(0).map_err(|error| self.failed(&error))?;
            let brief: &[u8] = row.try_get(1).map_err(|error| self.failed(&error))?;
            let brief = serde_json::from_slice(brief).map_err(|error| self.broken(error))?;
            briefs.insert(bundle, Arc::new(brief));
        }
        Ok(briefs)
    }

    fn report(&self, bundle: &str, rubric: &str) -> Result<Option<Report>, String> {
        let row = self
            .client()?
            .query_opt(&self.report, &[&bundle, &rubric])
            .map_err(|error| self.failed(&error))?;
        let Some(row) = row else { return Ok(None) };
        let report: Option<&[u8]> = row.try_get(0).map_err(|error| self.failed(&error))?;
        report.map(unpacked).transpose().map_err(|error| self.broken(error))
    }

    fn keep(&self, rubric: &str, judged: &[Packed]) -> Result<(), String> {
        if judged.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that two graders with the same rows never wait for each other in a ring.
        let mut judged: Vec<_> = judged.iter().collect();
        judged.sort_by_key(|packed| &packed.bundle);
        let bundles: Vec<_> = judged.iter().map(|packed| packed.bundle.as_str()).collect();
        let briefs: Vec<_> = judged.iter().map(|packed| packed.brief.as_bytes()).collect();
        let reports: Vec<_> = judged.iter().map(|packed| packed.report.as_deref()).collect();
        // One statement: all of them or none.
        self.client()?
            .execute(
                "INSERT INTO labcheck_judged (rubric, bundle, brief, report)
                 SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::bytea[])
                 ON CONFLICT DO NOTHING",
                &[&rubric, &bundles, &briefs, &reports],
            )
            .map_err(|error| self.failed(&error))?;
        Ok(())
    }
}

/// Version and lab of the store, which begins if it is not there.
fn begun(client: &mut Client, lab: &str) -> Result<(i32, String), Error> {
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    // Where the tables are there, nobody needs the right to make any.
    let there = transaction.query_one("SELECT to_regclass('labcheck_about') IS NOT NULL", &[])?;
    if !there.try_get::<_, bool>(0)? {
        // What students wrote is bytes: a database may have another encoding.
        transaction.batch_execute(
            "CREATE TABLE labcheck_judged (
               rubric TEXT NOT NULL, bundle TEXT NOT NULL, brief BYTEA NOT NULL, report BYTEA,
               PRIMARY KEY (rubric, bundle));
             CREATE TABLE labcheck_about (
               version INTEGER NOT NULL, lab TEXT NOT NULL,
               one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one));",
        )?;
        transaction.execute("INSERT INTO labcheck_about VALUES ($1, $2)", &[&VERSION, &lab])?;
    }
    let about = transaction.query_one("SELECT version, lab FROM labcheck_about", &[])?;
    let found = (about.try_get(0)?, about.try_get(1)?);
    transaction.commit()?;
    Ok(found)
}

/// Why there is no connection, and the next step.
fn refused(error: &Error) -> String {
    let why = said(error);
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => {
            format!("{why}; check user and password in the address")
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => format!("{why}; make it with `createdb`"),
        Some(_) => why,
        None => format!(
            "{why}; check that it runs there and can be reached, and that it has a certificate for that name or the address says `sslmode=disable`"
        ),
    }
}

/// What the server does not let us do, and who can change that.
fn denied(error: &Error) -> String {
    let why = said(error);
    match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => format!(
            "{why}; name the database's owner in the address, or let the owner grant `SELECT` on `labcheck_about` and `SELECT, INSERT` on `labcheck_judged`"
        ),
        _ => why,
    }
}

/// The error and what is behind it, without line breaks or control characters.
fn said(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        return told.message().escape_debug().to_string();
    }
    let (mut said, mut behind) = (error.to_string(), error.source());
    while let Some(cause) = behind {
        said.push_str(&format!(": {cause}"));
        behind = cause.source();
    }
    said.escape_debug().to_string()
}
