//! Filling a chapter's directives, and leaving every other byte alone.

use std::path::Path;

use lab_spec::Diagnostic;
use mdbook_preprocessor::book::Chapter;

use crate::{
    Console, Sources,
    check::Seen,
    diagram,
    directive::{Directive, find, place},
    html, lab, widget,
};

/// Names of directives, for suggestions.
const KNOWN: [&str; 15] = [
    "lab", "hints", "quiz", "console", "covers", "claim", "endclaim", "widget", "diagram", "term", "labs",
    "syllabus", "coverage", "claims", "glossary",
];

/// Those that may stand between words.
const INLINE: [&str; 2] = ["covers", "term"];

/// Those that are filled when the whole book was seen ([`crate::pages`]).
pub(crate) const LATER: [&str; 5] = ["labs", "syllabus", "coverage", "claims", "glossary"];

/// Why a directive cannot be filled, and what to do.
struct Refused(String, Option<String>);

/// One chapter being filled.
struct Page<'a> {
    sources: &'a Sources,
    /// Its path under `src`, as in `reference/lab.md`.
    file: String,
    seen: Seen,
    problems: Vec<Diagnostic>,
}

/// A chapter with its directives filled.
pub(crate) struct Filled {
    pub content: String,
    /// What it showed.
    pub seen: Seen,
    pub problems: Vec<Diagnostic>,
}

/// Fills a chapter's directives; what cannot be filled is a problem, and stays
/// as it was.
pub(crate) fn expand(sources: &Sources, chapter: &Chapter) -> Filled {
    let path = chapter.source_path.as_ref().or(chapter.path.as_ref());
    let file = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let text = &chapter.content;
    let mut page = Page { sources, file, seen: Seen::default(), problems: Vec::new() };
    let mut out = String::with_capacity(text.len() * 2);
    let mut copied = 0;
    for directive in find(text) {
        let (line, column) = place(text, directive.range.start);
        match page.fill(&directive, text, line) {
            Ok(Some(filled)) => {
                out.push_str(&text[copied..directive.range.start]);
                out.push_str(filled.trim_end_matches('\n'));
                copied = directive.range.end;
            }
            Ok(None) => {}
            Err(Refused(message, help)) => {
                let named = format!("src/{}", page.file);
                let problem = Diagnostic::at(&named, line, column, message);
                page.problems.push(match help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
            }
        }
    }
    out.push_str(&text[copied..]);
    Filled { content: out, seen: page.seen, problems: page.problems }
}

impl Page<'_> {
    /// What stands in a directive's place; `None` if it is filled later.
    fn fill(&mut self, directive: &Directive<'_>, text: &str, line: u32) -> Result<Option<String>, Refused> {
        let name = directive.name;
        if !KNOWN.contains(&name) {
            return Err(Refused(format!("there is no directive `{name}`"), nearest(name, KNOWN)));
        }
        if !INLINE.contains(&name) && !directive.alone {
            return Err(Refused(format!("`{name}` does not stand on a line of its own"), None));
        }
        if LATER.contains(&name) {
            return Ok(None);
        }
        let words = directive.words.as_slice();
        let filled = match (name, words) {
            ("lab", [number]) => self.card(number)?,
            ("lab", [number, "tasks"]) => self.tasks(number)?,
            ("hints", [number]) => self.hints(number, None)?,
            ("hints", [number, task]) => self.hints(number, Some(task))?,
            ("quiz", [id]) => self.quiz(id)?,
            ("console", [name]) => self.console(name)?,
            ("diagram", [name]) => self.diagram(name)?,
            ("covers", [_, ..]) => self.covers(words, line)?,
            ("term", [id]) => self.term(id, &directive.settings)?,
            ("claim", [id]) => self.claim(id, &text[directive.range.end..], line)?,
            ("endclaim", []) => "</section>\n".to_owned(),
            ("widget", [name]) => {
                widget::html(name, &directive.settings).map_err(|(message, help)| Refused(message, help))?
            }
            _ => {
                return Err(Refused(
                    format!("`{name}` does not take `{}`", words.join(" ")),
                    Some("src/reference/book.md shows every directive".to_owned()),
                ));
            }
        };
        Ok(Some(filled))
    }

    fn card(&self, number: &str) -> Result<String, Refused> {
        if let Some(lab) = self.sources.lab(number) {
            let own = self.file == format!("labs/{}.md", lab.lab.id);
            let page = format!("{}labs/{}.html", self.up(), lab.lab.id);
            return Ok(lab.card((!own).then_some(page.as_str())));
        }
        match self.sources.course.announced(number) {
            Some(announced) => Ok(lab::announcement(announced)),
            None => Err(self.no_lab(number)),
        }
    }

    fn tasks(&self, number: &str) -> Result<String, Refused> {
        match self.sources.lab(number) {
            Some(lab) => Ok(lab.tasks()),
            None => Err(self.no_lab(number)),
        }
    }

    fn hints(&self, number: &str, task: Option<&str>) -> Result<String, Refused> {
        let lab = self.sources.lab(number).ok_or_else(|| self.no_lab(number))?;
        lab.hints(task).map_err(|tasks| {
            let wanted = task.unwrap_or_default();
            Refused(format!("`{}` has no task `{wanted}`", lab.lab.id), nearest(wanted, tasks))
        })
    }

    fn no_lab(&self, number: &str) -> Refused {
        let known = self.sources.course.labs.iter().filter_map(|lab| lab.id.value.strip_prefix("lab"));
        match self.sources.course.announced(number) {
            Some(_) => Refused(
                format!("lab `{number}` is not built yet, so it has no tasks and no hints"),
                Some(format!("announce it with `{{{{#lab {number}}}}}`")),
            ),
            None => Refused(format!("there is no lab `{number}`"), nearest(number, known)),
        }
    }

    fn quiz(&mut self, id: &str) -> Result<String, Refused> {
        let quizzes = &self.sources.quizzes;
        let quiz = quizzes.iter().find(|quiz| quiz.id.value == id).ok_or_else(|| {
            let known = quizzes.iter().map(|quiz| quiz.id.value.as_str());
            Refused(format!("there is no quiz `{id}`"), nearest(id, known))
        })?;
        self.seen.quizzes.insert(id.to_owned());
        let again = |wanted: &str| {
            quizzes.iter().flat_map(|quiz| &quiz.questions).find(|question| question.id.value == wanted)
        };
        Ok(quiz.html(&self.sources.root, again))
    }

    /// `lab06/ask` lies in the lab's `console` folder, anything else in the book's.
    fn console(&mut self, name: &str) -> Result<String, Refused> {
        let lab = name.split_once('/').and_then(|(lab, rest)| Some((lab.strip_prefix("lab")?, rest)));
        let (path, named) = match lab {
            Some((number, rest)) if number.len() == 2 => {
                let lab = self.sources.lab(number).ok_or_else(|| self.no_lab(number))?;
                let named = format!("labs/{}/console/{rest}.console", lab.folder);
                (
                    self.sources.labs_dir.join(&lab.folder).join("console").join(format!("{rest}.console")),
                    named,
                )
            }
            _ => (self.sources.root.join(format!("{name}.console")), format!("{name}.console")),
        };
        if escapes(name) {
            return Err(Refused(format!("`{name}` leads out of the book"), None));
        }
        self.seen.consoles.insert(named.clone());
        let text = self.sources.text(&path, &named).map_err(|problem| {
            Refused(
                format!("{}: {}", problem.file, problem.message),
                Some("tests/book/consoles new NAME".to_owned()),
            )
        })?;
        match Console::parse(&named, &text) {
            Ok(console) => Ok(console.markdown()),
            Err(found) => {
                self.problems.extend(found);
                Ok(String::new())
            }
        }
    }

    fn diagram(&mut self, name: &str) -> Result<String, Refused> {
        let named = format!("diagrams/{name}.yaml");
        if escapes(name) {
            return Err(Refused(format!("`{name}` leads out of the book"), None));
        }
        self.seen.diagrams.insert(named.clone());
        let text = self
            .sources
            .text(&self.sources.root.join(&named), &named)
            .map_err(|problem| Refused(format!("{}: {}", problem.file, problem.message), None))?;
        match diagram::figure(name, &text) {
            Ok(figure) => Ok(figure),
            Err(found) => {
                self.problems.extend(found);
                Ok(String::new())
            }
        }
    }

    /// Places a reader can be sent to, which show nothing themselves.
    fn covers(&mut self, ids: &[&str], line: u32) -> Result<String, Refused> {
        let mut out = String::new();
        for id in ids {
            self.known(id)?;
            if !self.seen.teach(id, &self.file, line) {
                return Err(Refused(format!("`{id}` is marked twice in this chapter"), None));
            }
            out.push_str(&format!("<span class=\"covers\" id=\"{id}\"></span>"));
        }
        Ok(out)
    }

    /// Where a word of the glossary is introduced; `as=` writes it another way.
    fn term(&mut self, id: &str, settings: &[(&str, &str)]) -> Result<String, Refused> {
        let glossary = &self.sources.glossary;
        let Some(term) = glossary.term(id) else {
            let help = nearest(id, glossary.ids().iter().map(String::as_str));
            return Err(Refused(format!("there is no word `{id}` in glossary.yaml"), help));
        };
        let shown = match settings {
            [] => term.term.value.as_str(),
            [("as", shown)] => shown,
            _ => return Err(Refused("`term` takes `as=` and nothing else".to_owned(), None)),
        };
        if !self.seen.introduce(id, &self.file) {
            return Err(Refused(format!("`{id}` is introduced twice in this chapter"), None));
        }
        Ok(format!("<dfn id=\"term-{id}\">{}</dfn>", html::inline(shown)))
    }

    fn claim(&mut self, id: &str, rest: &str, line: u32) -> Result<String, Refused> {
        self.known(id)?;
        let Some(end) = rest.find("{{#endclaim}}") else {
            return Err(Refused(format!("claim check `{id}` has no end"), Some("{{#endclaim}}".to_owned())));
        };
        let mut from = 0;
        for part in ["**The text says.**", "**What is true.**", "**See for yourself.**"] {
            match rest[from..end].find(part) {
                Some(at) => from += at + part.len(),
                None => {
                    return Err(Refused(
                        format!("claim check `{id}` lacks `{part}`, or has it out of order"),
                        None,
                    ));
                }
            }
        }
        self.seen.teach(id, &self.file, line);
        self.seen.claim(id, &self.file, line);
        Ok(format!(
            "<section class=\"claim\" id=\"claim-{id}\" aria-label=\"Claim check {id}\">\n\n\
             <p class=\"claim-title\">Claim check</p>\n"
        ))
    }

    fn known(&self, id: &str) -> Result<(), Refused> {
        let items = &self.sources.course.covers;
        match self.sources.course.item(id) {
            Some(_) => Ok(()),
            None => Err(Refused(
                format!("there is no item `{id}` in course.yaml"),
                nearest(id, items.iter().map(|item| item.id.value.as_str())),
            )),
        }
    }

    /// The way from this page to the book's root.
    fn up(&self) -> String {
        up(&self.file)
    }
}

/// The way from a page to the book's root, as in `../`.
pub(crate) fn up(file: &str) -> String {
    "../".repeat(Path::new(file).components().count().saturating_sub(1))
}

fn escapes(name: &str) -> bool {
    Path::new(name).components().any(|part| !matches!(part, std::path::Component::Normal(_)))
}

/// The known name that is most like the wrong one, as a next step. A wrong
/// number is not like another.
fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if wrong.chars().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(wrong, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.6).map(|(_, name)| format!("did you mean `{name}`?"))
}

/// A text for a page's title or link.
pub(crate) fn link(href: &str, text: &str) -> String {
    format!("<a href=\"{}\">{}</a>", html::escape(href), html::inline(text))
}
