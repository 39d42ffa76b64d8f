//! Labs on pages: the card, the tasks, the hints; and labs that are still to
//! come.

use std::fmt::Write;

use lab_spec::{Lab, Target, Task};

use crate::{course::Announced, html};

/// A lab that exists.
pub struct BookLab {
    /// Its file.
    pub lab: Lab,
    /// `01-environment`.
    pub folder: String,
    /// The file's name in problems.
    pub file: String,
}

impl BookLab {
    /// As pages write it: `01`.
    pub fn number(&self) -> &str {
        self.lab.id.strip_prefix("lab").unwrap_or(&self.lab.id)
    }

    /// The Markdown of its page.
    pub(crate) fn page(&self) -> String {
        let number = self.number();
        format!(
            "# Lab {number}: {}\n\n{{{{#lab {number}}}}}\n\n## Tasks\n\n{{{{#lab {number} tasks}}}}\n",
            self.lab.title
        )
    }

    /// Story, target, minutes, needs and the commands; `page` is the address of
    /// its own page, from a page that is another.
    pub(crate) fn card(&self, page: Option<&str>) -> String {
        let lab = &self.lab;
        let mut out = open_card(&lab.id, "lab-card");
        let title = format!("Lab {}: {}", self.number(), html::escape(&lab.title));
        let title = match page {
            Some(page) => format!("<a href=\"{page}\">{title}</a>"),
            None => title,
        };
        let _ = write!(out, "<p class=\"lab-title\">{title}</p><dl class=\"lab-facts\">");
        fact(&mut out, "Looks at", &targets(&lab.target));
        fact(&mut out, "Takes", &format!("{} minutes", lab.minutes));
        fact(&mut out, "Worth", &format!("{} points", lab.points()));
        fact(&mut out, "Needs", &needs(lab));
        let _ = write!(out, "</dl><div class=\"lab-story\">{}</div></div>\n\n", html::markdown(&lab.story));
        out.push_str(&html::fence("sh", &commands(lab)));
        out
    }

    /// Every task with what it asks and its hints.
    pub(crate) fn tasks(&self) -> String {
        let mut out = String::new();
        for (index, task) in self.lab.tasks.iter().enumerate() {
            let _ = write!(
                out,
                "### {}. {} <span class=\"points\">{} points</span> {{#{}}}\n\n<div class=\"task\" data-lab=\"{}\" data-task=\"{}\">\n\n{}\n\n{}</div>\n\n",
                index + 1,
                task.title,
                task.points,
                task.id,
                self.lab.id,
                task.id,
                task.text.trim(),
                hints(task),
            );
        }
        out
    }

    /// The hints of every task, or of one.
    pub(crate) fn hints(&self, task: Option<&str>) -> Result<String, Vec<&str>> {
        let tasks: Vec<&Task> =
            self.lab.tasks.iter().filter(|known| task.is_none_or(|wanted| known.id == wanted)).collect();
        if tasks.is_empty() {
            return Err(self.lab.tasks.iter().map(|task| task.id.as_str()).collect());
        }
        let many = task.is_none();
        Ok(tasks
            .into_iter()
            .map(|task| match many {
                true => format!("**{}**\n\n{}", task.title, hints(task)),
                false => hints(task),
            })
            .collect())
    }
}

/// A card for a lab that is not built yet: what it will be, and no link.
pub(crate) fn announcement(lab: &Announced) -> String {
    let mut out = open_card(&lab.id.value, "lab-card coming");
    let number = lab.id.value.strip_prefix("lab").unwrap_or(&lab.id.value);
    let _ = writeln!(
        out,
        "<p class=\"lab-title\">Lab {number}: {} <span class=\"badge\">coming</span></p><p>{} About {} minutes. \
         This lab is not built yet; its page will appear under “Labs” when it is.</p></div>",
        html::escape(&lab.title),
        html::inline(&lab.about),
        lab.minutes,
    );
    out
}

/// What to type; a lab without a cluster is done in a folder of its own.
fn commands(lab: &Lab) -> String {
    let id = &lab.id;
    if lab.target.contains(&Target::Kind) {
        return format!("labcheck start {id}\nlabcheck {id}");
    }
    let up = if lab.target.contains(&Target::Compose) { "labcheck up --compose\n" } else { "" };
    format!("{up}labcheck start {id}\ncd {id}\nlabcheck {id}")
}

fn open_card(id: &str, class: &str) -> String {
    format!("<div class=\"{class}\" data-lab=\"{id}\">")
}

fn fact(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", html::escape(value));
}

/// Three folded hints, each inside the one before, so that the second shows
/// only to who has opened the first. The fourth is the solution, which pages
/// never show.
fn hints(task: &Task) -> String {
    let mut out = String::from("<div class=\"hints\">");
    for (index, hint) in task.hints.iter().enumerate() {
        let _ = write!(
            out,
            "<details><summary>Hint {} of {}: {}</summary>{}",
            index + 1,
            task.hints.len(),
            ["where to look", "the idea", "a form to fill in"].get(index).unwrap_or(&"more"),
            html::markdown(hint)
        );
    }
    out.push_str(&"</details>".repeat(task.hints.len()));
    out.push_str("</div>\n\n");
    out
}

/// What a lab looks at, in words.
pub(crate) fn targets(targets: &[Target]) -> String {
    let words: Vec<&str> = targets
        .iter()
        .map(|target| match target {
            Target::Kind => "a kind cluster",
            Target::Compose => "a compose project",
            Target::Files => "your files",
        })
        .collect();
    words.join(" and ")
}

fn needs(lab: &Lab) -> String {
    let mut words = Vec::new();
    if let Some(version) = &lab.needs.kubernetes {
        words.push(format!("Kubernetes {version}"));
    }
    match lab.needs.nodes {
        Some(1) => words.push("1 node".to_owned()),
        Some(count) => words.push(format!("{count} nodes")),
        None => {}
    }
    if !lab.needs.images.is_empty() {
        words.push(format!("the images {}", lab.needs.images.join(", ")));
    }
    if words.is_empty() { "nothing more".to_owned() } else { words.join(", ") }
}
