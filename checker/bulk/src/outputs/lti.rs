//! `lti-scores.jsonl`: scores for the Assignment and Grade Services of LTI, one
//! per line, as they are posted.
//!
//! `timestamp` is left to whoever posts (`labcheck post-scores`): a platform
//! refuses a score that is not newer than the one it has, and only the poster
//! knows the time. A student
//! without a score has no line, because a score without `scoreGiven` would
//! clear what stands in the grade book.

use std::{io, io::Write as _, path::Path};

use jiff::Timestamp;
use lab_spec::report::Points;
use serde::Serialize;

use super::{
    Output, Setting, Whole,
    gradescope::number,
    identity::{Identity, LeftOut},
    safe,
    told::Told,
};
use crate::{
    grade::{Course, Grade, Unmatched},
    roster::{Roster, Student},
};

/// Characters of a comment; platforms cut longer ones off.
const COMMENT: usize = 1_000;

/// The columns of a roster that hold LTI's user ids.
const COLUMNS: [&str; 1] = ["lti_user_id"];

/// The scores.
pub struct Lti {
    file: Whole,
    user: Users,
    course: Course,
    left_out: LeftOut,
    without: LeftOut,
}

/// How a platform calls the students of a roster.
pub struct Users(Option<Identity>);

impl Users {
    /// Those of this roster.
    pub fn of(roster: &Roster) -> Self {
        Self(Identity::of(roster, "userId", &COLUMNS, |_, _| Ok(())))
    }

    /// The student's user id.
    ///
    /// # Errors
    /// Why there is none that is the student's alone.
    pub fn id<'s>(&self, student: &'s Student) -> Result<&'s str, String> {
        let none = || Err(format!("no `{}` in the roster", COLUMNS[0]));
        self.0.as_ref().map_or_else(none, |user| user.value(student))
    }
}

/// One score, as the specification has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    activity_progress: &'static str,
    grading_progress: &'static str,
    score_given: serde_json::Value,
    score_maximum: serde_json::Value,
    #[serde(skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<Submission>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Submission {
    submitted_at: String,
}

impl Score {
    /// The score of a grade; `None` where it has none.
    pub fn of(grade: &Grade, course: &Course, user_id: &str) -> Option<Self> {
        let score = grade.score?;
        let counted = grade.counts.and_then(|counts| grade.attempts.get(counts));
        let comment = Told::of(grade, course).comment();
        Some(Self {
            user_id: user_id.to_owned(),
            timestamp: None,
            activity_progress: "Completed",
            grading_progress: "FullyGraded",
            score_given: number(score),
            score_maximum: number(Points(u64::from(grade.points) * 100)),
            comment: lab_render::line(&safe::short(&comment, COMMENT)).into_owned(),
            submission: counted
                .and_then(|counted| counted.received)
                .map(|received| Submission { submitted_at: time(received) }),
        })
    }

    /// The platform's name of the student.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The score as it is posted at this time.
    pub fn at(&self, timestamp: Timestamp) -> Self {
        Self { timestamp: Some(time(timestamp)), ..self.clone() }
    }
}

/// Written with milliseconds: a platform refuses a time without a part of a
/// second.
fn time(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}

impl Lti {
    /// Begins the file in `dir`.
    pub fn begin(dir: &Path, setting: &Setting<'_>) -> io::Result<Self> {
        Ok(Self {
            file: Whole::begin(dir.join("lti-scores.jsonl"))?,
            user: Users::of(setting.roster),
            course: setting.course.clone(),
            left_out: LeftOut::default(),
            without: LeftOut::default(),
        })
    }
}

impl Output for Lti {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let user_id = match self.user.id(&grade.student) {
            Ok(user_id) => user_id,
            Err(why) => {
                self.left_out.add(&grade.student, &why);
                return Ok(());
            }
        };
        let Some(score) = Score::of(grade, &self.course, user_id) else {
            self.without.add(&grade.student, grade.standing.word());
            return Ok(());
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
