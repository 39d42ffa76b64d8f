//! Students who ask to be graded again, and what teachers answer.
//!
//! A request changes no score. It is open until it has an answer: granted, which
//! sets a score as any decision does, or declined. What a student writes is text.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    grade::{Flag, Grade},
    roster::{Roster, Student},
    table::{self, Table},
    times,
};

/// Name of the file of answers in an output directory.
pub const ANSWERS: &str = "answers.csv";
/// The columns of a table of answers.
pub const COLUMNS: [&str; 4] = ["request", "answer", "reason", "author"];
/// Code of the flag on a student with an open request.
const FLAG: &str = "regrade-asked";
/// Longest reason that is kept, in characters.
const MAX_TEXT: usize = 2_000;

/// A student's wish to be graded again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What names it: it follows from all else but the answer.
    pub id: String,
    /// The check it is about, as the student wrote it; empty: the whole grade.
    pub check: String,
    /// Why, in the student's words.
    pub reason: String,
    /// When it was received, if anybody knows.
    pub received: Option<Timestamp>,
    /// What a teacher answered; `None` while it is open.
    pub answer: Option<Answer>,
}

/// A teacher's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Whether the student was right.
    pub granted: bool,
    /// Why.
    pub reason: String,
    /// Who answered.
    pub author: String,
}

impl Answer {
    /// The word people and machines read.
    pub const fn word(&self) -> &'static str {
        if self.granted { "granted" } else { "declined" }
    }
}

impl Request {
    /// What it is about, in words.
    pub fn about(&self) -> String {
        if self.check.is_empty() { "the grade".to_owned() } else { format!("`{}`", self.check) }
    }

    /// Whether nobody has answered it.
    pub const fn is_open(&self) -> bool {
        self.answer.is_none()
    }
}

/// All requests of a class, by place in the roster.
#[derive(Debug, Default)]
pub struct Requests {
    by_student: BTreeMap<usize, Vec<Request>>,
    /// Lines that are nobody's, in words.
    pub notes: Vec<String>,
}

impl Requests {
    /// Reads requests: a table with the columns `student` (or `id`), `check`,
    /// `reason` and `received`, of which the check and the time may be empty.
    /// `file` is named in errors. A line about nobody in the roster is noted and
    /// passed over: students may have written it.
    ///
    /// # Errors
    /// No such table, no reason, or a time that is none.
    pub fn read(file: &str, bytes: &[u8], roster: &Roster) -> Result<Self, String> {
        let table = Table::parse(file, bytes)?;
        let column = |names: &[&str]| {
            let found = table::listed(&table.columns);
            let missing = || format!("`{file}` has no column `{}`; found {found}", names[0]);
            table.column(names).ok_or_else(missing)
        };
        let (student, check) = (column(&["student", "id"])?, column(&["check"])?);
        let (reason, received) = (column(&["reason"])?, column(&["received"])?);
        let mut requests = Self::default();
        for row in table.rows() {
            let (line, row) = row?;
            let place = |why: &str| format!("`{file}`, line {line}: {why}");
            let Some(at) = roster.by_id(&row[student]) else {
                let id = lab_render::line(&row[student]).into_owned();
                requests
                    .notes
                    .push(place(&format!("`{id}` is not in the roster; the request is passed over")));
                continue;
            };
            if row[reason].is_empty() {
                return Err(place("the reason is empty; a request has one"));
            }
            let time = match row[received].as_str() {
                "" => None,
                text => Some(times::parse(&lab_render::line(text)).map_err(|why| place(&why))?),
            };
            let reason: String = row[reason].chars().take(MAX_TEXT).collect();
            let id = id(&roster.students()[at].id, &row[check], &reason, time);
            let request = Request { id, check: row[check].clone(), reason, received: time, answer: None };
            let theirs = requests.by_student.entry(at).or_default();
            // The same line twice is one request.
            if theirs.iter().all(|other| other.id != request.id) {
                theirs.push(request);
            }
        }
        Ok(requests)
    }

    /// Puts the answers beside them that are in `dir`.
    ///
    /// # Errors
    /// Answers that cannot be read.
    pub fn answered(mut self, dir: &Path) -> Result<Self, String> {
        let answers = answers(dir)?;
        for request in self.by_student.values_mut().flatten() {
            request.answer = answers.get(&request.id).cloned();
        }
        Ok(self)
    }

    /// Those of a student.
    pub fn of(&self, roster: &Roster, student: &Student) -> Vec<Request> {
        let at = roster.by_id(&student.id).filter(|_| !self.by_student.is_empty());
        at.and_then(|at| self.by_student.get(&at)).cloned().unwrap_or_default()
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.by_student.values().flatten().filter(|request| request.is_open()).count()
    }
}

/// Text that names a request, whenever and wherever it is read.
fn id(student: &str, check: &str, reason: &str, received: Option<Timestamp>) -> String {
    let received = received.map(|received| received.to_string()).unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [student, check, reason, &received] {
        digest.update(part);
        digest.update([0]);
    }
    lab_bundle::hex(&digest.finalize())[..16].to_owned()
}

/// The answers in `dir`, by request; the last line on a request counts.
///
/// # Errors
/// A table that is none, an answer that is neither word, or one without reason
/// or author.
pub fn answers(dir: &Path) -> Result<HashMap<String, Answer>, String> {
    let path = dir.join(ANSWERS);
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let file = path.display().to_string();
    let bytes = std::fs::read(&path).map_err(|error| format!("cannot read `{file}`: {error}"))?;
    let table = Table::parse(&file, &bytes)?;
    let mut at = [0; 4];
    for (place, name) in at.iter_mut().zip(COLUMNS) {
        let found = table::listed(&table.columns);
        *place =
            table.column(&[name]).ok_or_else(|| format!("`{file}` has no column `{name}`; found {found}"))?;
    }
    let mut answers = HashMap::new();
    for row in table.rows() {
        let (line, row) = row?;
        let [request, answer, reason, author] = at.map(|at| row[at].as_str());
        let place = |why: &str| format!("`{file}`, line {line}: {why}");
        let granted = match answer {
            "granted" => true,
            "declined" => false,
            other => return Err(place(&format!("`{other}` is no answer; expected `granted` or `declined`"))),
        };
        if reason.is_empty() || author.is_empty() {
            return Err(place("an answer has a reason and an author"));
        }
        let (reason, author) = (reason.to_owned(), author.to_owned());
        answers.insert(request.to_owned(), Answer { granted, reason, author });
    }
    Ok(answers)
}

/// Puts requests into a grade, with a flag for each that is open.
pub fn put(grade: &mut Grade, requests: Vec<Request>) {
    grade.flags.retain(|flag| flag.code != FLAG);
    let open = requests.iter().filter(|request| request.is_open());
    grade.flags.extend(open.map(|request| {
        Flag::new(FLAG, format!("asks for a regrade of {}: {}", request.about(), request.reason))
    }));
    grade.requests = requests;
}

/// A line of the listing of requests.
pub fn line(student: &str, request: &Request) -> [String; 8] {
    let received = request.received.map(|received| received.to_string()).unwrap_or_default();
    let answer = request.answer.as_ref();
    [
        request.id.clone(),
        student.to_owned(),
        request.check.clone(),
        request.reason.clone(),
        received,
        answer.map_or("open", Answer::word).to_owned(),
        answer.map(|answer| answer.reason.clone()).unwrap_or_default(),
        answer.map(|answer| answer.author.clone()).unwrap_or_default(),
    ]
}
