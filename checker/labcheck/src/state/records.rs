//! The records themselves. Unknown fields are ignored, so that a newer
//! labcheck may add some without a new format number.

use std::{collections::BTreeMap, path::PathBuf};

use k8s_openapi::jiff::Timestamp;
use lab_spec::{evidence::Params, report::Points};
use serde::{Deserialize, Serialize};

use super::files::FORMAT;

/// What makes a cluster this cluster and no other: a new cluster of the same
/// name has another CA and another UID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the kind cluster.
    pub name: String,
    /// URL of the API server.
    pub server: String,
    /// SHA-256 over the DER of its CA certificates, in hexadecimal.
    pub ca_sha256: String,
    /// UID of the namespace `kube-system`.
    pub kube_system_uid: String,
}

impl Identity {
    /// Whether both describe one cluster; the URL may change with a port.
    pub fn same_cluster(&self, other: &Self) -> bool {
        self.ca_sha256 == other.ca_sha256 && self.kube_system_uid == other.kube_system_uid
    }

    /// What experiments bind their journals to: the proof without the names.
    pub fn of_experiments(&self) -> lab_experiment::Identity {
        lab_experiment::Identity {
            ca_sha256: self.ca_sha256.clone(),
            kube_system_uid: self.kube_system_uid.clone(),
        }
    }
}

/// A cluster `up` made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    format: u32,
    /// The proof that it is ours.
    #[serde(flatten)]
    pub identity: Identity,
    /// Name of its context.
    pub context: String,
    /// The file that context was written to.
    pub kubeconfig: PathBuf,
    /// Ids of the node containers, which prove ownership when the API server
    /// does not answer.
    pub containers: Vec<String>,
    /// Reference of the node image.
    pub node_image: String,
    /// `pulled` or `offline`.
    pub mode: String,
    /// By tag, every digest under which a node may report the image.
    pub images: BTreeMap<String, Vec<String>>,
    /// When it was made.
    pub created: Timestamp,
}

impl Cluster {
    /// A cluster made now, with no images of ours on it yet.
    pub fn new(
        identity: Identity,
        context: String,
        kubeconfig: PathBuf,
        mode: &str,
        node_image: String,
    ) -> Self {
        Self {
            format: FORMAT,
            identity,
            context,
            kubeconfig,
            containers: Vec::new(),
            node_image,
            mode: mode.to_owned(),
            images: BTreeMap::new(),
            created: Timestamp::now(),
        }
    }
}

/// A cluster that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    format: u32,
    /// When its creation began; no container of it is older.
    pub begun: Timestamp,
}

impl Claim {
    /// A creation that begins now.
    pub fn now() -> Self {
        Self { format: FORMAT, begun: Timestamp::now() }
    }
}

/// An attempt at a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    format: u32,
    /// Id of the lab.
    pub lab: String,
    /// The cluster it runs on; `None` for labs without one.
    pub cluster: Option<Identity>,
    /// What `start` fixed.
    pub params: Params,
    /// The lab's namespace; empty for labs without a cluster.
    pub namespace: String,
    /// Where the learner's files lie; `None` for labs without any.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Whose assignment it is; `None` without a token.
    #[serde(default)]
    pub student: Option<String>,
    /// When it began.
    pub started: Timestamp,
}

impl Started {
    /// An attempt that begins now.
    pub fn now(lab: String, cluster: Option<Identity>, params: Params, namespace: String) -> Self {
        let (directory, student) = (None, None);
        Self {
            format: FORMAT,
            lab,
            cluster,
            params,
            namespace,
            directory,
            student,
            started: Timestamp::now(),
        }
    }

    /// The same attempt, at the assignment of a student.
    #[must_use]
    pub fn of(self, student: Option<String>) -> Self {
        Self { student, ..self }
    }

    /// An attempt in a directory, without a cluster.
    pub fn in_directory(lab: String, params: Params, directory: PathBuf) -> Self {
        let directory = Some(directory);
        Self { directory, ..Self::now(lab, None, params, String::new()) }
    }
}

/// A Docker daemon that has the labs' images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    format: u32,
    /// Its address.
    pub host: String,
    /// By tag, the id under which the daemon has the image.
    pub images: BTreeMap<String, Vec<String>>,
    /// Which of them stand in for an upstream image, and what they are.
    pub stand_ins: BTreeMap<String, String>,
    /// When they were put there.
    pub loaded: Timestamp,
}

impl Engine {
    /// A daemon that was given its images now.
    pub fn now(
        host: String,
        images: BTreeMap<String, Vec<String>>,
        stand_ins: BTreeMap<String, String>,
    ) -> Self {
        Self { format: FORMAT, host, images, stand_ins, loaded: Timestamp::now() }
    }
}

/// The best result of each lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    format: u32,
    /// By lab id.
    pub labs: BTreeMap<String, Best>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { format: FORMAT, labs: BTreeMap::new() }
    }
}

/// One lab's best result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// Points earned.
    pub earned: Points,
    /// Points a perfect solution earns.
    pub points: u32,
    /// When it was first reached.
    pub at: Timestamp,
}

impl Progress {
    /// Keeps a result if it is better than the one kept; a lab whose points
    /// changed is compared by share. Says whether it was kept.
    pub fn record(&mut self, lab: &str, earned: Points, points: u32) -> bool {
        let cross = |earned: Points, points: u32| earned.0.saturating_mul(u64::from(points));
        if let Some(kept) = self.labs.get(lab)
            && cross(earned, kept.points) <= cross(kept.earned, points)
        {
            return false;
        }
        self.labs.insert(lab.to_owned(), Best { earned, points, at: Timestamp::now() });
        true
    }
}
