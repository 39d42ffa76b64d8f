//! `actions.txt` and `summary.md`, for a workflow of GitHub Actions:
//! `cat grades/actions.txt` shows the annotations, and
//! `cat grades/summary.md >> "$GITHUB_STEP_SUMMARY"` the summary.
//!
//! Logs may be public, so hidden checks are not named. GitHub shows 10
//! annotations of each kind per step and drops the others without a word.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    Output, Whole,
    figures::{Figures, bar},
    safe::{data, markdown, property, short},
};
use crate::{
    grade::{Course, Grade, Unmatched},
    rubric::Rubric,
};

/// Annotations of each kind that GitHub shows.
const SHOWN: usize = 10;
/// Bytes of the summary's lines on students; GitHub refuses a summary of more
/// than 1 MiB, whatever else is in it.
const ROWS: usize = 700 << 10;
/// Characters of a reason.
const REASON: usize = 300;

/// Both files.
pub struct Actions {
    dir: PathBuf,
    course: Course,
    figures: Figures,
    errors: Annotations,
    warnings: Annotations,
    notices: Annotations,
    rows: String,
    left: u64,
}

/// Annotations of one kind.
#[derive(Default)]
struct Annotations {
    first: Vec<(String, String)>,
    count: usize,
}

impl Annotations {
    fn add(&mut self, title: &str, says: &str) {
        self.count += 1;
        if self.first.len() < SHOWN {
            self.first.push((title.to_owned(), short(says, REASON).into_owned()));
        }
    }

    /// The commands; the last says how many more there are.
    fn write(&self, kind: &str, to: &mut impl io::Write) -> io::Result<()> {
        let fits = self.count <= SHOWN;
        for (title, says) in &self.first[..if fits { self.count } else { SHOWN - 1 }] {
            writeln!(to, "::{kind} title={}::{}", property(title), data(says))?;
        }
        if !fits {
            let more = self.count - SHOWN + 1;
            writeln!(to, "::{kind} title=labcheck::and {more} more; the summary of the step lists them")?;
        }
        Ok(())
    }
}

impl Actions {
    /// Begins both in `dir`.
    #[expect(clippy::unnecessary_wraps, reason = "as all outputs begin")]
    pub fn begin(dir: &Path, course: &Course) -> io::Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            course: course.clone(),
            figures: Figures::default(),
            errors: Annotations::default(),
            warnings: Annotations::default(),
            notices: Annotations::default(),
            rows: String::new(),
            left: 0,
        })
    }

    /// Why there is no judgement, without checks that are hidden.
    fn why(&self, grade: &Grade) -> String {
        match grade.feedback(&self.course) {
            Some(report) if grade.standing.word() == "unknown" => {
                Rubric::unknown(&report).unwrap_or_else(|| "a hidden check could not be observed".to_owned())
            }
            _ => grade.standing.why().to_owned(),
        }
    }

    fn summary(&self, unmatched: &[Unmatched]) -> String {
        let Self { figures, course, .. } = self;
        let mut text = format!("# {}\n\n", markdown(&lab_render::named(&course.lab, &course.title)));
        let counts = [
            ("graded", figures.graded),
            ("unknown", figures.unknown.count),
            ("ungradable", figures.ungradable.count),
            ("missing", figures.missing.count),
            ("flagged", figures.flagged.count),
            ("files of nobody", unmatched.len() as u64),
        ];
        text.push_str("| students |");
        let cells = |text: &mut String, cell: &dyn Fn(&(&str, u64)) -> String| {
            counts.iter().for_each(|count| text.push_str(&format!(" {} |", cell(count))));
            text.push('\n');
        };
        cells(&mut text, &|(name, _)| (*name).to_owned());
        text.push_str("|--:|--:|--:|--:|--:|--:|--:|\n");
        let _ = write!(text, "| {} |", figures.students());
        cells(&mut text, &|(_, count)| count.to_string());
        if let Some(mean) = figures.mean() {
            let _ = write!(
                text,
                "\nMean score: {mean} of {}.\n\n| score | students |\n|---|--:|\n",
                course.points
            );
            for (at, students) in figures.bars.iter().enumerate() {
                let _ = writeln!(text, "| {} | {students} |", bar(at));
            }
        }
        text.push_str("\n## Checks\n\n| check | passed | judged | unknown |\n|---|--:|--:|--:|\n");
        for check in figures.checks.iter().filter(|check| !check.hidden) {
            let name = markdown(&lab_render::named(&check.id, &check.title));
            let _ = writeln!(text, "| {name} | {} | {} | {} |", check.passed, check.judged(), check.unknown);
        }
        text.push_str("\n## Students\n\n| id | standing | score | |\n|---|---|--:|---|\n");
        text.push_str(&self.rows);
        if self.left > 0 {
            let _ = writeln!(text, "\nand {} more students, whom `grades.csv` has", self.left);
        }
        if !unmatched.is_empty() {
            text.push_str("\n## Files of nobody\n\n");
            for file in unmatched.iter().take(100) {
                let _ = writeln!(
                    text,
                    "- {}: {}",
                    markdown(&short(&file.place, REASON)),
                    markdown(&short(&file.why, REASON))
                );
            }
            if unmatched.len() > 100 {
                let _ = writeln!(text, "- and {} more", unmatched.len() - 100);
            }
        }
        text
    }
}

impl Output for Actions {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        self.figures.add(grade, &self.course);
        let id = &grade.student.id;
        let (word, why) = (grade.standing.word(), self.why(grade));
        let title = format!("{} {word}", self.course.lab);
        match word {
            // A teacher decided: there is nothing left to do.
            _ if grade.decision.is_some() => {}
            "ungradable" => self.errors.add(&title, &format!("{id}: {why}")),
            "unknown" => self.warnings.add(&title, &format!("{id}: {why}")),
            "missing" => self.notices.add(&title, &format!("{id}: {why}")),
            _ => {}
        }
        let mut says = vec![why];
        for flag in &grade.flags {
            self.warnings.add(&format!("{} {}", self.course.lab, flag.code), &format!("{id}: {}", flag.says));
            says.push(format!("{}: {}", flag.code, flag.says));
        }
        says.retain(|says| !says.is_empty());
        let score = grade.score.map(|score| score.to_string()).unwrap_or_default();
        let says = says.join("; ");
        let row = format!(
            "| {} | {word} | {score} | {} |\n",
            markdown(&short(id, REASON)),
            markdown(&short(&says, REASON))
        );
        match self.left == 0 && self.rows.len() + row.len() <= ROWS {
            true => self.rows.push_str(&row),
            false => self.left += 1,
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, unmatched: &[Unmatched]) -> io::Result<Vec<String>> {
        for file in unmatched {
            self.warnings.add(
                &format!("{} file of nobody", self.course.lab),
                &format!("{}: {}", file.place, file.why),
            );
        }
        let mut annotations = Whole::begin(self.dir.join("actions.txt"))?;
        self.errors.write("error", &mut annotations)?;
        self.warnings.write("warning", &mut annotations)?;
        self.notices.write("notice", &mut annotations)?;
        let mut summary = Whole::begin(self.dir.join("summary.md"))?;
        summary.write_all(self.summary(unmatched).as_bytes())?;
        annotations.finish()?;
        summary.finish()?;
        Ok(Vec::new())
    }
}
