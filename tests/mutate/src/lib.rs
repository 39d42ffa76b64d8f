//! Changes to bytes as they hurt readers: bits, lengths, pieces that repeat,
//! are lacking or stand elsewhere; and a loop that holds a reader to what it
//! promises about such bytes for as long as there is time.

use std::{
    env,
    time::{Duration, Instant},
};

use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner},
};

/// Seconds for each reader, unless the environment says otherwise.
const SECONDS: u64 = 2;

/// The time there is for one reader: `LABCHECK_FUZZ_SECONDS`, or two seconds.
pub fn time() -> Duration {
    let said = env::var("LABCHECK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(said.unwrap_or(SECONDS))
}

/// Reads changed seeds until the time is up; says how many. What failed once
/// is kept in the file `regressions` and is read first, each time.
///
/// # Panics
/// When `read` refuses a case, which is printed as small as it can be made.
pub fn hold(
    regressions: &'static str,
    name: &str,
    seeds: &[Vec<u8>],
    read: impl Fn(&[u8]) -> Result<(), TestCaseError>,
) -> u64 {
    let (begun, mut cases) = (Instant::now(), 0);
    while begun.elapsed() < time() {
        let config = Config {
            cases: 32,
            failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
            ..Config::default()
        };
        let strategy = (0..seeds.len(), changes());
        let property = |(seed, changes): (usize, Vec<Change>)| read(&apply(&seeds[seed], &changes));
        if let Err(error) = TestRunner::new(config).run(&strategy, property) {
            panic!("{name}: {error}");
        }
        cases += 32;
    }
    cases
}

/// A change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Other bytes in place of those at a place.
    Write(Index, Vec<u8>),
    /// Bytes put between others.
    Insert(Index, Vec<u8>),
    /// Bytes taken out.
    Remove(Index, usize),
    /// A piece that stands somewhere else as well.
    Repeat(Index, usize, Index),
    /// The end cut off.
    Cut(Index),
}

/// Some changes; often one, sometimes many.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    // Lengths and offsets as they break arithmetic.
    let number = prop_oneof![
        Just(vec![0xff; 8]),
        Just(vec![0; 8]),
        Just(vec![0xff, 0xff, 0xff, 0x7f]),
        Just(b"77777777777".to_vec()),
        Just(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        Just(b"18446744073709551616".to_vec()),
        Just(b"../".to_vec()),
        Just(b"*a".to_vec()),
    ];
    let bytes = || prop_oneof![number.clone(), vec(any::<u8>(), 1..4), vec(any::<u8>(), 0..64)];
    let length = || prop_oneof![1_usize..16, 1_usize..4096];
    let change = prop_oneof![
        4 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Change::Write(at, bytes)),
        2 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (any::<Index>(), length()).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (any::<Index>(), length(), any::<Index>()).prop_map(|(from, n, to)| Change::Repeat(from, n, to)),
        1 => any::<Index>().prop_map(Change::Cut),
    ];
    vec(change, 1..8)
}

/// The bytes after these changes.
pub fn apply(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for change in changes {
        let place = |index: &Index| index.index(bytes.len() + 1);
        let end = |from: usize, length: usize| (from + length).min(bytes.len());
        match change {
            Change::Write(at, other) => {
                let at = place(at);
                let end = end(at, other.len());
                bytes[at..end].copy_from_slice(&other[..end - at]);
            }
            Change::Insert(at, other) => {
                let at = place(at);
                bytes.splice(at..at, other.iter().copied());
            }
            Change::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..end(at, *length));
            }
            Change::Repeat(from, length, to) => {
                let (from, to) = (place(from), place(to));
                let piece = bytes[from..end(from, *length)].to_vec();
                bytes.splice(to..to, piece);
            }
            Change::Cut(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}
