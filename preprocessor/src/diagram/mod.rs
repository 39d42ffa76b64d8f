//! Diagrams from text: `book/diagrams/NAME.yaml` becomes inline SVG with a
//! title and a description, in the page's own colours.

mod graph;
mod svg;
mod timeline;

use lab_spec::Diagnostic;
use serde::Deserialize;

use crate::html::escape;
use graph::Graph;
use timeline::Timeline;

/// A diagram file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Diagram {
    /// What it shows, as a heading.
    title: String,
    /// The same in sentences, for who cannot see it.
    text: String,
    graph: Option<Graph>,
    timeline: Option<Timeline>,
}

/// The colour of a part, by what it means.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Wait,
    Accent,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Wait => "wait",
            Self::Accent => "accent",
        }
    }
}

/// The diagram as a figure; `name` is its file's, without `.yaml`.
///
/// # Errors
/// Malformed, or something that does not fit where it is drawn.
pub(crate) fn figure(name: &str, text: &str) -> Result<String, Vec<Diagnostic>> {
    let file = format!("diagrams/{name}.yaml");
    let diagram: Diagram = lab_spec::yaml(&file, text).map_err(|problem| vec![problem])?;
    let drawing = match (&diagram.graph, &diagram.timeline) {
        (Some(graph), None) => graph.draw(),
        (None, Some(timeline)) => timeline.draw(),
        _ => Err(vec!["is not exactly one of `graph` and `timeline`".to_owned()]),
    };
    let drawing = drawing.map_err(|found| {
        found.into_iter().map(|message| Diagnostic::file(&file, message)).collect::<Vec<_>>()
    })?;
    let id = name.replace('/', "-");
    let (width, height) = (drawing.width.ceil(), drawing.height.ceil());
    Ok(format!(
        "<figure class=\"diagram\"><div class=\"diagram-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Diagram: {title}\">\
         <svg role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         aria-labelledby=\"d-{id}-title d-{id}-text\"><title id=\"d-{id}-title\">{title}</title>\
         <desc id=\"d-{id}-text\">{text}</desc>{body}</svg></div><figcaption>{title}</figcaption></figure>\n",
        title = escape(&diagram.title),
        text = escape(diagram.text.trim()).replace('\n', " "),
        body = drawing.body,
    ))
}
