//! Assignments: what each student starts from that no other does.
//!
//! Nonce and seed follow from a secret of the instructor's, the lab and the
//! student, so that they can be made again and not be guessed. They are no
//! proof: whoever rules a cluster can write anything into it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use lab_spec::{FORMAT, evidence::Params};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    roster::Roster,
    settle::Assigned,
    table::{self, Table},
};

/// What a student is given: `labcheck start --token` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    format: u32,
    /// The lab.
    pub lab: String,
    /// The student's id in the roster.
    pub student: String,
    /// What the attempt is fixed to.
    pub params: Params,
    /// Until when it is handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

/// Longest token that is read, in bytes.
const MAX_TOKEN: usize = 4096;
/// The columns of the file that `assign` writes and `grade` reads.
pub const COLUMNS: [&str; 5] = ["student", "nonce", "seed", "deadline", "token"];

impl Token {
    /// The token of a student for a lab.
    pub fn new(secret: &[u8], lab: &str, student: &str, deadline: Option<Timestamp>) -> Self {
        let nonce = &derived(secret, "nonce", lab, student)[..8];
        let mut seed = [0; 8];
        seed.copy_from_slice(&derived(secret, "seed", lab, student)[..8]);
        let params = Params { seed: u64::from_be_bytes(seed) >> 1, nonce: lab_bundle::hex(nonce) };
        Self { format: FORMAT, lab: lab.to_owned(), student: student.to_owned(), params, deadline }
    }

    /// The token as text without blanks.
    ///
    /// # Errors
    /// Only a lack of memory.
    pub fn text(&self) -> Result<String, String> {
        serde_json::to_vec(self).map(|text| URL_SAFE_NO_PAD.encode(text)).map_err(|error| error.to_string())
    }

    /// Reads a token.
    ///
    /// # Errors
    /// Text that is none, or one of another format.
    pub fn parse(text: &str) -> Result<Self, String> {
        let broken = || "the token is cut off or changed; copy all of it".to_owned();
        let text = text.trim();
        if text.len() > MAX_TOKEN {
            return Err(broken());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| broken())?;
        let token: Self = serde_json::from_slice(&json).map_err(|_| broken())?;
        match token.format {
            FORMAT => Ok(token),
            other => Err(format!("the token has format {other}, expected {FORMAT}")),
        }
    }
}

/// Reads what was assigned, by place in the roster. `file` is named in errors.
///
/// # Errors
/// No table of assignments, a student who is not in the roster or twice in it,
/// or a cell that is not what its column says.
pub fn read(file: &str, bytes: &[u8], roster: &Roster) -> Result<BTreeMap<usize, Assigned>, String> {
    let table = Table::parse(file, bytes)?;
    let column = |name: &str| {
        let found = table::listed(&table.columns);
        table.column(&[name]).ok_or_else(|| format!("`{file}` has no column `{name}`; found {found}"))
    };
    let (student, nonce, seed) = (column("student")?, column("nonce")?, column("seed")?);
    let deadline = table.column(&["deadline"]);
    let mut assigned = BTreeMap::new();
    for row in table.rows() {
        let (line, row) = row?;
        let place = |why: String| format!("`{file}`, line {line}: {why}");
        let at = roster
            .by_id(&row[student])
            .ok_or_else(|| place(format!("`{}` is not in the roster", row[student])))?;
        let seed = row[seed].parse().map_err(|_| place(format!("`{}` is no seed", row[seed])))?;
        let deadline = deadline.map(|column| row[column].as_str()).filter(|text| !text.is_empty());
        let deadline = deadline.map(|text| crate::times::parse(text).map_err(place)).transpose()?;
        let what = Assigned { nonce: row[nonce].clone(), seed, deadline };
        if assigned.insert(at, what).is_some() {
            return Err(place(format!("`{}` was assigned something already", row[student])));
        }
    }
    Ok(assigned)
}

fn derived(secret: &[u8], what: &str, lab: &str, student: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length is taken");
    for part in [what, lab, student] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_by_secret_lab_and_student_and_come_back() {
        let ada = Token::new(b"secret", "lab08", "ada", None);
        assert_eq!(ada, Token::new(b"secret", "lab08", "ada", None));
        for other in [
            Token::new(b"other", "lab08", "ada", None),
            Token::new(b"secret", "lab06", "ada", None),
            Token::new(b"secret", "lab08", "bob", None),
        ] {
            assert_ne!((ada.params.seed, &ada.params.nonce), (other.params.seed, &other.params.nonce));
            assert_ne!(ada.params.nonce, other.params.nonce);
        }
        let text = ada.text().unwrap();
        assert_eq!(Token::parse(&format!(" {text}\n")), Ok(ada));
        assert!(Token::parse(&text[..text.len() - 3]).unwrap_err().contains("copy all of it"));
    }

    #[test]
    fn assignments_are_read_back_by_student() {
        let roster = Roster::parse("r", b"id\nada\nbob\n").unwrap();
        let csv = "student,nonce,seed,deadline\nbob,n1,7,2026-12-01T00:00:00Z\n";
        let assigned = read("a.csv", csv.as_bytes(), &roster).unwrap();
        assert_eq!((assigned.len(), assigned[&1].seed), (1, 7));
        let error = read("a.csv", b"student,nonce,seed\neve,n,1\n", &roster).unwrap_err();
        assert_eq!(error, "`a.csv`, line 2: `eve` is not in the roster");
        let error = read("a.csv", b"student,nonce,seed\nada,n,x\n", &roster).unwrap_err();
        assert_eq!(error, "`a.csv`, line 2: `x` is no seed");
    }
}
