//! `glossary.yaml`: the words a reader must know, each in a sentence or two.
//! Chapters mark where they introduce one, and the glossary leads back there.

use std::{collections::BTreeMap, fmt::Write, io, path::Path};

use lab_spec::Diagnostic;
use serde::Deserialize;
use serde_yaml::Spanned;

use crate::{
    Sources,
    chapter::link,
    check::Seen,
    html::{escape, inline},
    pages::page,
};

/// How problems name the file.
const FILE: &str = "glossary.yaml";

/// The book's words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glossary {
    /// Format number; 1.
    format: u32,
    /// The words.
    terms: Vec<Term>,
}

/// One word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Term {
    /// As it stands in a sentence: `container runtime`.
    pub term: Spanned<String>,
    /// What it means, Markdown of one paragraph.
    is: String,
}

impl Term {
    /// As directives and addresses name it: `container-runtime`.
    pub(crate) fn id(&self) -> String {
        self.term.value.to_lowercase().replace(' ', "-")
    }
}

impl Glossary {
    /// Reads the book's `glossary.yaml`; a book without one has no words.
    ///
    /// # Errors
    /// The file cannot be read or is malformed.
    pub(crate) fn read(root: &Path) -> Result<Self, Diagnostic> {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => lab_spec::yaml(FILE, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { format: lab_spec::FORMAT, terms: Vec::new() })
            }
            Err(error) => Err(Diagnostic::file(FILE, format!("cannot be read: {error}"))),
        }
    }

    /// The word a directive names.
    pub(crate) fn term(&self, id: &str) -> Option<&Term> {
        self.terms.iter().find(|term| term.id() == id)
    }

    /// What directives may name.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.terms.iter().map(Term::id).collect()
    }

    /// What contradicts itself.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if self.format != lab_spec::FORMAT {
            let (found, wanted) = (self.format, lab_spec::FORMAT);
            problems.push(Diagnostic::file(FILE, format!("format is `{found}`, expected `{wanted}`")));
        }
        for (index, term) in self.terms.iter().enumerate() {
            let name = &term.term.value;
            if self.terms[..index].iter().any(|known| known.id() == term.id()) {
                problems.push(at(term, format!("`{name}` is explained twice")));
            }
            if term.is.trim().is_empty() {
                problems.push(at(term, format!("`{name}` is not explained")));
            }
        }
        problems
    }

    /// Words that no chapter introduces.
    pub(crate) fn unused(&self, seen: &Seen) -> Vec<Diagnostic> {
        let unused = self.terms.iter().filter(|term| !seen.terms.contains_key(&term.id()));
        let problem = |term: &Term| {
            at(term, format!("`{}` is introduced by no chapter", term.term.value))
                .help(format!("mark where it is: {{{{#term {}}}}}", term.id()))
        };
        unused.map(problem).collect()
    }
}

/// Every word, in alphabetical order, with the chapters that introduce it.
pub(crate) fn html(sources: &Sources, seen: &Seen, up: &str) -> String {
    let sorted: BTreeMap<String, &Term> =
        sources.glossary.terms.iter().map(|term| (term.id(), term)).collect();
    let mut out = String::from("<dl class=\"glossary\">");
    for (id, term) in sorted {
        let files = seen.terms.get(&id).map(Vec::as_slice).unwrap_or_default();
        let places = files.iter().map(|file| {
            let name = match sources.course.chapter_of(file) {
                Some(planned) => format!("chapter {}", planned.number),
                None => file.clone(),
            };
            link(&format!("{up}{}#term-{id}", page(file)), &name)
        });
        let places: Vec<String> = places.collect();
        let _ = write!(
            out,
            "<dt id=\"{id}\">{}</dt><dd>{} <span class=\"backlinks\">{}</span></dd>",
            escape(&term.term.value),
            inline(&term.is),
            places.join(", ")
        );
    }
    out.push_str("</dl>\n");
    out
}

fn at(term: &Term, message: String) -> Diagnostic {
    let place = term.term.referenced;
    Diagnostic::at(FILE, place.line() as u32, place.column() as u32, message)
}
