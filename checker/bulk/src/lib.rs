//! Grades a class from inert submissions.
//!
//! A submission is data: nothing in it is run, unpacked to disk or followed.
//! One that cannot be judged is [`Standing::Ungradable`] with a reason, and the
//! batch goes on.

mod ahead;
pub mod assignment;
pub mod batch;
pub mod collusion;
pub mod consistency;
pub mod decisions;
pub mod desk;
pub mod grade;
pub mod graded;
pub mod imports;
mod in_hand;
pub mod inbox;
pub mod journal;
pub mod judged;
pub mod late;
pub mod outputs;
pub mod posting;
pub mod regrade;
pub mod requests;
pub mod roster;
pub mod rubric;
pub mod settle;
pub mod shard;
mod shared;
pub mod store;
pub mod supervise;
pub mod table;
pub mod times;
pub mod triage;
pub mod tried;

pub use grade::{Attempt, Course, Decision, Flag, Grade, Penalty, Standing, Unmatched};
pub use roster::{Roster, Student};
pub use rubric::Rubric;
