//! Observations: what a lab looks at, by name.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};

use crate::{Kind, Target};

/// One named observation of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// What is looked at.
    pub source: Source,
    /// Namespace, if not the lab's.
    pub ns: Option<String>,
}

/// What an observation looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One object, or absent: `deployment: api`.
    Object {
        /// Kind of the object.
        kind: Kind,
        /// Name of the object.
        name: String,
    },
    /// A list, possibly empty: `pods: {labels: "app=api"}`.
    List {
        /// Kind of the objects.
        kind: Kind,
        /// Which of them.
        select: Select,
    },
    /// The last log lines of all pods with these labels, as a list of
    /// `{pod, container, lines}`: `logs: {labels: "app=api", tail: 200}`.
    Logs(Logs),
    /// Whether the API server says it is ready: `reach: {}`. The one
    /// observation for which an unreachable server is an answer.
    Reach,
    /// The API server's version: `version: {}`.
    Version,
    /// The kubeconfig's current context: `context: {}`.
    Context,
    /// A gauge of every node's kubelet, as a map from node to number:
    /// `kubelet: kubelet_cgroup_version`.
    Kubelet {
        /// Name of the metric.
        metric: String,
    },
    /// A file of the learner, relative to the working directory: `file: notes.yaml`.
    File {
        /// Path inside the learner's directory.
        path: String,
    },
    /// The learner's compose files as `docker compose config` resolves them:
    /// `compose: {}`.
    Compose,
    /// The same files as they were written, each as `{path, document}`, with
    /// nothing resolved: `composefiles: {}`.
    ComposeFiles,
    /// The project's containers, as `docker inspect` shows them, those of
    /// `docker compose run` left out: `containers: {}` or
    /// `containers: {service: worker}`.
    Containers {
        /// Only those of this service.
        service: Option<String>,
    },
    /// The first container of a service, or absent: `container: queue`.
    Container {
        /// Name of the service.
        service: String,
    },
    /// A list of what else belongs to the project: `images: {}`,
    /// `volumes: {}`, `networks: {}`, `dockerevents: {}`.
    Project {
        /// What is listed.
        part: Part,
    },
}

/// What Docker is asked about a compose project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Its containers, inspected.
    Containers,
    /// The images its containers run, inspected.
    Images,
    /// Its volumes.
    Volumes,
    /// Its networks, inspected.
    Networks,
    /// What happened to it lately; Docker forgets after 256 events.
    DockerEvents,
}

impl Part {
    /// Its name in lab files and request keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Images => "images",
            Self::Volumes => "volumes",
            Self::Networks => "networks",
            Self::DockerEvents => "dockerevents",
        }
    }
}

/// Which containers of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfService {
    /// Those of this service.
    service: Option<String>,
}

impl Source {
    /// What a lab must have as a target for this to be seen.
    pub fn target(&self) -> Target {
        match self {
            Self::Object { .. }
            | Self::List { .. }
            | Self::Logs(_)
            | Self::Reach
            | Self::Version
            | Self::Context
            | Self::Kubelet { .. } => Target::Kind,
            Self::File { .. } => Target::Files,
            Self::Compose
            | Self::ComposeFiles
            | Self::Containers { .. }
            | Self::Container { .. }
            | Self::Project { .. } => Target::Compose,
        }
    }
}

/// Which objects of a kind; everything given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// Equality-based or set-based label selector, as `kubectl -l` takes it.
    pub labels: Option<String>,
    /// EndpointSlices of this Service.
    pub service: Option<String>,
}

/// Which log lines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Label selector of the pods.
    pub labels: String,
    /// Container, if the pods have several.
    pub container: Option<String>,
    /// How many last lines of each.
    #[serde(default = "tail")]
    pub tail: u32,
}

fn tail() -> u32 {
    100
}

/// The words that are not kinds.
pub(crate) const SPECIAL: &[&str] = &[
    "logs",
    "reach",
    "version",
    "context",
    "kubelet",
    "file",
    "compose",
    "composefiles",
    "containers",
    "container",
    "images",
    "volumes",
    "networks",
    "dockerevents",
];

/// The words of a compose project that take no settings.
const PARTS: &[Part] = &[Part::Images, Part::Volumes, Part::Networks, Part::DockerEvents];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

impl<'de> Deserialize<'de> for Observe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObserveVisitor)
    }
}

struct ObserveVisitor;

impl<'de> Visitor<'de> for ObserveVisitor {
    type Value = Observe;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one thing to look at, as in `deployment: api` or `pods: {labels: \"app=api\"}`, and perhaps `ns`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Observe, A::Error> {
        let (mut source, mut ns) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            if key == "ns" {
                ns = Some(map.next_value()?);
                continue;
            }
            let read = match key.as_str() {
                "logs" => Source::Logs(map.next_value()?),
                "reach" => map.next_value::<Empty>().map(|_| Source::Reach)?,
                "version" => map.next_value::<Empty>().map(|_| Source::Version)?,
                "context" => map.next_value::<Empty>().map(|_| Source::Context)?,
                "kubelet" => Source::Kubelet { metric: map.next_value()? },
                "file" => Source::File { path: map.next_value()? },
                "compose" => map.next_value::<Empty>().map(|_| Source::Compose)?,
                "composefiles" => map.next_value::<Empty>().map(|_| Source::ComposeFiles)?,
                "containers" => {
                    let OfService { service } = map.next_value()?;
                    Source::Containers { service }
                }
                "container" => Source::Container { service: map.next_value()? },
                word if PARTS.iter().any(|part| part.word() == word) => {
                    map.next_value::<Empty>()?;
                    let part = PARTS.iter().copied().find(|part| part.word() == word);
                    Source::Project { part: part.ok_or_else(|| A::Error::custom(unknown(word)))? }
                }
                word => match (Kind::singular(word), Kind::plural(word)) {
                    (Some(kind), _) => Source::Object { kind, name: map.next_value()? },
                    (_, Some(kind)) => Source::List { kind, select: map.next_value()? },
                    _ => return Err(A::Error::custom(unknown(word))),
                },
            };
            if source.replace(read).is_some() {
                return Err(A::Error::custom(format!(
                    "`{key}` is a second thing to look at; an observation looks at one"
                )));
            }
        }
        let source = source.ok_or_else(|| A::Error::custom("nothing to look at"))?;
        Ok(Observe { source, ns })
    }
}

fn unknown(word: &str) -> String {
    let known = Kind::short_names().chain(SPECIAL.iter().copied());
    let near = crate::validate::nearest(word, known);
    match near {
        Some(near) => format!("`{word}` is nothing labcheck can look at; did you mean `{near}`?"),
        None => format!("`{word}` is nothing labcheck can look at; `labcheck author schema` lists what is"),
    }
}

impl JsonSchema for Observe {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Observe".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut properties = serde_json::Map::new();
        let select = generator.subschema_for::<Select>().to_value();
        let empty = serde_json::json!({"type": "object", "maxProperties": 0});
        let text = serde_json::json!({"type": "string"});
        for name in Kind::short_names() {
            let schema = if Kind::singular(name).is_some() { &text } else { &select };
            properties.insert(name.to_owned(), schema.clone());
        }
        properties.insert("logs".to_owned(), generator.subschema_for::<Logs>().to_value());
        let parts = PARTS.iter().map(|part| part.word());
        for name in ["reach", "version", "context", "compose", "composefiles"].into_iter().chain(parts) {
            properties.insert(name.to_owned(), empty.clone());
        }
        properties.insert("containers".to_owned(), generator.subschema_for::<OfService>().to_value());
        for name in ["kubelet", "file", "container", "ns"] {
            properties.insert(name.to_owned(), text.clone());
        }
        schemars::json_schema!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 2,
        })
    }
}
