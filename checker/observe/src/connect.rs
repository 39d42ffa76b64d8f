//! From a kubeconfig to a client, without a word to the server.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use kube::{
    Client, Config,
    client::AuthError,
    config::{KubeConfigOptions, Kubeconfig},
};
use sha2::{Digest, Sha256};

use crate::{
    Options,
    kubeconfig::{choose, load, namespace, without_userinfo},
};

/// How long a credential plugin may take; some ask the user to log in.
const PLUGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No kubeconfig where one was looked for.
    #[error(
        "no kubeconfig at {paths}; `labcheck up` makes a cluster and writes one, `--kubeconfig` names another"
    )]
    Missing {
        /// Where it was looked for.
        paths: String,
    },
    /// A kubeconfig that cannot be read.
    #[error("cannot read kubeconfig {}: {what}; mend the file or name another with `--kubeconfig`", place(path, *line))]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line of the error, from 1, where it is known.
        line: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// A kubeconfig without a current context.
    #[error(
        "the kubeconfig has no current context; {known}; choose with `kubectl config use-context` or `--context`"
    )]
    NoCurrentContext {
        /// The contexts there are, in words.
        known: String,
    },
    /// A context the kubeconfig does not have.
    #[error("the kubeconfig has no context `{name}`; {known}; choose with `--context`")]
    UnknownContext {
        /// The context asked for.
        name: String,
        /// The contexts there are, in words.
        known: String,
    },
    /// A context that names a cluster the kubeconfig does not have.
    #[error(
        "context `{context}` names cluster `{cluster}`, which the kubeconfig does not have; see `kubectl config get-clusters`"
    )]
    UnknownCluster {
        /// The context.
        context: String,
        /// The cluster it names.
        cluster: String,
    },
    /// A cluster without a usable URL.
    #[error(
        "cluster `{cluster}` of the kubeconfig has no `server`; set it with `kubectl config set-cluster`"
    )]
    NoServer {
        /// The cluster.
        cluster: String,
    },
    /// A credential plugin that gave no credentials.
    #[error(
        "credential plugin `{command}` of context `{context}` gave no credentials: {what}; `kubectl --context {context} version` shows what it says"
    )]
    Plugin {
        /// The context.
        context: String,
        /// The plugin's command.
        command: String,
        /// What happened, without the plugin's output.
        what: String,
    },
    /// A proxy between us and the server.
    #[error(
        "the API server `{server}` is set to be reached through a proxy, which labcheck cannot use; unset `HTTPS_PROXY` and `proxy-url`"
    )]
    Proxy {
        /// URL of the API server.
        server: String,
    },
    /// Certificates, keys or addresses that cannot be used.
    #[error(
        "context `{context}` cannot be used: {what}; see `kubectl config view --minify --context {context}`"
    )]
    Unusable {
        /// The context.
        context: String,
        /// What is wrong.
        what: String,
    },
}

fn place(path: &std::path::Path, line: Option<u64>) -> String {
    match line {
        Some(line) => format!("`{}` line {line}", path.display()),
        None => format!("`{}`", path.display()),
    }
}

/// All that a kubeconfig says about the cluster we look at.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) context: String,
    pub(crate) server: String,
    pub(crate) namespace: String,
    pub(crate) ca_sha256: String,
}

pub(crate) async fn connect(options: &Options) -> Result<Connection, ConnectError> {
    let kubeconfig = load(options.kubeconfig.as_deref())?;
    let chosen = choose(&kubeconfig, options.context.as_deref())?;
    let context = chosen.name.to_owned();
    let server = without_userinfo(chosen.server);
    let namespace = options.namespace.clone().unwrap_or_else(|| namespace(chosen.context).to_owned());
    let plugin = plugin(&kubeconfig, chosen.context.user.as_deref());
    let explicit_proxy = chosen.cluster.proxy_url.is_some();
    let unusable = |what: String| ConnectError::Unusable { context: context.clone(), what };

    let choice = KubeConfigOptions { context: Some(context.clone()), ..Default::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &choice)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        return Err(unusable("the certificate authority it gives holds no certificate".to_owned()));
    }
    config.connect_timeout = Some(options.request_timeout);
    // A 503 or 504 is evidence; waiting for a better answer is the caller's choice.
    config.default_retry = false;
    if !explicit_proxy && config.cluster_url.host().is_some_and(is_loopback) {
        config.proxy_url = None;
    }
    let ca_sha256 = ca_sha256(&config);

    let client = match &plugin {
        None => Client::try_from(config),
        Some(command) => run_plugin(config, &context, command).await?,
    };
    let client = client.map_err(|error| match (error, plugin) {
        (kube::Error::ProxyProtocolDisabled { .. } | kube::Error::ProxyProtocolUnsupported { .. }, _) => {
            ConnectError::Proxy { server: server.clone() }
        }
        (kube::Error::Auth(error), Some(command)) => {
            ConnectError::Plugin { context: context.clone(), command, what: plugin_failure(&error) }
        }
        (error, _) => unusable(error.to_string()),
    })?;
    Ok(Connection { client, context, server, namespace, ca_sha256 })
}

/// The command kube will run to build the client, if there is one.
fn plugin(kubeconfig: &Kubeconfig, user: Option<&str>) -> Option<String> {
    let user = kubeconfig.auth_infos.iter().find(|named| Some(named.name.as_str()) == user)?;
    let auth = user.auth_info.as_ref()?;
    match (&auth.exec, &auth.auth_provider) {
        (Some(exec), _) => Some(exec.command.clone().unwrap_or_default()),
        (None, provider) => provider.as_ref().map(|provider| provider.name.clone()),
    }
}

/// Builds the client off the async threads, because kube waits for the plugin.
async fn run_plugin(
    config: Config,
    context: &str,
    command: &str,
) -> Result<Result<Client, kube::Error>, ConnectError> {
    let failed = |what: String| ConnectError::Plugin {
        context: context.to_owned(),
        command: command.to_owned(),
        what,
    };
    let built = tokio::task::spawn_blocking(move || Client::try_from(config));
    match tokio::time::timeout(PLUGIN_TIMEOUT, built).await {
        Err(_) => Err(failed(format!("it took longer than {} s", PLUGIN_TIMEOUT.as_secs()))),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Ok(Ok(client)) => Ok(client),
    }
}

/// What happened, leaving out what the plugin printed: that may be a token.
fn plugin_failure(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("it could not be started ({error})"),
        AuthError::AuthExecRun { out, .. } => format!("it ended with {}", out.status),
        AuthError::AuthExecParse(_) => "its output is not an ExecCredential".to_owned(),
        AuthError::ExecPluginFailed => "its output has no status".to_owned(),
        AuthError::MissingCommand => "the kubeconfig names no command".to_owned(),
        _ => "its credentials cannot be used".to_owned(),
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// SHA-256 over the DER of the cluster's CA certificates, in hexadecimal;
/// empty without any. Inline and file certificates hash alike.
pub fn ca_sha256(config: &Config) -> String {
    let Some(certificates) = &config.root_cert else { return String::new() };
    Sha256::digest(certificates.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}
