//! `cargo xtask fields`: which fields the kinds that labs look at have, as a
//! real API server publishes them.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, bail, ensure};
use lab_spec::Kind;
use serde_json::{Map, Value, json};

/// Where `labcheck author lint` reads them.
const FILE: &str = "checker/judge/src/fields/kubernetes.json";
/// What schemas are called in OpenAPI documents.
const COMPONENTS: &str = "#/components/schemas/";

/// Writes the file anew, or with `check` fails if the server's answer is another.
///
/// # Errors
/// No server, no kubectl, a document of an unexpected shape.
pub fn run(kubeconfig: &Path, check: bool) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&published(kubeconfig)?)? + "\n";
    if check {
        ensure!(
            fs::read_to_string(FILE)? == text,
            "`{FILE}` is not what this server publishes; `cargo xtask fields --kubeconfig FILE` writes it anew"
        );
        println!("{FILE} is what the server publishes");
        return Ok(());
    }
    fs::write(FILE, text).context(FILE)?;
    println!("{FILE}");
    Ok(())
}

/// The types of all kinds that labs can name, and what they are made of.
fn published(kubeconfig: &Path) -> anyhow::Result<Value> {
    let mut documents: BTreeMap<String, Value> = BTreeMap::new();
    let (mut kinds, mut types) = (BTreeMap::new(), BTreeMap::new());
    for kind in Kind::all() {
        let document = match documents.get(&kind.api_version) {
            Some(document) => document,
            None => {
                let found = document(kubeconfig, &kind.api_version)?;
                documents.entry(kind.api_version.clone()).or_insert(found)
            }
        };
        let schemas = document["components"]["schemas"].as_object().context("no schemas")?;
        let (group, version) = kind.api_version.split_once('/').unwrap_or(("", &kind.api_version));
        let wanted = json!({"group": group, "version": version, "kind": kind.kind});
        let this = |schema: &Value| {
            schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|all| all.contains(&wanted))
        };
        let (name, _) = schemas
            .iter()
            .find(|(_, schema)| this(schema))
            .with_context(|| format!("the server has no `{}`", kind.kind))?;
        kinds.insert(format!("{} {}", kind.api_version, kind.kind), short(name));
        add(name, schemas, &mut types)?;
    }
    Ok(json!({"kinds": kinds, "types": types}))
}

fn document(kubeconfig: &Path, api_version: &str) -> anyhow::Result<Value> {
    let place = if api_version.contains('/') { "apis" } else { "api" };
    let program = std::env::var("LABCHECK_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let answer = Command::new(&program)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["get", "--raw", &format!("/openapi/v3/{place}/{api_version}")])
        .output()
        .with_context(|| format!("`{program}` cannot be run; LABCHECK_KUBECTL names another one"))?;
    if !answer.status.success() {
        bail!("{}", String::from_utf8_lossy(&answer.stderr));
    }
    Ok(serde_json::from_slice(&answer.stdout)?)
}

/// Adds a type and all that it is made of.
fn add(
    name: &str,
    schemas: &Map<String, Value>,
    types: &mut BTreeMap<String, BTreeMap<String, String>>,
) -> anyhow::Result<()> {
    let Some(properties) = schemas.get(name).and_then(|schema| schema["properties"].as_object()) else {
        return Ok(());
    };
    if types.contains_key(&short(name)) {
        return Ok(());
    }
    types.insert(short(name), BTreeMap::new());
    for (field, schema) in properties {
        let (word, of) = word(schema, schemas);
        if let Some(of) = of {
            add(&of, schemas, types)?;
        }
        types.entry(short(name)).or_default().insert(field.clone(), word);
    }
    Ok(())
}

/// A field's type in the file's words, and the type it is made of: `-` is a
/// scalar, `*` anything, `[]` a list of what follows, `{}` a map of it.
fn word(schema: &Value, schemas: &Map<String, Value>) -> (String, Option<String>) {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    if let Some(name) = reference.and_then(|place| place.strip_prefix(COMPONENTS)) {
        let inner = &schemas[name];
        if inner["properties"].is_object() {
            return (short(name), Some(name.to_owned()));
        }
        // Times, quantities, ports by number or name; and what is free in shape.
        let free = inner["type"] == "object" || inner.as_object().is_none_or(|inner| inner.len() < 2);
        return (if free { "*" } else { "-" }.to_owned(), None);
    }
    let of = |prefix: &str, inner: &Value| {
        let (word, of) = word(inner, schemas);
        (format!("{prefix}{word}"), of)
    };
    match schema["type"].as_str() {
        Some("array") => of("[]", &schema["items"]),
        Some("object") if schema["additionalProperties"].is_object() => {
            of("{}", &schema["additionalProperties"])
        }
        Some("string" | "integer" | "number" | "boolean") => ("-".to_owned(), None),
        _ => ("*".to_owned(), None),
    }
}

fn short(name: &str) -> String {
    name.trim_start_matches("io.k8s.").trim_start_matches("api.").to_owned()
}
