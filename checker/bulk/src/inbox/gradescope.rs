//! Gradescope's list of an export: which folder is whose, and when it came.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use super::Clue;

/// Entries of a list.
const MAX_ENTRIES: usize = 100_000;

/// Name of the list. It stands beside the folders that it lists.
pub const FILE: &str = "submission_metadata.yml";
/// Bytes of a list that is read. It repeats what every submission printed.
pub const MAX_BYTES: u64 = 32 << 20;

/// What an export says of its folders.
#[derive(Debug)]
pub struct Metadata(BTreeMap<String, Known>);

/// What an export says of one submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who handed it in; several are a group.
    pub submitters: Vec<Vec<Clue>>,
    /// When it was received.
    pub received: Option<Timestamp>,
}

/// The list, of no more entries than archives may have.
struct Entries(BTreeMap<String, Known>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries by folder")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((folder, entry)) = map.next_entry::<String, Entry>()? {
            entries.insert(folder, entry.into());
            if entries.len() > MAX_ENTRIES {
                return Err(de::Error::custom(format!("more than {MAX_ENTRIES} entries")));
            }
        }
        Ok(Entries(entries))
    }
}

/// One entry; its other fields are of no interest.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = ":submitters", default)]
    submitters: Vec<Person>,
    #[serde(rename = ":created_at", default)]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(rename = ":name", default)]
    name: Option<String>,
    #[serde(rename = ":sid", default)]
    sid: Option<String>,
    #[serde(rename = ":email", default)]
    email: Option<String>,
}

impl Metadata {
    /// Reads a list.
    ///
    /// # Errors
    /// Something else, or a list beyond the limits.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let options = serde_yaml::options! {
            with_snippet: false,
            budget: serde_yaml::budget! {
                max_depth: 64,
                max_nodes: 2_000_000,
                max_events: 5_000_000,
                max_anchors: 10_000,
                max_aliases: 100_000,
            },
        };
        let Entries(entries) = serde_yaml::from_slice_with_options(text, options).map_err(|error| {
            let error = error.to_string();
            format!("is no list of Gradescope's: {}", error.lines().next().unwrap_or_default().escape_debug())
        })?;
        Ok(Self(entries))
    }

    /// What it says of a folder, or of a file that is a submission.
    pub fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(name)
    }
}

impl From<Entry> for Known {
    fn from(entry: Entry) -> Self {
        let clues = |person: Person| {
            let sid = ["id", "sis_id", "gradescope_id"].map(|column| (column, person.sid.clone()));
            let rest = [("email", person.email), ("name", person.name)];
            let clues = sid.into_iter().chain(rest).filter_map(|(column, value)| {
                Some((column, value.filter(|value| !value.trim().is_empty())?))
            });
            clues.collect()
        };
        Self {
            submitters: entry.submitters.into_iter().map(clues).collect(),
            received: entry.created_at.as_deref().and_then(time),
        }
    }
}

/// A time as Ruby writes it, `2026-12-01 22:59:00.123456000 Z`. One without a
/// zone is none.
fn time(text: &str) -> Option<Timestamp> {
    let mut parts = text.split_whitespace();
    let text = match (parts.next()?, parts.next(), parts.next().unwrap_or_default()) {
        (date, Some(time), "UTC") => format!("{date}T{time}Z"),
        (date, Some(time), zone) => format!("{date}T{time}{zone}"),
        (text, None, _) => text.to_owned(),
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_times_are_read_and_the_rest_passed_over() {
        let text = "---\nsubmission_17:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: '0042'\n    :email: ada@x.org\n  :created_at: 2026-12-01 22:59:00.123456000 Z\n  :score: 3.5\n  :results:\n    tests:\n    - output: \"a: b\"\n  :history:\n  - :id: 16\n    :created_at: 2026-11-01 00:00:00.000000000 Z\nsubmission_18:\n  :submitters:\n  - :name: Bob\n    :sid: 43\n    :email:\n  - :name: Eve\n  :created_at: 2026-12-01 23:59:00 +01:00\n";
        let list = Metadata::parse(text.as_bytes()).unwrap();
        let ada = list.get("submission_17").unwrap();
        assert_eq!(ada.received, Some("2026-12-01T22:59:00.123456Z".parse().unwrap()));
        assert!(ada.submitters[0].contains(&("id", "0042".to_owned())));
        assert!(ada.submitters[0].contains(&("email", "ada@x.org".to_owned())));
        let group = list.get("submission_18").unwrap();
        assert_eq!(group.received, Some("2026-12-01T22:59:00Z".parse().unwrap()));
        assert_eq!(group.submitters.len(), 2);
        assert!(group.submitters[0].contains(&("id", "43".to_owned())));
        assert_eq!(group.submitters[1], [("name", "Eve".to_owned())]);
    }

    #[test]
    fn a_time_without_a_zone_is_none() {
        assert_eq!(time("2026-12-01 22:59:00"), None);
        assert_eq!(time("soon"), None);
        assert_eq!(time("2026-12-01 22:59:00 UTC"), time("2026-12-01T22:59:00Z"));
        assert!(time("2026-12-01T22:59:00Z").is_some());
    }

    #[test]
    fn bombs_of_aliases_and_of_nesting_do_not_go_off() {
        let mut bomb = "a0: &a0 {x: 1}\n".to_owned();
        for n in 1..40 {
            let before = format!("*a{}, ", n - 1).repeat(20);
            bomb.push_str(&format!("a{n}: &a{n} [{}]\n", before.trim_end_matches(", ")));
        }
        let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let wide = format!("a: [{}0]", "0, ".repeat(3_000_000));
        for text in [&bomb, &deep, &wide] {
            let error = Metadata::parse(text.as_bytes()).unwrap_err();
            assert!(error.starts_with("is no list of Gradescope's: ") && error.len() < 300, "{error}");
        }
    }
}
