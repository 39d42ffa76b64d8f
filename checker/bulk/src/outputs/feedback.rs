//! `feedback/`: what each student is told, as a page that stands alone and as
//! Markdown.

use std::{fmt::Write as _, fs, io, path::Path};

use lab_render::Frame;
use lab_spec::{Verdict, report::TaskReport};

use super::{
    Folder, Output,
    index::Index,
    safe::{file_name, markdown},
    told::Told,
};
use crate::grade::{Course, Grade, Unmatched};

/// The directory.
pub struct Feedback {
    folder: Folder,
    index: Index,
    course: Course,
}

impl Feedback {
    /// Begins the directory in `dir`.
    pub fn begin(dir: &Path, course: &Course) -> io::Result<Self> {
        let folder = Folder::begin(dir.join("feedback"))?;
        let index = Index::begin(&folder, &["html", "markdown"])?;
        Ok(Self { folder, index, course: course.clone() })
    }
}

impl Output for Feedback {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        let told = Told::of(grade, &self.course);
        let name = file_name(&grade.student.id);
        let (html, md) = (format!("{name}.html"), format!("{name}.md"));
        fs::write(self.folder.file(&html), page(grade, &self.course, &told))?;
        fs::write(self.folder.file(&md), text(grade, &self.course, &told))?;
        self.index.add(grade, &[&html, &md])
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.index.finish()?;
        self.folder.finish()?;
        Ok(Vec::new())
    }
}

fn page(grade: &Grade, course: &Course, told: &Told) -> String {
    let mut facts = vec![("Student", who(grade))];
    facts.extend(told.facts.iter().cloned());
    let frame = Frame { lab: &course.lab, title: &course.title, score: told.score.clone(), facts };
    lab_render::framed(&frame, told.report.as_ref())
}

fn text(grade: &Grade, course: &Course, told: &Told) -> String {
    let mut text = format!(
        "# {}\n\n**{}**\n\n",
        markdown(&lab_render::named(&course.lab, &course.title)),
        markdown(&told.score)
    );
    let student = ("Student", who(grade));
    for (name, says) in [&student].into_iter().chain(&told.facts) {
        let _ = writeln!(text, "- {name}: {}", markdown(says));
    }
    for task in told.report.iter().flat_map(|report| &report.tasks) {
        of_task(task, &mut text);
    }
    text
}

fn of_task(task: &TaskReport, text: &mut String) {
    let title = lab_render::named(&task.id, &task.title);
    let points = lab_render::points(task.earned, task.points);
    let _ = writeln!(text, "\n## {} ({points})\n", markdown(&title));
    for check in &task.checks {
        let title = lab_render::named(&check.id, &check.title);
        let _ = writeln!(text, "- **{}** {}", check.verdict.word(), markdown(&title));
        if check.verdict != Verdict::Pass {
            for line in lab_render::details(check).iter().flat_map(|detail| detail.lines()) {
                let _ = writeln!(text, "  - {}", markdown(line.trim_start()));
            }
        }
    }
}

/// The student's name and id.
fn who(grade: &Grade) -> String {
    match grade.student.name.as_str() {
        "" => grade.student.id.clone(),
        name => format!("{name}, {}", grade.student.id),
    }
}
