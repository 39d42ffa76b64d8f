//! Values of the expression language. Cloning one copies at most a pointer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::map::{Key, Map};
use super::quantity::Quantity;
use super::time::{Duration, Timestamp};
use super::url::Url;

/// One value: what CEL knows, what the Kubernetes libraries add, and the two
/// ways in which evidence can be missing.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer. Integral JSON numbers are always this.
    Int(i64),
    /// An unsigned integer; only literals such as `1u` and `uint()` make one.
    Uint(u64),
    /// A double.
    Double(f64),
    /// A string; its size counts code points.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<[Value]>),
    /// A map or an object, iterated in the order of its keys.
    Map(Map),
    /// A span of time in nanoseconds.
    Duration(Duration),
    /// A point in time, years 1 to 9999.
    Timestamp(Timestamp),
    /// The type of a value, as `type(x)` gives it.
    Type(Type),
    /// An optional, empty or not.
    Optional(Option<Arc<Value>>),
    /// A Kubernetes resource quantity.
    Quantity(Quantity),
    /// A semantic version.
    Semver(Arc<semver::Version>),
    /// An IP address.
    Ip(IpAddr),
    /// A network, which may have bits behind its prefix.
    Cidr(IpNet),
    /// A URL.
    Url(Arc<Url>),
    /// A named string format, see `format.named()`.
    Format(super::library::format::Format),
    /// Something that only functions of the judge can look into, such as the
    /// requests of a load: too many to be walked by an expression.
    Native(Arc<dyn Native>),
    /// An object that was looked for and does not exist. Only `present()` may
    /// touch it; everything else fails with [`super::EvalError::Absent`].
    Absent(Arc<Absence>),
    /// Evidence that could not be observed. Whatever touches it fails with
    /// [`super::EvalError::Unavailable`], which makes the verdict unknown.
    Unavailable(Arc<Unavailability>),
}

/// What [`Value::Native`] holds. It shows as a short summary.
pub trait Native: fmt::Debug + fmt::Display + Send + Sync {
    /// The name of the type for messages.
    fn kind_name(&self) -> &'static str;

    /// The thing itself, for the functions that know its type.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// What does not exist, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The thing, as a learner knows it: "deployment `api`".
    pub what: String,
}

/// Why evidence could not be observed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailability {
    /// The thing that was asked for: "pods in namespace `shop`".
    pub what: String,
    /// What came back instead: "403 forbidden".
    pub why: String,
}

/// The types that `type()` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type(pub(super) &'static str);

impl Type {
    /// The name of the type, as `string(type(x))` would print it.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    /// A list value.
    pub fn list(items: impl Into<Arc<[Value]>>) -> Value {
        Value::List(items.into())
    }

    /// A map value with string keys. Of equal keys the last one stays.
    pub fn object<K: Into<Arc<str>>>(fields: impl IntoIterator<Item = (K, Value)>) -> Value {
        Value::Map(fields.into_iter().map(|(k, v)| (Key::String(k.into()), v)).collect())
    }

    /// An absent object, described as a learner knows it.
    pub fn absent(what: impl Into<String>) -> Value {
        Value::Absent(Arc::new(Absence { what: what.into() }))
    }

    /// Evidence that could not be observed.
    pub fn unavailable(what: impl Into<String>, why: impl Into<String>) -> Value {
        Value::Unavailable(Arc::new(Unavailability { what: what.into(), why: why.into() }))
    }

    /// An optional holding `value`.
    pub fn some(value: Value) -> Value {
        Value::Optional(Some(Arc::new(value)))
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The signed integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The field `name` of a map, or what its schema says an omitted field
    /// reads as.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.as_map()?.read(name)
    }

    /// Follows field names from here; `None` at the first that is not there.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, name| value.field(name))
    }

    /// The type of the value.
    pub fn kind(&self) -> Type {
        Type(match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Type(_) => "type",
            Value::Optional(_) => "optional_type",
            Value::Quantity(_) => "kubernetes.Quantity",
            Value::Semver(_) => "kubernetes.Semver",
            Value::Ip(_) => "net.IP",
            Value::Cidr(_) => "net.CIDR",
            Value::Url(_) => "kubernetes.URL",
            Value::Format(_) => "kubernetes.NamedFormat",
            Value::Native(native) => native.kind_name(),
            Value::Absent(_) => "absent",
            Value::Unavailable(_) => "unavailable",
        })
    }

    /// The name of the type for messages: shorter than [`Value::kind`].
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Duration(_) => "duration",
            Value::Timestamp(_) => "timestamp",
            Value::Optional(_) => "optional",
            Value::Quantity(_) => "quantity",
            Value::Semver(_) => "semver",
            Value::Ip(_) => "ip",
            Value::Cidr(_) => "cidr",
            Value::Url(_) => "url",
            Value::Format(_) => "format",
            other => other.kind().name(),
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not exist", self.what)
    }
}

impl fmt::Display for Unavailability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be observed: {}", self.what, self.why)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Value {
        Value::Int(i)
    }
}

impl From<f64> for Value {
    fn from(d: f64) -> Value {
        Value::Double(d)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Value {
        Value::string(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Value {
        Value::string(s)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::list(items)
    }
}
