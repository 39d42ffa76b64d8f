//! What the queue holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The head, index 0.
    Left,
    /// The tail.
    Right,
}

/// A value under a key.
#[derive(Debug)]
enum Entry {
    /// A list is never empty: its last pop removes the key, as in Redis.
    List(VecDeque<Vec<u8>>),
    Text(Vec<u8>),
}

/// The key holds a value of another type.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongType;

/// All keys, shared by all connections.
#[derive(Debug, Default)]
pub struct Store {
    entries: Mutex<HashMap<Vec<u8>, Entry>>,
    /// Wakes those who wait for a push.
    pub pushed: Notify,
}

impl Store {
    fn entries(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends values one by one at an end; the new length.
    pub fn push(&self, key: &[u8], end: End, values: &[Vec<u8>]) -> Result<usize, WrongType> {
        let mut entries = self.entries();
        let list = match entries.entry(key.to_vec()).or_insert_with(|| Entry::List(VecDeque::new())) {
            Entry::List(list) => list,
            Entry::Text(_) => return Err(WrongType),
        };
        for value in values {
            match end {
                End::Left => list.push_front(value.clone()),
                End::Right => list.push_back(value.clone()),
            }
        }
        let length = list.len();
        drop(entries);
        self.pushed.notify_waiters();
        Ok(length)
    }

    /// Takes a value from an end.
    pub fn pop(&self, key: &[u8], end: End) -> Result<Option<Vec<u8>>, WrongType> {
        let mut entries = self.entries();
        let list = match entries.get_mut(key) {
            None => return Ok(None),
            Some(Entry::Text(_)) => return Err(WrongType),
            Some(Entry::List(list)) => list,
        };
        let value = match end {
            End::Left => list.pop_front(),
            End::Right => list.pop_back(),
        };
        if list.is_empty() {
            entries.remove(key);
        }
        Ok(value)
    }

    /// A list's length.
    pub fn length(&self, key: &[u8]) -> Result<usize, WrongType> {
        match self.entries().get(key) {
            None => Ok(0),
            Some(Entry::List(list)) => Ok(list.len()),
            Some(Entry::Text(_)) => Err(WrongType),
        }
    }

    /// Values from `first` to `last`, both included; negative ones count from
    /// the tail.
    pub fn range(&self, key: &[u8], first: i64, last: i64) -> Result<Vec<Vec<u8>>, WrongType> {
        let entries = self.entries();
        let list = match entries.get(key) {
            None => return Ok(Vec::new()),
            Some(Entry::Text(_)) => return Err(WrongType),
            Some(Entry::List(list)) => list,
        };
        let length = list.len() as i64;
        let index = |at: i64| {
            if at < 0 { at.saturating_add(length) } else { at }
        };
        let first = index(first).max(0);
        let count = index(last).min(length - 1) - first + 1;
        let values = list.iter().skip(first as usize).take(count.max(0) as usize);
        Ok(values.cloned().collect())
    }

    /// Sets a text, whatever the key held.
    pub fn set(&self, key: &[u8], value: Vec<u8>) {
        self.entries().insert(key.to_vec(), Entry::Text(value));
    }

    /// A text.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, WrongType> {
        match self.entries().get(key) {
            None => Ok(None),
            Some(Entry::Text(text)) => Ok(Some(text.clone())),
            Some(Entry::List(_)) => Err(WrongType),
        }
    }

    /// Adds one to a number, 0 if absent; `None` if it is not a number or
    /// would overflow.
    pub fn increment(&self, key: &[u8]) -> Result<Option<i64>, WrongType> {
        let mut entries = self.entries();
        let number = match entries.get(key) {
            None => Some(0),
            Some(Entry::Text(text)) => {
                std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok())
            }
            Some(Entry::List(_)) => return Err(WrongType),
        };
        let number = number.and_then(|number| number.checked_add(1));
        if let Some(number) = number {
            let text = number.to_string().into_bytes();
            entries.insert(key.to_vec(), Entry::Text(text));
        }
        Ok(number)
    }

    /// Removes keys; how many there were.
    pub fn remove(&self, keys: &[Vec<u8>]) -> usize {
        let mut entries = self.entries();
        keys.iter().filter(|key| entries.remove(*key).is_some()).count()
    }

    /// How many of these keys exist; a key named twice counts twice.
    pub fn existing(&self, keys: &[Vec<u8>]) -> usize {
        let entries = self.entries();
        keys.iter().filter(|key| entries.contains_key(*key)).count()
    }

    /// Number of keys.
    pub fn keys(&self) -> usize {
        self.entries().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<Vec<u8>> {
        values.iter().map(|value| value.as_bytes().to_vec()).collect()
    }

    #[test]
    fn lists_have_two_ends_and_vanish_when_empty() {
        let store = Store::default();
        assert_eq!(store.push(b"k", End::Right, &texts(&["b", "c"])), Ok(2));
        assert_eq!(store.push(b"k", End::Left, &texts(&["a"])), Ok(3));
        assert_eq!(store.range(b"k", 0, -1), Ok(texts(&["a", "b", "c"])));
        assert_eq!(store.range(b"k", -2, 10), Ok(texts(&["b", "c"])));
        assert_eq!(store.range(b"k", 2, 1), Ok(Vec::new()));
        assert_eq!(store.range(b"k", i64::MIN, i64::MAX).map(|all| all.len()), Ok(3));
        assert_eq!(store.pop(b"k", End::Right), Ok(Some(b"c".to_vec())));
        assert_eq!(store.pop(b"k", End::Left), Ok(Some(b"a".to_vec())));
        assert_eq!(store.pop(b"k", End::Left), Ok(Some(b"b".to_vec())));
        assert_eq!((store.pop(b"k", End::Left), store.keys()), (Ok(None), 0));
    }

    #[test]
    fn types_do_not_mix_and_numbers_do_not_wrap() {
        let store = Store::default();
        assert_eq!(store.increment(b"n"), Ok(Some(1)));
        assert_eq!(store.increment(b"n"), Ok(Some(2)));
        assert_eq!(store.get(b"n"), Ok(Some(b"2".to_vec())));
        assert_eq!(store.push(b"n", End::Left, &texts(&["x"])), Err(WrongType));
        store.set(b"n", i64::MAX.to_string().into_bytes());
        assert_eq!(store.increment(b"n"), Ok(None));
        assert_eq!(store.existing(&texts(&["n", "n", "m"])), 2);
        assert_eq!(store.remove(&texts(&["n", "m"])), 1);
    }
}
