//! Maps: entries sorted by key, so that iteration is the same on every run
//! and looking up a field allocates nothing.

use std::cmp::Ordering;
use std::sync::Arc;

use super::schema::Schema;
use super::value::Value;

/// A key of a map. Numbers are normalised: `1`, `1u` and `1.0` are one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A string.
    String(Arc<str>),
}

/// A map or an object, shared when cloned.
#[derive(Clone, Debug)]
pub struct Map(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Vec<(Key, Value)>,
    schema: Option<Arc<Schema>>,
}

impl Key {
    /// The key that `value` can be used as: bool, int, uint and string keys
    /// exist, and a double with an integral value finds an integer key.
    pub fn from_value(value: &Value) -> Option<Key> {
        match value {
            Value::Bool(b) => Some(Key::Bool(*b)),
            Value::Int(i) => Some(Key::Int(*i)),
            Value::Uint(u) => Some(Key::Uint(*u)),
            Value::String(s) => Some(Key::String(Arc::clone(s))),
            Value::Double(d) => integral(*d),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Key::Bool(b) => Value::Bool(*b),
            Key::Int(i) => Value::Int(*i),
            Key::Uint(u) => Value::Uint(*u),
            Key::String(s) => Value::String(Arc::clone(s)),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Bool(_) => 0,
            Key::Int(_) | Key::Uint(_) => 1,
            Key::String(_) => 2,
        }
    }
}

/// The integer key equal to `d`. The bounds are the first doubles outside.
fn integral(d: f64) -> Option<Key> {
    if d.fract() != 0.0 {
        return None;
    }
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&d) {
        return Some(Key::Int(d as i64));
    }
    (0.0..18_446_744_073_709_551_616.0).contains(&d).then_some(Key::Uint(d as u64))
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Bool(a), Key::Bool(b)) => a.cmp(b),
            (Key::Int(a), Key::Int(b)) => a.cmp(b),
            (Key::Uint(a), Key::Uint(b)) => a.cmp(b),
            (Key::Int(a), Key::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Key::Uint(a), Key::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Key::String(a), Key::String(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Map {
    /// The number of entries really there.
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether no entry is really there.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The entries, in the order of their keys.
    pub fn entries(&self) -> &[(Key, Value)] {
        &self.0.entries
    }

    /// The value really there under `key`, which `has()` asks for.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        let entries = &self.0.entries;
        let found = entries.binary_search_by(|(k, _)| k.cmp(key)).ok()?;
        Some(&entries[found].1)
    }

    /// The value really there under the name `field`.
    pub fn get_str(&self, field: &str) -> Option<&Value> {
        let entries = &self.0.entries;
        let found = entries
            .binary_search_by(|(k, _)| match k {
                Key::String(s) => (**s).cmp(field),
                _ => Ordering::Less,
            })
            .ok()?;
        Some(&entries[found].1)
    }

    /// The value under the name `field`, or its default where the schema of
    /// this object knows the field and the object omits it.
    pub fn read(&self, field: &str) -> Option<&Value> {
        self.get_str(field).or_else(|| self.0.schema.as_ref()?.default_for(field))
    }

    /// The schema that supplies defaults, if any.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.0.schema.as_ref()
    }

    /// The map of `entries` with the defaults of `schema`. Of equal keys the
    /// last one stays.
    pub fn with_schema(mut entries: Vec<(Key, Value)>, schema: Option<Arc<Schema>>) -> Map {
        // A stable sort, then keeping the last of equals.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.reverse();
        entries.dedup_by(|(a, _), (b, _)| (*a).cmp(b) == Ordering::Equal);
        entries.reverse();
        Map(Arc::new(Inner { entries, schema }))
    }
}

impl FromIterator<(Key, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Map {
        Map::with_schema(entries.into_iter().collect(), None)
    }
}
