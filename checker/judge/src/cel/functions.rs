//! The registry of functions: the standard library, to which the judge adds
//! its own.

use std::collections::BTreeMap;
use std::fmt;

use super::budget::Budget;
use super::error::EvalError;
use super::library;
use super::value::Value;

/// A native function. The receiver is there for a member call, `x.f(..)`.
pub type Function = fn(&mut Ctx<'_>, Option<&Value>, &[Value]) -> Result<Value, EvalError>;

/// What a native function may use of the evaluation it runs in.
pub struct Ctx<'a> {
    pub(super) budget: &'a mut Budget,
}

impl Ctx<'_> {
    /// Accounts for `steps` of work; a function that loops calls this once per
    /// element.
    pub fn take(&mut self, steps: u64) -> Result<(), EvalError> {
        self.budget.take(steps)
    }

    /// Accounts for reading or writing `bytes` bytes.
    pub fn take_bytes(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.budget.take_bytes(bytes)
    }
}

/// One registered function.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) call: Function,
    /// Whether the function wants to see absent values itself.
    pub(super) sees_absence: bool,
}

/// Functions by name, global ones apart from members.
#[derive(Clone, Default)]
pub struct Functions {
    global: BTreeMap<&'static str, Entry>,
    member: BTreeMap<&'static str, Entry>,
}

impl Functions {
    /// The standard functions of CEL, those of the Kubernetes libraries, and
    /// `present()`.
    pub fn standard() -> Functions {
        let mut functions = Functions::default();
        library::register(&mut functions);
        functions
    }

    /// Adds `name(..)`. Absent and unavailable arguments never reach it: the
    /// call fails before.
    pub fn global(&mut self, name: &'static str, call: Function) -> &mut Functions {
        let entry = Entry { call, sees_absence: false };
        self.global.insert(name, entry);
        self
    }

    /// Adds `receiver.name(..)`, with the same promise as [`Functions::global`].
    pub fn member(&mut self, name: &'static str, call: Function) -> &mut Functions {
        let entry = Entry { call, sees_absence: false };
        self.member.insert(name, entry);
        self
    }

    /// Adds `name(..)` which sees absent arguments. Unavailable ones still
    /// fail the call.
    pub fn probe(&mut self, name: &'static str, call: Function) -> &mut Functions {
        let entry = Entry { call, sees_absence: true };
        self.global.insert(name, entry);
        self
    }

    /// Whether `name` is a global or a member function.
    pub fn contains(&self, name: &str) -> bool {
        self.global.contains_key(name) || self.member.contains_key(name)
    }

    /// The names of all functions, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.global.keys().chain(self.member.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn find_global(&self, name: &str) -> Option<Entry> {
        self.global.get(name).copied()
    }

    pub(super) fn find_member(&self, name: &str) -> Option<Entry> {
        self.member.get(name).copied()
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
