//! A student's kubeconfig, reduced to what names a server and proves who asks.
//!
//! A kubeconfig can run programs, read files and send them elsewhere. Nothing
//! of it is used but what is built here: an address that was judged, a CA, and
//! credentials that stand in the file itself.

use http::Uri;
use ipnet::IpNet;
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};

use super::address;

/// Largest kubeconfig that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
const NAME: &str = "swept";

/// The kubeconfig that is used in place of the student's.
///
/// # Errors
/// Why the student's cannot be used, in words that can be sent to the student.
pub fn sanitised(bytes: &[u8], context: Option<&str>, allow: &[IpNet]) -> Result<Kubeconfig, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {} KiB, expected a kubeconfig", MAX_BYTES >> 10));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8, expected a kubeconfig".to_owned())?;
    let theirs = Kubeconfig::from_yaml(text).map_err(|_| "is no kubeconfig".to_owned())?;
    let context = chosen(&theirs, context)?;
    let cluster = theirs
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.as_ref())
        .ok_or_else(|| format!("has no cluster `{}`", context.cluster.escape_debug()))?;
    let user = context.user.clone().unwrap_or_default();
    let user = theirs
        .auth_infos
        .iter()
        .find(|named| named.name == user)
        .and_then(|named| named.auth_info.as_ref())
        .ok_or_else(|| format!("has no user `{}`", user.escape_debug()))?;
    let user = credentials(user)?;
    let cluster = server(cluster, allow)?;
    Ok(Kubeconfig {
        clusters: vec![NamedCluster {
            name: NAME.to_owned(),
            cluster: Some(cluster),
            other: Default::default(),
        }],
        auth_infos: vec![NamedAuthInfo {
            name: NAME.to_owned(),
            auth_info: Some(user),
            other: Default::default(),
        }],
        contexts: vec![NamedContext {
            name: NAME.to_owned(),
            context: Some(Context {
                cluster: NAME.to_owned(),
                user: Some(NAME.to_owned()),
                ..Context::default()
            }),
            other: Default::default(),
        }],
        current_context: Some(NAME.to_owned()),
        ..Kubeconfig::default()
    })
}

/// The context that was named, or the only one: the one that happens to be
/// current may be another cluster of the student's.
fn chosen<'k>(theirs: &'k Kubeconfig, wanted: Option<&str>) -> Result<&'k Context, String> {
    let named = match (wanted, theirs.contexts.as_slice()) {
        (Some(wanted), contexts) => contexts
            .iter()
            .find(|context| context.name == wanted)
            .ok_or_else(|| format!("has no context `{}`", wanted.escape_debug()))?,
        (None, [only]) => only,
        (None, []) => return Err("has no context".to_owned()),
        (None, several) => {
            return Err(format!("has {} contexts; `--context` says which one is meant", several.len()));
        }
    };
    named.context.as_ref().ok_or_else(|| format!("context `{}` is empty", named.name.escape_debug()))
}

fn server(theirs: &Cluster, allow: &[IpNet]) -> Result<Cluster, String> {
    let refuse = |what: &str| Err(format!("{what}, which is not used here"));
    if theirs.insecure_skip_tls_verify == Some(true) {
        return refuse("has `insecure-skip-tls-verify`");
    }
    if theirs.proxy_url.is_some() {
        return refuse("has a `proxy-url`");
    }
    if theirs.certificate_authority.is_some() {
        return Err(
            "names a file as `certificate-authority`; only `certificate-authority-data` is used".to_owned()
        );
    }
    let Some(ca) = theirs.certificate_authority_data.clone() else {
        return Err("has no `certificate-authority-data`".to_owned());
    };
    let text = theirs.server.as_deref().unwrap_or_default();
    let wrong = || format!("its server `{}` is no address, as in `https://host:6443`", text.escape_debug());
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    if uri.scheme_str() != Some("https") {
        return Err(format!("its server `{}` is not reached through https", text.escape_debug()));
    }
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong());
    }
    let host = authority.host().to_owned();
    let address = address::allowed(&host, authority.port_u16().unwrap_or(443), allow)?;
    let name = theirs.tls_server_name.clone().unwrap_or(host);
    Ok(Cluster {
        server: Some(format!("https://{address}")),
        certificate_authority_data: Some(ca),
        // The certificate is that of the name, not of the address it led to.
        tls_server_name: Some(name.trim_start_matches('[').trim_end_matches(']').to_owned()),
        ..Cluster::default()
    })
}

fn credentials(theirs: &AuthInfo) -> Result<AuthInfo, String> {
    let present = [
        ("exec", theirs.exec.is_some(), "it would run a program"),
        ("auth-provider", theirs.auth_provider.is_some(), "it would run a program"),
        ("tokenFile", theirs.token_file.is_some(), "it would send a file of this machine to the server"),
        ("client-certificate", theirs.client_certificate.is_some(), "only `client-certificate-data` is used"),
        ("client-key", theirs.client_key.is_some(), "only `client-key-data` is used"),
        (
            "as",
            theirs.impersonate.is_some() || theirs.impersonate_groups.is_some(),
            "nobody is impersonated here",
        ),
        ("password", theirs.username.is_some() || theirs.password.is_some(), "no API server takes one"),
    ];
    if let Some((field, _, why)) = present.into_iter().find(|(_, present, _)| *present) {
        return Err(format!("its user has `{field}`: {why}"));
    }
    let ours = AuthInfo {
        token: theirs.token.clone(),
        client_certificate_data: theirs.client_certificate_data.clone(),
        client_key_data: theirs.client_key_data.clone(),
        ..AuthInfo::default()
    };
    if ours.token.is_none() && (ours.client_certificate_data.is_none() || ours.client_key_data.is_none()) {
        return Err("its user has neither a `token` nor a client certificate with its key".to_owned());
    }
    Ok(ours)
}
