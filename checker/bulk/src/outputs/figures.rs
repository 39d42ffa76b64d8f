//! A class in numbers, gathered one grade at a time: memory does not grow with
//! the class.

use lab_spec::Verdict;

use super::safe;
use crate::grade::{Course, Grade, Standing};

/// Bars of the distribution: tenths of the points, and full marks or more.
pub const BARS: usize = 11;
/// Entries of a list that are kept.
pub const LISTED: usize = 200;
/// Characters of an entry's id and name that are kept.
const NAME: usize = 100;
/// Characters of an entry's reason that are kept.
const REASON: usize = 400;

/// What a class comes to.
#[derive(Debug, Default)]
pub struct Figures {
    /// How many have a score; by check or by a teacher's decision.
    pub scored: u64,
    /// Sum of the scores, in hundredths.
    sum: u64,
    /// Every check judged was judged.
    pub graded: u64,
    /// Students with a score by share of the points.
    pub bars: [u64; BARS],
    /// Scores that teachers set.
    pub decided: u64,
    /// Students from whom lateness took something.
    pub late: u64,
    /// Checks in the lab's order.
    pub checks: Vec<Tally>,
    /// Those whose submission cannot be judged.
    pub ungradable: List,
    /// Those of whom something could not be observed.
    pub unknown: List,
    /// Those who handed in nothing.
    pub missing: List,
    /// Those with something to look at.
    pub flagged: List,
    /// Those whose ids can be mistaken for others: with their code points.
    pub foreign: List,
}

/// What one check came to over the class.
#[derive(Debug)]
pub struct Tally {
    /// Its id.
    pub id: String,
    /// What it states.
    pub title: String,
    /// Whether students are not told of it.
    pub hidden: bool,
    /// How often it passed.
    pub passed: u64,
    /// How often it did not: failed, pending or blocked.
    pub failed: u64,
    /// How often nobody knows.
    pub unknown: u64,
}

/// The first entries of a list, and how many there are.
#[derive(Debug, Default)]
pub struct List {
    /// Id, name and reason of the first.
    pub first: Vec<(String, String, String)>,
    /// How many there are.
    pub count: u64,
}

impl List {
    /// Adds an entry.
    pub fn add(&mut self, id: &str, name: &str, why: &str) {
        self.count += 1;
        if self.first.len() < LISTED {
            let shown = |text: &str, most| lab_render::line(&safe::short(text, most)).into_owned();
            self.first.push((shown(id, NAME), shown(name, NAME), shown(why, REASON)));
        }
    }

    /// How many entries were not kept.
    pub fn more(&self) -> u64 {
        self.count - self.first.len() as u64
    }
}

impl Tally {
    /// Those whom it was judged for.
    pub fn judged(&self) -> u64 {
        self.passed + self.failed
    }

    /// Percent of those judged that passed, rounded; `None` where it was judged
    /// for nobody.
    pub fn rate(&self) -> Option<u64> {
        let judged = self.judged();
        (judged > 0).then(|| (self.passed * 100 + judged / 2) / judged)
    }

    /// Whether so many fail that the check may be what is wrong.
    pub fn is_suspect(&self) -> bool {
        self.judged() >= 5 && self.failed * 100 > self.judged() * 80
    }
}

impl Figures {
    /// Takes in a grade.
    pub fn add(&mut self, grade: &Grade, course: &Course) {
        let (id, name) = (&grade.student.id, &grade.student.name);
        let mut why = grade.standing.why().to_owned();
        if let Some(decision) = &grade.decision {
            why = format!("{why}; {} decided {}: {}", decision.author, decision.score, decision.reason);
        }
        let why = &why;
        match &grade.standing {
            Standing::Graded => self.graded += 1,
            Standing::Unknown { .. } => self.unknown.add(id, name, why),
            Standing::Ungradable { .. } => self.ungradable.add(id, name, why),
            Standing::Missing => self.missing.add(id, name, why),
        }
        if let Some(score) = grade.score {
            let full = u64::from(grade.points) * 100;
            let tenth = (score.0 * 10).checked_div(full).unwrap_or(10);
            self.bars[usize::try_from(tenth).unwrap_or(BARS).min(BARS - 1)] += 1;
            self.scored += 1;
            self.sum += score.0;
        }
        self.decided += u64::from(grade.decision.is_some());
        let penalty = grade.late.as_ref().is_some_and(|late| late.hundredths > 0);
        self.late += u64::from(penalty && grade.score.is_some());
        if !grade.flags.is_empty() {
            let says: Vec<_> =
                grade.flags.iter().map(|flag| format!("{}: {}", flag.code, flag.says)).collect();
            self.flagged.add(id, name, &says.join("; "));
        }
        if !id.is_ascii() {
            self.foreign.add(id, name, &code_points(id));
        }
        self.checks(grade, course);
    }

    fn checks(&mut self, grade: &Grade, course: &Course) {
        for (at, (_, check)) in grade.report.iter().flat_map(|report| report.checks()).enumerate() {
            if at == self.checks.len() {
                let (id, title) = (lab_render::line(&check.id).into_owned(), lab_render::line(&check.title));
                let hidden = course.hidden.contains(&check.id);
                let title = title.into_owned();
                self.checks.push(Tally { id, title, hidden, passed: 0, failed: 0, unknown: 0 });
            }
            let tally = &mut self.checks[at];
            match check.verdict {
                Verdict::Pass => tally.passed += 1,
                Verdict::Fail | Verdict::Pending | Verdict::Blocked => tally.failed += 1,
                Verdict::Unknown => tally.unknown += 1,
                Verdict::Skipped => {}
            }
        }
    }

    /// Everyone in the class.
    pub fn students(&self) -> u64 {
        self.graded + self.unknown.count + self.ungradable.count + self.missing.count
    }

    /// The mean score; `None` where nobody has one.
    pub fn mean(&self) -> Option<lab_spec::report::Points> {
        let mean = (self.sum + self.scored / 2).checked_div(self.scored)?;
        Some(lab_spec::report::Points(mean))
    }
}

/// The text with everything beyond ASCII as code points: letters of two
/// alphabets may look the same.
fn code_points(text: &str) -> String {
    let shown = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() };
    text.chars().map(shown).collect()
}

/// The name of a bar of the distribution.
pub fn bar(at: usize) -> String {
    match at {
        10 => "100 % or more".to_owned(),
        9 => "90 to below 100 %".to_owned(),
        at => format!("{} to below {} %", at * 10, at * 10 + 10),
    }
}
