//! Who looks: what the server is given to look with.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use lab_spec::{Lab, Report, report::Points};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::Feed;

/// Why something cannot be looked at, in words, with what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What is wrong.
    pub message: String,
    /// The next step, if one is known.
    pub next: Option<String>,
}

/// The best result of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Best {
    /// Points earned, in hundredths.
    pub earned: Points,
    /// Points to earn.
    pub points: u32,
    /// When, as RFC 3339.
    pub at: String,
}

/// Looks at what a reader builds.
pub trait Source: Send + Sync + 'static {
    /// The best results by lab.
    ///
    /// # Errors
    /// They cannot be read.
    fn progress(&self) -> Result<BTreeMap<String, Best>, Trouble>;

    /// Looks at a lab and tells the feed whatever changes, until it is
    /// dropped. It never gives up: what cannot be looked at now is told as
    /// trouble, and tried again.
    fn watch(&self, lab: Arc<Lab>, feed: Feed) -> BoxFuture<'static, ()>;

    /// Grades a lab with its experiments, once, and tells what it is at. When
    /// `cancel` is cancelled it stops, after it has undone what it did.
    fn grade(
        &self,
        lab: Arc<Lab>,
        feed: Feed,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Result<Report, Trouble>>;
}
