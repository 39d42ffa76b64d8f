//! A report as plain text: what a learner sees first.

mod explain;
mod page;

use anstyle::{AnsiColor, Style};
use lab_spec::Report;
use lab_spec::report::{CheckReport, TaskReport, Timeline, Verdict};

use self::page::Page;
use crate::{neutral, phrase};

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Columns to fill, held within 40 and 120.
    pub width: usize,
    /// Whether to add ANSI colours; nothing is told by colour alone.
    pub color: bool,
    /// Whether to add the values of sub-expressions and the origin of the
    /// evidence to every check, also to those that passed.
    pub explain: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { width: 80, color: false, explain: false }
    }
}

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// The narrowest room for text that indentation may leave.
const ROOM: usize = 24;

/// The report as text for people, at most `width` columns wide but for
/// commands, which are never broken in two.
pub fn text(report: &Report, options: &TextOptions) -> String {
    let mut page = Page::new(options.width.clamp(40, 120), options.color);
    // Words stand in one column, which is as wide as the words in use.
    let column = report.checks().map(|(_, check)| check.verdict.word().len()).max().unwrap_or_default();

    let title = phrase::named(&report.lab, &report.title);
    page.heading(&title, &phrase::points(report.earned, report.points));
    page.paragraph(PLAIN, 0, 2, &phrase::place(report));
    if options.explain {
        explain::lab(&mut page, report);
    }
    for task in &report.tasks {
        page.blank();
        let title = phrase::named(&task.id, &task.title);
        page.heading(&title, &phrase::points(task.earned, task.points));
        for check in &task.checks {
            put_check(&mut page, report, task, check, column);
            if options.explain {
                explain::check(&mut page, report, check, 4 + column);
            }
        }
    }
    page.blank();
    summary(&mut page, report);
    page.finish()
}

fn put_check(page: &mut Page, report: &Report, task: &TaskReport, check: &CheckReport, column: usize) {
    let indent = 4 + column;
    let named = report.checks().any(|(_, other)| {
        [&other.follows, &other.blocked_by].into_iter().flatten().any(|id| *id == check.id)
    });
    let mut title = neutral::line(&check.title).into_owned();
    // Other checks refer to this one by its id.
    if named && check.title != check.id {
        title = format!("{title} (`{}`)", neutral::line(&check.id));
    }
    if check.weight == 0 && task.points > 0 {
        title.push_str(" (no points)");
    }
    page.labelled(style_of(check.verdict), check.verdict.word(), indent, &title);
    if let Some(note) = &check.note {
        page.paragraph(PLAIN, indent, 2, &neutral::line(note));
    }
    if check.verdict == Verdict::Pass {
        return;
    }
    for line in phrase::reason(check) {
        page.paragraph(PLAIN, indent, 2, &line);
    }
    if check.follows.is_some() {
        return;
    }
    for (depth, link) in check.cause.iter().enumerate() {
        let indent = (indent + 2 * depth).min(page.width() - ROOM);
        let mut says = neutral::lines(&link.says);
        let first = says.next().unwrap_or_default();
        let place = phrase::place_of(link);
        page.paragraph(PLAIN, indent, 4, &format!("because {place}: {first}"));
        for line in says {
            page.paragraph(PLAIN, indent + 4, 0, &line);
        }
    }
    if let Some(timeline) = &check.timeline {
        put_timeline(page, timeline, indent);
    }
    if let Some(look) = &check.look {
        page.command(indent, "look", &neutral::line(look));
    }
}

/// Failed requests between the things that happened beside them.
fn put_timeline(page: &mut Page, timeline: &Timeline, indent: usize) {
    page.paragraph(PLAIN, indent, 2, phrase::TIMELINE);
    for moment in &timeline.moments {
        let (style, mark) = if moment.failed > 0 { (RED, "x") } else { (PLAIN, " ") };
        let line = format!("{} {mark} {}", phrase::seconds(moment.at_ms), neutral::line(&moment.says));
        page.paragraph(style, indent + 2, 14, &line);
    }
    if timeline.more > 0 {
        page.paragraph(PLAIN, indent + 2, 2, &phrase::more(timeline.more));
    }
}

fn summary(page: &mut Page, report: &Report) {
    page.paragraph(BOLD, 0, 2, &phrase::tally(report));
    page.paragraph(BOLD, 0, 2, &phrase::grade(report));
    if let Some(why) = phrase::cut_short(report.ended) {
        page.paragraph(PLAIN, 0, 2, why);
    }
    if let Some(next) = phrase::next(report) {
        if let Some(look) = next.look {
            page.command(0, "next", &neutral::line(look));
        }
        page.command(0, if next.look.is_some() { "then" } else { "next" }, &next.advice);
    }
}

const fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail => RED,
        Verdict::Pending | Verdict::Blocked | Verdict::Unknown => YELLOW,
        Verdict::Skipped => BOLD,
    }
}
