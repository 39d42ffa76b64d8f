//! `lti-scores.jsonl`: scores for the Assignment and Grade Services of LTI, one
//! per line, as they are posted.
//!
//! `timestamp` is left to whoever posts: a platform refuses a score that is not
//! newer than the one it has, and only the poster knows the time. A student
//! without a score has no line, because a score without `scoreGiven` would
//! clear what stands in the grade book.

use std::{io, io::Write as _, path::Path};

use lab_spec::report::Points;
use serde::Serialize;

use super::{
    Output, Setting, Whole,
    gradescope::number,
    identity::{Identity, LeftOut},
    safe,
    told::Told,
};
use crate::grade::{Course, Grade, Unmatched};

/// Characters of a comment; platforms cut longer ones off.
const COMMENT: usize = 1_000;

/// The scores.
pub struct Lti {
    file: Whole,
    user: Option<Identity>,
    course: Course,
    left_out: LeftOut,
    without: LeftOut,
}

/// One score, as the specification has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Score<'a> {
    user_id: &'a str,
    activity_progress: &'static str,
    grading_progress: &'static str,
    score_given: serde_json::Value,
    score_maximum: serde_json::Value,
    #[serde(skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<Submission>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Submission {
    submitted_at: String,
}

impl Lti {
    /// Begins the file in `dir`.
    pub fn begin(dir: &Path, setting: &Setting<'_>) -> io::Result<Self> {
        Ok(Self {
            file: Whole::begin(dir.join("lti-scores.jsonl"))?,
            user: Identity::of(setting.roster, "userId", &["lti_user_id"], |_, _| Ok(())),
            course: setting.course.clone(),
            left_out: LeftOut::default(),
            without: LeftOut::default(),
        })
    }
}

impl Output for Lti {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let none = || Err("no `lti_user_id` in the roster".to_owned());
        let user_id = match self.user.as_ref().map_or_else(none, |user| user.value(&grade.student)) {
            Ok(user_id) => user_id,
            Err(why) => {
                self.left_out.add(&grade.student, &why);
                return Ok(());
            }
        };
        let Some(score) = grade.score else {
            self.without.add(&grade.student, grade.standing.word());
            return Ok(());
        };
        let counted = grade.counts.and_then(|counts| grade.attempts.get(counts));
        let comment = Told::of(grade, &self.course).comment();
        let comment = lab_render::line(&safe::short(&comment, COMMENT)).into_owned();
        let score = Score {
            user_id,
            activity_progress: "Completed",
            grading_progress: "FullyGraded",
            score_given: number(score),
            score_maximum: number(Points(u64::from(grade.points) * 100)),
            comment,
            submission: counted
                .and_then(|counted| counted.received)
                .map(|received| Submission { submitted_at: format!("{received:.3}") }),
        };
        serde_json::to_writer(&mut self.file, &score)?;
        self.file.write_all(b"\n")
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.file.finish()?;
        let file = "lti-scores.jsonl";
        let without =
            self.without.note(file).map(|note| format!("{note}; without a score nothing is posted"));
        Ok(self.left_out.note(file).into_iter().chain(without).collect())
    }
}
