//! Names to connections.
//!
//! A static glibc resolves names through NSS modules that it loads at run
//! time, and a scratch image has none, so `getaddrinfo` would fail there. A
//! resolver in Rust reads `/etc/resolv.conf` (servers, `search`, `ndots`) and
//! `/etc/hosts` instead.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

static RESOLVER: OnceCell<TokioResolver> = OnceCell::const_new();

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
}

impl Target {
    /// A target from its parts; `host` may be an IPv6 address in brackets.
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        Self { host: host.to_owned(), port }
    }

    /// Resolves the name and opens one connection to one of its addresses,
    /// chosen at random. There is no second attempt at another address: a
    /// failure must stay visible.
    pub async fn connect(&self) -> Result<TcpStream, ConnectError> {
        let address = SocketAddr::new(self.resolve().await?, self.port);
        let stream = TcpStream::connect(address).await.map_err(ConnectError::Io)?;
        stream.set_nodelay(true).map_err(ConnectError::Io)?;
        Ok(stream)
    }

    async fn resolve(&self) -> Result<IpAddr, ConnectError> {
        if let Ok(address) = self.host.parse() {
            return Ok(address);
        }
        let dns =
            |why: &dyn fmt::Display| ConnectError::Dns(format!("cannot resolve `{}`: {why}", self.host));
        let resolver = RESOLVER
            .get_or_try_init(|| async { resolver() })
            .await
            .map_err(|why| dns(&format!("/etc/resolv.conf: {why}")))?;
        let found = resolver.lookup_ip(self.host.as_str()).await.map_err(|why| dns(&why))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        fastrand::choice(addresses).ok_or_else(|| dns(&"the name has no addresses"))
    }
}

/// A resolver without a cache: every connection asks again, as a client that
/// follows a Service has to.
fn resolver() -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    builder.build()
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .and_then(|(host, port)| Some(Self::new(host, port.parse().ok()?)))
            .filter(|target| target.port > 0)
            .ok_or_else(|| format!("expected `host:port` such as `queue:6379`, found `{text}`"))
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The name did not resolve.
    Dns(String),
    /// The address did not accept.
    Io(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(why) => out.write_str(why),
            Self::Io(why) => why.fmt(out),
        }
    }
}

impl std::error::Error for ConnectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_need_host_and_port() {
        let target: Target = "queue.lab:6379".parse().expect("a target");
        assert_eq!(target.to_string(), "queue.lab:6379");
        let target: Target = "[::1]:80".parse().expect("a target");
        assert_eq!(target.to_string(), "[::1]:80");
        for wrong in ["queue", ":6379", "queue:", "queue:0", "queue:70000"] {
            assert!(Target::from_str(wrong).is_err(), "{wrong}");
        }
    }
}
