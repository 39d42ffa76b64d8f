//! The learner's kubeconfig: found and merged as kubectl does it.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use kube::config::{Cluster, Context, Kubeconfig, KubeconfigError};
use serde_json::{Value, json};

use crate::ConnectError;

/// Reads the file given, or the files `KUBECONFIG` lists, or `~/.kube/config`.
pub(crate) fn load(explicit: Option<&Path>) -> Result<Kubeconfig, ConnectError> {
    if let Some(path) = explicit {
        return read(path)?.ok_or_else(|| ConnectError::Missing { paths: shown(&[path.to_owned()]) });
    }
    merged(&search_path())
}

fn merged(paths: &[PathBuf]) -> Result<Kubeconfig, ConnectError> {
    let mut merged: Option<Kubeconfig> = None;
    // kubectl passes over listed files that do not exist; the first to name
    // something wins.
    for path in paths {
        let Some(next) = read(path)? else { continue };
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|error| ConnectError::Broken {
                path: path.clone(),
                line: None,
                what: error.to_string(),
            })?,
        });
    }
    merged.ok_or_else(|| ConnectError::Missing { paths: shown(paths) })
}

fn search_path() -> Vec<PathBuf> {
    let listed: Vec<PathBuf> = env::var_os("KUBECONFIG")
        .map(|value| env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if listed.is_empty() {
        env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect()
    } else {
        listed
    }
}

fn shown(paths: &[PathBuf]) -> String {
    match paths {
        [] => "`~/.kube/config`".to_owned(),
        paths => paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", "),
    }
}

fn read(path: &Path) -> Result<Option<Kubeconfig>, ConnectError> {
    let broken = |line, what| ConnectError::Broken { path: path.to_owned(), line, what };
    match Kubeconfig::read_from(path) {
        Ok(mut kubeconfig) => {
            // `kubectl config unset current-context` leaves an empty string.
            kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
            Ok(Some(kubeconfig))
        }
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(KubeconfigError::ReadConfig(error, _)) => Err(broken(None, error.to_string())),
        Err(KubeconfigError::Parse(error)) => {
            // The snippet would show the lines around the error, keys included.
            let mut what = error.without_snippet().to_string();
            // The place is told once, beside the file.
            what.truncate(what.rfind(" at line ").unwrap_or(what.len()));
            Err(broken(error.location().map(|at| at.line()), what))
        }
        Err(error) => Err(broken(None, error.to_string())),
    }
}

/// A context, with the cluster it names.
pub(crate) struct Chosen<'a> {
    pub(crate) name: &'a str,
    pub(crate) context: &'a Context,
    pub(crate) cluster: &'a Cluster,
    pub(crate) server: &'a str,
}

/// The context called `wanted`, or the current one.
pub(crate) fn choose<'a>(
    kubeconfig: &'a Kubeconfig,
    wanted: Option<&str>,
) -> Result<Chosen<'a>, ConnectError> {
    let known = || {
        let names: Vec<_> = kubeconfig.contexts.iter().map(|named| format!("`{}`", named.name)).collect();
        if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
    };
    let name = match wanted {
        Some(name) => name,
        None => kubeconfig
            .current_context
            .as_deref()
            .ok_or_else(|| ConnectError::NoCurrentContext { known: known() })?,
    };
    let named = kubeconfig.contexts.iter().find(|named| named.name == name);
    let (name, context) = named
        .and_then(|named| Some((named.name.as_str(), named.context.as_ref()?)))
        .ok_or_else(|| ConnectError::UnknownContext { name: name.to_owned(), known: known() })?;
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.as_ref())
        .ok_or_else(|| ConnectError::UnknownCluster {
            context: name.to_owned(),
            cluster: context.cluster.clone(),
        })?;
    let server = cluster
        .server
        .as_deref()
        .filter(|server| !server.is_empty())
        .ok_or_else(|| ConnectError::NoServer { cluster: context.cluster.clone() })?;
    Ok(Chosen { name, context, cluster, server })
}

/// What `context: {}` observes: the current context, or `None`.
pub(crate) fn current(kubeconfig: &Kubeconfig) -> Option<Value> {
    let name = kubeconfig.current_context.as_deref()?;
    let context = kubeconfig.contexts.iter().find(|named| named.name == name)?.context.as_ref()?;
    let server = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.as_ref()?.server.as_deref());
    Some(json!({
        "name": name,
        "cluster": context.cluster,
        "server": server.map(without_userinfo).unwrap_or_default(),
        "namespace": namespace(context),
        "user": context.user.as_deref().unwrap_or_default(),
    }))
}

/// The context's namespace, or kubectl's default.
pub(crate) fn namespace(context: &Context) -> &str {
    context.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or("default")
}

/// The URL without `user:password@`.
pub(crate) fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn config(name: &str, current: Option<&str>) -> String {
        let current = current.map(|name| format!("current-context: {name}\n")).unwrap_or_default();
        format!(
            "apiVersion: v1\nkind: Config\n{current}\
             contexts: [{{name: {name}, context: {{cluster: {name}, user: u, namespace: ns-{name}}}}}]\n\
             clusters: [{{name: {name}, cluster: {{server: 'https://me:pw@{name}:6443'}}}}]\n"
        )
    }

    #[test]
    fn several_files_are_merged_first_one_first_and_missing_ones_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), config("one", Some("\"\""))).unwrap();
        fs::write(path("b"), config("two", Some("two"))).unwrap();
        fs::write(path("c"), config("three", Some("three"))).unwrap();
        let all = merged(&[path("a"), path("missing"), path("b"), path("c")]).unwrap();
        assert_eq!(all.contexts.len(), 3);
        let seen = current(&all).unwrap();
        assert_eq!(
            seen,
            json!({"name": "two", "cluster": "two", "server": "https://two:6443", "namespace": "ns-two", "user": "u"})
        );
        assert_eq!(choose(&all, Some("three")).unwrap().name, "three");

        let first = merged(&[path("a")]).unwrap();
        assert_eq!(current(&first), None);
        assert!(matches!(choose(&first, None), Err(ConnectError::NoCurrentContext { .. })));
        assert!(matches!(merged(&[path("x"), path("y")]), Err(ConnectError::Missing { .. })));
    }
}
