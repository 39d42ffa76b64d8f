//! One submission: read, judged, and put into few words.

use lab_bundle::{Fault, Submission, submission::Card};
use lab_spec::{Ended, Evidence, Report, report::Points};
use serde::{Deserialize, Serialize};

use crate::{
    consistency,
    grade::{Flag, Standing},
    rubric::Rubric,
};

/// What a submission comes to, whoever handed it in and whenever.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The short of it.
    pub brief: Brief,
    /// Its report; `None` where there is nothing to judge.
    pub report: Option<Report>,
}

/// What is kept in memory of every submission of a class.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Brief {
    /// Whether there is a score.
    pub standing: Standing,
    /// Points earned.
    pub earned: Option<Points>,
    /// Who it says it is of.
    pub student: Option<String>,
    /// Text of the assignment that it carries.
    pub nonce: String,
    /// The seed of the variant that it was made from.
    pub seed: Option<u64>,
    /// The cluster's CA hash and UID; empty for labs without one.
    pub cluster: String,
    /// The key it is signed with, base64.
    pub signer: String,
    /// What a teacher should look at, whoever handed it in.
    pub flags: Vec<Flag>,
}

/// Judges evidence.
pub type Judging<'a> = dyn Fn(&Evidence) -> Report + Sync + 'a;

impl Judged {
    /// Judges a submission, or says why it cannot be read. `unmet` says what the
    /// lab needs and the evidence has not.
    pub fn of(
        read: Result<Submission, Fault>,
        rubric: &Rubric,
        unmet: &(dyn Fn(&Evidence) -> Vec<String> + Sync),
        judging: &Judging<'_>,
    ) -> Self {
        match read {
            Ok(submission) => Self::submission(&submission, rubric, unmet, judging),
            Err(fault) => Self::ungradable(None, fault.to_string()),
        }
    }

    fn submission(
        submission: &Submission,
        rubric: &Rubric,
        unmet: &(dyn Fn(&Evidence) -> Vec<String> + Sync),
        judging: &Judging<'_>,
    ) -> Self {
        let Submission { card, evidence, extra, .. } = submission;
        let (found, expected) = (&card.lab.id, &rubric.lab().id);
        if found != expected {
            let why = format!("is of `{}`, expected `{expected}`", found.escape_debug());
            return Self::ungradable(Some(submission), why);
        }
        let needed = unmet(evidence);
        if !needed.is_empty() {
            let standing = Standing::Unknown { why: needed.join("; ") };
            return Self { brief: Brief::of(Some(submission), standing, None), report: None };
        }
        let report = judging(evidence);
        let standing = match Rubric::unknown(&report) {
            Some(why) => Standing::Unknown { why },
            None => Standing::Graded,
        };
        let mut brief = Brief::of(Some(submission), standing, report.earned);
        brief.flags.extend(extra.iter().map(|name| {
            Flag::new("extra-member", format!("it also holds `{}`, which was not read", name.escape_debug()))
        }));
        brief.flags.extend(of_another_version(card, rubric));
        if !matches!(evidence.ended, Some(Ended::Settled | Ended::Timeout)) {
            brief.flags.push(Flag::new("interrupted", "looking was stopped before it was done"));
        }
        brief.flags.extend(consistency::findings(submission));
        brief.flags.sort();
        Self { brief, report: Some(report) }
    }

    /// What ended the process that read or judged it, so that it is not even
    /// opened again. Nobody is to blame but us.
    pub fn broken() -> Self {
        let mut broken =
            Self::ungradable(None, "judging it failed; this is a defect of labcheck, not yours".to_owned());
        broken.brief.flags.push(Flag::new("judge-failed", "report it to labcheck's authors"));
        broken
    }

    fn ungradable(submission: Option<&Submission>, why: String) -> Self {
        Self { brief: Brief::of(submission, Standing::Ungradable { why }, None), report: None }
    }
}

impl Brief {
    /// Of something whose bytes cannot be had.
    pub fn unreadable(why: String) -> Self {
        Self::of(None, Standing::Ungradable { why }, None)
    }

    fn of(submission: Option<&Submission>, standing: Standing, earned: Option<Points>) -> Self {
        let card = submission.map(|submission| &submission.card);
        let cluster = card.and_then(|card| card.cluster.as_ref());
        Self {
            standing,
            earned,
            student: card.map(|card| card.student.clone()),
            nonce: card.map(|card| card.nonce.clone()).unwrap_or_default(),
            seed: submission.map(|submission| submission.evidence.params.seed),
            cluster: cluster
                .map(|cluster| format!("{} {}", cluster.ca_sha256, cluster.kube_system_uid))
                .unwrap_or_default(),
            signer: submission.map(|submission| submission.signer.to_string()).unwrap_or_default(),
            flags: Vec::new(),
        }
    }
}

fn of_another_version(card: &Card, rubric: &Rubric) -> Option<Flag> {
    (card.lab.digest != rubric.lab().digest).then(|| {
        Flag::new(
            "other-lab-version",
            "it was made with another version of the lab; what that did not ask is unknown",
        )
    })
}
