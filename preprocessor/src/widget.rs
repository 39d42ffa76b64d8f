//! The widgets pages may hold, with what each may be told. The scripts are in
//! `book/src/widgets`; a page without scripts shows the text instead.

use std::fmt::Write;

use crate::html::{escape, markdown};

/// A widget: name, title, settings with defaults, and what it shows, in words.
struct Widget {
    name: &'static str,
    title: &'static str,
    settings: &'static [Setting],
    /// Markdown for readers without scripts, and for paper.
    instead: &'static str,
}

/// One thing a page may say to a widget.
struct Setting {
    name: &'static str,
    default: &'static str,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    /// A number, not below 0.
    Number,
    /// A number or a percentage.
    Share,
    /// Words with commas, as labels are written.
    Labels,
}

const WIDGETS: &[Widget] = &[
    Widget {
        name: "selector",
        title: "Which pods does this selector choose?",
        settings: &[Setting { name: "selector", default: "app=api", form: Form::Labels }],
        instead: "A selector chooses the pods that carry **all** of its labels with exactly these values. A pod may carry more. `kubectl get pods -l SELECTOR` asks the API server the same question.",
    },
    Widget {
        name: "rollout",
        title: "How many pods exist while a rollout runs?",
        settings: &[
            Setting { name: "replicas", default: "4", form: Form::Number },
            Setting { name: "surge", default: "25%", form: Form::Share },
            Setting { name: "unavailable", default: "25%", form: Form::Share },
        ],
        instead: "A percentage of maxSurge is rounded **up**, one of maxUnavailable **down**. With 4 replicas and 25 % for both, at most 5 pods exist and at least 3 are available. If both come out as 0, maxUnavailable becomes 1.",
    },
    Widget {
        name: "probes",
        title: "Which probe fires, and when?",
        settings: &[
            Setting { name: "load", default: "40", form: Form::Number },
            Setting { name: "startup_period", default: "5", form: Form::Number },
            Setting { name: "startup_threshold", default: "12", form: Form::Number },
            Setting { name: "liveness_period", default: "10", form: Form::Number },
            Setting { name: "liveness_threshold", default: "3", form: Form::Number },
        ],
        instead: "A startup probe gives up after about period × threshold seconds: 5 s × 12 is 60 s, enough for a model that loads in 40 s. Without one, a liveness probe of 10 s × 3 restarts that container before it has loaded, and again, and again.",
    },
    Widget {
        name: "breakeven",
        title: "When does the cluster pay for itself?",
        settings: &[
            Setting { name: "extra", default: "340", form: Form::Number },
            Setting { name: "saved", default: "0.80", form: Form::Number },
            Setting { name: "slo", default: "99.9", form: Form::Number },
        ],
        instead: "Break-even is extra cost per month divided by what one hour of scaling in saves: $340 ÷ $0.80 is 425 hours a month. An availability of 99.9 % leaves 43.2 minutes in 30 days.",
    },
    Widget { name: "watch", title: "Which watch action fits?", settings: &[], instead: WATCHED },
];

/// The script asks about these files one by one. It knows which action follows
/// from the third column, and refuses a table that says another.
const WATCHED: &str = "\
| File | It is named here | It is read | Action | Because |
|---|---|---|---|---|
| `api/src/stopwords.txt` | `def predict(text): stop = set(open(\"stopwords.txt\"))` | while it runs | sync | The function opens it anew for every request. It only has to arrive. |
| `worker/src/labels.json` | `LABELS = json.load(open(\"labels.json\"))`, at the top of `worker.py` | when it starts | sync+restart | The line runs once, at import. Only a new process runs it again. |
| `api/requirements.txt` | `RUN pip install -r requirements.txt` | by the build | rebuild | pip ran while the image was built. Its packages are a layer of the image. |
| `api/src/main.py` | `CMD [\"uvicorn\", \"main:app\", \"--reload\"]` | while it runs | sync | With `--reload` the server watches its own source and takes in what changed by itself. |
| `worker/src/worker.py` | `CMD [\"python\", \"worker.py\"]` | when it starts | sync+restart | Python compiles a program once, when it starts, and nobody watches here. |
| `api/tests/test_api.py` | `pytest api/tests`, on your laptop and in CI | never | nothing | No process in a container opens it, and no build needs it. Name narrow paths, or `ignore` it. |
| `worker/native/fast.c` | `RUN gcc -O2 -shared -o fast.so native/fast.c` | by the build | rebuild | The compiler read it. The process loads `fast.so`, which only a build makes anew. |
";

/// A widget's element, or what is wrong with its name or settings and what to
/// do instead.
pub(crate) fn html(name: &str, given: &[(&str, &str)]) -> Result<String, (String, Option<String>)> {
    let names = WIDGETS.iter().map(|widget| widget.name);
    let widget = WIDGETS.iter().find(|widget| widget.name == name).ok_or_else(|| {
        let list = names.clone().collect::<Vec<_>>().join("`, `");
        (format!("there is no widget `{name}`"), Some(format!("use one of `{list}`")))
    })?;
    for (key, value) in given {
        let setting = widget.settings.iter().find(|setting| setting.name == *key).ok_or_else(|| {
            let list = widget.settings.iter().map(|setting| setting.name).collect::<Vec<_>>().join("`, `");
            (format!("widget `{name}` has no setting `{key}`"), Some(format!("use one of `{list}`")))
        })?;
        setting.form.check(value).map_err(|expected| {
            (format!("`{key}` of widget `{name}` is `{value}`, expected {expected}"), None)
        })?;
    }
    let mut out = format!("<figure class=\"widget\" data-widget=\"{name}\"");
    for setting in widget.settings {
        let value =
            given.iter().find(|(key, _)| *key == setting.name).map_or(setting.default, |(_, value)| value);
        let _ = write!(out, " data-{}=\"{}\"", setting.name.replace('_', "-"), escape(value));
    }
    let _ = writeln!(
        out,
        "><figcaption>{}</figcaption><div class=\"instead\">{}</div></figure>",
        escape(widget.title),
        markdown(widget.instead)
    );
    Ok(out)
}

impl Form {
    fn check(self, value: &str) -> Result<(), &'static str> {
        let number = |text: &str| text.parse::<f64>().is_ok_and(|found| found.is_finite() && found >= 0.0);
        match self {
            Self::Number if number(value) => Ok(()),
            Self::Number => Err("a number, not below 0"),
            Self::Share if number(value.strip_suffix('%').unwrap_or(value)) => Ok(()),
            Self::Share => Err("a number or a percentage, as in `25%`"),
            Self::Labels if !value.is_empty() => Ok(()),
            Self::Labels => Err("labels, as in `app=api,tier=serving`"),
        }
    }
}
