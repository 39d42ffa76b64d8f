//! Pages that are made of the whole book: the syllabus, the list of labs, the
//! coverage table, the list of claim checks and the glossary.

use std::fmt::Write;

use mdbook_preprocessor::book::Chapter;

use crate::{
    Sources,
    chapter::{LATER, link, up},
    check::Seen,
    course::{Item, Planned},
    directive::find,
    glossary,
    html::{escape, inline},
};

/// The chapter's content with these pages' directives filled.
pub(crate) fn expand(sources: &Sources, chapter: &Chapter, seen: &Seen) -> String {
    let text = &chapter.content;
    let file = chapter.path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let up = up(&file);
    let (mut out, mut copied) = (String::with_capacity(text.len()), 0);
    for directive in find(text).into_iter().filter(|found| LATER.contains(&found.name)) {
        out.push_str(&text[copied..directive.range.start]);
        out.push_str(&match directive.name {
            "labs" => labs(sources, &up),
            "syllabus" => syllabus(sources, &up),
            "coverage" => coverage(sources, seen, &up),
            "glossary" => glossary::html(sources, seen, &up),
            _ => claims(sources, seen, &up),
        });
        copied = directive.range.end;
    }
    out.push_str(&text[copied..]);
    out
}

fn table(heads: &[&str], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!(
        "<div class=\"table-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// Every lab: those that exist with a link, the others announced.
fn labs(sources: &Sources, up: &str) -> String {
    let mut rows = String::new();
    for lab in &sources.course.labs {
        let id = lab.id.value.as_str();
        let number = id.strip_prefix("lab").unwrap_or(id);
        let built = sources.lab(number);
        let (title, minutes, state) = match built {
            Some(built) => {
                let href = format!("{up}labs/{id}.html");
                (
                    link(&href, &escape(&built.lab.title)),
                    built.lab.minutes,
                    crate::lab::targets(&built.lab.target),
                )
            }
            None => (escape(&lab.title), lab.minutes, "<span class=\"badge\">coming</span>".to_owned()),
        };
        let _ = write!(
            rows,
            "<tr><td>{number}</td><td>{title}</td><td>{}</td><td>{minutes}</td><td>{state}</td></tr>",
            inline(&lab.about)
        );
    }
    table(&["Lab", "Name", "What it is about", "Minutes", "Looks at"], &rows)
}

/// Every chapter with its labs and minutes, and the sums.
fn syllabus(sources: &Sources, up: &str) -> String {
    let mut rows = String::new();
    for planned in &sources.course.chapters {
        let labs: Vec<String> = sources
            .course
            .labs
            .iter()
            .filter(|lab| lab.chapter == planned.number)
            .map(|lab| {
                let number = lab.id.value.strip_prefix("lab").unwrap_or(&lab.id.value);
                match sources.lab(number) {
                    Some(_) => link(&format!("{up}labs/{}.html", lab.id.value), number),
                    None => number.to_owned(),
                }
            })
            .collect();
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            planned.number,
            chapter_title(planned, up),
            planned.minutes,
            labs.join(", ")
        );
    }
    let reading: u32 = sources.course.chapters.iter().map(|planned| planned.minutes).sum();
    let doing: u32 = sources.course.labs.iter().map(|lab| lab.minutes).sum();
    let built = sources.labs.len();
    format!(
        "{}\n\nReading: {} h {} min. Labs: {} h {} min, of which {built} of {} are built. Names without a link are still to come.\n",
        table(&["Chapter", "", "Minutes", "Labs"], &rows),
        reading / 60,
        reading % 60,
        doing / 60,
        doing % 60,
        sources.course.labs.len(),
    )
}

fn chapter_title(planned: &Planned, up: &str) -> String {
    match &planned.file {
        Some(file) => link(&format!("{up}{}", page(&file.value)), &escape(&planned.title)),
        None => escape(&planned.title),
    }
}

/// Where each item is taught and what checks it.
fn coverage(sources: &Sources, seen: &Seen, up: &str) -> String {
    let mut rows = String::new();
    let (mut taught, mut checked) = (0, 0);
    for item in &sources.course.covers {
        let (where_taught, is_taught) = places(sources, seen, item, up);
        let (by, is_checked) = checks(sources, item, up);
        taught += usize::from(is_taught);
        checked += usize::from(is_checked);
        let mark = if item.wrong {
            " <abbr title=\"wrong or overstated in the text it comes from\">✗</abbr>"
        } else {
            ""
        };
        let id = &item.id.value;
        let _ = write!(
            rows,
            "<tr id=\"item-{id}\"><td>{id}{mark}</td><td>{}</td><td>{where_taught}</td><td>{by}</td></tr>",
            inline(&item.what)
        );
    }
    let count = sources.course.covers.len();
    format!(
        "{taught} of {count} items are taught, {checked} are checked by a lab; the rest is open and says so.\n\n{}",
        table(&["Item", "What it is", "Taught in", "Checked by"], &rows)
    )
}

fn places(sources: &Sources, seen: &Seen, item: &Item, up: &str) -> (String, bool) {
    let id = item.id.value.as_str();
    let found = seen.taught.get(id).map(Vec::as_slice).unwrap_or_default();
    let mut parts: Vec<String> = found
        .iter()
        .filter_map(|(file, _)| {
            let planned = sources.course.chapter_of(file)?;
            let anchor =
                if seen.claims.get(id).is_some_and(|(claimed, _)| claimed == file) { "claim-" } else { "" };
            Some(link(&format!("{up}{}#{anchor}{id}", page(file)), &format!("chapter {}", planned.number)))
        })
        .collect();
    let open = item.chapters.iter().filter(|number| {
        sources.course.chapters.iter().any(|planned| planned.number == **number && planned.file.is_none())
    });
    parts.extend(open.map(|number| format!("open: chapter {number}")));
    (parts.join(", "), !found.is_empty())
}

fn checks(sources: &Sources, item: &Item, up: &str) -> (String, bool) {
    let mut parts: Vec<String> = item
        .checks
        .iter()
        .filter_map(|name| {
            let (lab, check) = name.value.split_once('/')?;
            let built = sources.labs.iter().find(|built| built.lab.id == lab)?;
            let (task, _) = built.lab.checks().find(|(_, known)| known.id == check)?;
            Some(link(&format!("{up}labs/{lab}.html#{}", task.id), &format!("{lab} `{check}`")))
        })
        .collect();
    let checked = !parts.is_empty();
    for lab in &item.labs {
        let number = lab.strip_prefix("lab").unwrap_or(lab);
        match sources.lab(number) {
            None => parts.push(format!("open: {lab}")),
            Some(_) if !item.checks.iter().any(|name| name.value.starts_with(&format!("{lab}/"))) => {
                parts.push(link(&format!("{up}labs/{lab}.html"), &format!("{lab} (practised)")));
            }
            Some(_) => {}
        }
    }
    if parts.is_empty() {
        parts.push("–".to_owned());
    }
    (parts.join(", "), checked)
}

/// Every claim check of the book.
fn claims(sources: &Sources, seen: &Seen, up: &str) -> String {
    let items =
        sources.course.covers.iter().filter_map(|item| Some((item, seen.claims.get(&item.id.value)?)));
    let lines = items.map(|(item, (file, _))| {
        let id = &item.id.value;
        format!("<li>{}</li>", link(&format!("{up}{}#claim-{id}", page(file)), &item.what))
    });
    format!("<ul>{}</ul>\n", lines.collect::<String>())
}

/// The page of a chapter's file.
pub(crate) fn page(file: &str) -> String {
    match file.strip_suffix("README.md") {
        Some(folder) => format!("{folder}index.html"),
        None => format!("{}.html", file.strip_suffix(".md").unwrap_or(file)),
    }
}
