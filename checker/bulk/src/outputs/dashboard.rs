//! `dashboard.html`: the class on one page, for the teacher alone.

use std::{
    io::{self, Write as _},
    path::Path,
};

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lab_spec::report::Points;
use sha2::{Digest as _, Sha256};

use super::{
    Output, Whole,
    figures::{Figures, List, bar},
};
use crate::grade::{Course, Grade, Unmatched};

const STYLE: &str = include_str!("../../templates/dashboard.css");

/// The page, once the class has passed.
pub struct Dashboard {
    file: Whole,
    course: Course,
    figures: Figures,
}

impl Dashboard {
    /// Begins the page in `dir`.
    pub fn begin(dir: &Path, course: &Course) -> io::Result<Self> {
        let file = Whole::begin(dir.join("dashboard.html"))?;
        Ok(Self { file, course: course.clone(), figures: Figures::default() })
    }
}

impl Output for Dashboard {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        self.figures.add(grade, &self.course);
        Ok(())
    }

    fn finish(mut self: Box<Self>, unmatched: &[Unmatched]) -> io::Result<Vec<String>> {
        let mut nobody = List::default();
        unmatched.iter().for_each(|file| nobody.add(&file.place, "", &file.why));
        let page = Page::new(&self.course, &self.figures, &nobody).render().map_err(io::Error::other)?;
        self.file.write_all(page.as_bytes())?;
        self.file.finish()?;
        Ok(Vec::new())
    }
}

/// The page's template; all text in it went through [`lab_render::line`], and
/// askama escapes it.
#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    title: String,
    figures: &'a Figures,
    points: u32,
    counts: Vec<(&'static str, u64)>,
    mean: Option<Points>,
    bars: Vec<Bar>,
    lists: Vec<Section<'a>>,
    rubric: String,
}

/// A bar of the distribution.
struct Bar {
    name: String,
    students: u64,
    /// Of 100.
    width: u64,
}

/// A list of students or files.
struct Section<'a> {
    title: &'static str,
    says: &'static str,
    what: &'static str,
    why: &'static str,
    list: &'a List,
}

impl<'a> Page<'a> {
    fn new(course: &Course, figures: &'a Figures, nobody: &'a List) -> Self {
        let most = figures.bars.iter().copied().max().unwrap_or_default().max(1);
        let bar = |(at, students): (usize, &u64)| Bar {
            name: bar(at),
            students: *students,
            // However few they are, they can be seen.
            width: if *students == 0 { 0 } else { (*students * 100 / most).max(1) },
        };
        let lists = [
            (
                "Ungradable",
                "What they handed in cannot be judged. That is no zero: nothing is entered, unless a teacher decided.",
                ("Student", "Why"),
                &figures.ungradable,
            ),
            (
                "Unknown",
                "Something could not be observed. That is no zero: nothing is entered, unless a teacher decided.",
                ("Student", "Why"),
                &figures.unknown,
            ),
            (
                "Flagged",
                "Look at these before you give the grades. No flag changes a score.",
                ("Student", "Why"),
                &figures.flagged,
            ),
            ("Missing", "They handed in nothing.", ("Student", "Why"), &figures.missing),
            (
                "Ids beyond ASCII",
                "Ids that look alike may be two students': here with their code points.",
                ("Student", "Code points"),
                &figures.foreign,
            ),
            ("Files of nobody", "These belong to no student of the roster.", ("File", "Why"), nobody),
        ];
        let lists = lists.into_iter().filter(|(.., list)| list.count > 0);
        Self {
            style: STYLE,
            style_hash: STANDARD.encode(Sha256::digest(STYLE)),
            title: lab_render::named(&course.lab, &course.title),
            figures,
            points: course.points,
            counts: vec![
                ("students", figures.students()),
                ("graded", figures.graded),
                ("unknown", figures.unknown.count),
                ("ungradable", figures.ungradable.count),
                ("missing", figures.missing.count),
                ("flagged", figures.flagged.count),
                ("files of nobody", nobody.count),
                ("late, with penalty", figures.late),
                ("decided by a teacher", figures.decided),
            ],
            mean: figures.mean(),
            bars: figures.bars.iter().enumerate().map(bar).collect(),
            lists: lists
                .map(|(title, says, (what, why), list)| Section { title, says, what, why, list })
                .collect(),
            rubric: lab_render::line(&course.rubric).into_owned(),
        }
    }
}
