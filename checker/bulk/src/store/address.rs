//! Where a PostgreSQL store is. The address holds a password: nothing here
//! repeats any of it but host, port and database.

use std::{fmt, sync::Arc, time::Duration};

use postgres::{
    Config,
    config::{Host, SslMode},
};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a server may take to answer that it is there.
const CONNECT: Duration = Duration::from_secs(10);
/// After how long without a sign of the server a connection is given up, so
/// that a node that is gone stops nobody for ever.
const SILENCE: Duration = Duration::from_secs(30);
/// How often it is asked for a sign then.
const ASK: Duration = Duration::from_secs(5);

const SHAPE: &str =
    "expected `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `%40` for an `@` in the password";

/// The address of a PostgreSQL database.
#[derive(Clone)]
pub struct Address {
    config: Config,
    plain: bool,
    shown: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Why it is none; without any of its text, which may hold a password
    /// wherever it was mistyped.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(format!("is no address of PostgreSQL: {SHAPE}"));
        }
        if text.matches('@').count() != 1 {
            return Err(format!("does not tell where the password ends: {SHAPE}"));
        }
        let (text, plain) = secured(text)?;
        let mut config: Config =
            text.parse().map_err(|_| format!("is no address that can be read: {SHAPE}"))?;
        let (host, port) = match (config.get_hosts(), config.get_ports()) {
            ([Host::Tcp(host)], [port]) => (host.clone(), *port),
            ([Host::Unix(path)], [port]) => (path.display().to_string(), *port),
            ([], _) => return Err(format!("names no host: {SHAPE}")),
            _ => return Err(format!("names several hosts: {SHAPE}")),
        };
        let Some(database) = config.get_dbname() else {
            return Err(format!("names no database: {SHAPE}"));
        };
        if config.get_user().is_none_or(str::is_empty) {
            return Err(format!("names no user: {SHAPE}"));
        }
        let shown = format!("{host}:{port}/{database}").escape_debug().to_string();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.tcp_user_timeout(SILENCE).keepalives_idle(SILENCE).keepalives_interval(ASK);
        config.application_name("labcheck");
        config.ssl_mode(if plain { SslMode::Disable } else { SslMode::Require });
        Ok(Self { config, plain, shown })
    }

    /// How to connect.
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it says that nothing is to be encrypted.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// What encrypts a connection: only a certificate for the host's name that
    /// one of the system's authorities stands for is believed.
    pub(super) fn tls() -> Result<MakeRustlsConnect, String> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(format!(
                "no certificate authority is known to this system{why}; name a file of them in `SSL_CERT_FILE`"
            ));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

/// Host, port and database.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

/// The address without what it says of TLS, and whether there is to be none.
/// Where it says nothing there is TLS; what would fall back to plain text, and
/// what we do not have, is refused.
fn secured(text: &str) -> Result<(String, bool), String> {
    let Some((address, parameters)) = text.split_once('?') else { return Ok((text.to_owned(), false)) };
    let (mut kept, mut plain) = (Vec::new(), None);
    for parameter in parameters.split('&') {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (key, value) {
            ("sslmode", _) if plain.is_some() => return Err("says `sslmode` twice".to_owned()),
            ("sslmode", "disable") => plain = Some(true),
            ("sslmode", "require" | "verify-ca" | "verify-full") => plain = Some(false),
            ("sslmode", "allow" | "prefer") => {
                return Err(
                    "has an `sslmode` that falls back to plain text: expected `verify-full`, or `disable` where the network is yours"
                        .to_owned(),
                );
            }
            ("sslmode", _) => {
                return Err("has an unknown `sslmode`: expected `verify-full` or `disable`".to_owned());
            }
            ("sslrootcert", _) => {
                return Err(
                    "has `sslrootcert`, which is not supported: name the file in `SSL_CERT_FILE`".to_owned()
                );
            }
            ("sslcert" | "sslkey", _) => {
                return Err(
                    "asks for a client certificate, which is not supported: use a password".to_owned()
                );
            }
            _ => kept.push(parameter),
        }
    }
    let text = if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
    Ok((text, plain.unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_shows_neither_user_nor_password() {
        let address = Address::parse("postgres://ada:s3cret@db.example:6543/class\n").expect("an address");
        assert_eq!((address.to_string().as_str(), address.is_plain()), ("db.example:6543/class", false));
        assert_eq!(format!("{address:?}"), "Address(db.example:6543/class)");
        let address = Address::parse("postgresql://ada:s3%40cret@db/class").expect("an address");
        assert_eq!(address.config().get_password(), Some(&b"s3@cret"[..]));
        assert_eq!(address.to_string(), "db:5432/class");
    }

    #[test]
    fn plain_text_is_what_somebody_asked_for() {
        for (parameters, plain) in [
            ("", false),
            ("?sslmode=require", false),
            ("?sslmode=verify-ca", false),
            ("?sslmode=verify-full&connect_timeout=3", false),
            ("?sslmode=disable", true),
            ("?connect_timeout=3&sslmode=disable", true),
        ] {
            let address = Address::parse(&format!("postgres://u:s3cret@db/class{parameters}"));
            assert_eq!(address.expect("an address").is_plain(), plain, "{parameters}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_never_repeated() {
        for (text, why) in [
            ("", "is no address of PostgreSQL"),
            ("s3cret", "is no address of PostgreSQL"),
            ("mysql://u:s3cret@db/class", "is no address of PostgreSQL"),
            ("host=db password=s3cret", "is no address of PostgreSQL"),
            ("postgres://u:s3@cret@db/class", "does not tell where the password ends"),
            ("postgres://u:s3@c/ret@db/class", "does not tell where the password ends"),
            ("postgres://u:s3cret/class", "does not tell where the password ends"),
            ("postgres://u:s3cret@db:s3cret/class", "is no address that can be read"),
            ("postgres://u:s3cret@db/class?s3cret", "is no address that can be read"),
            ("postgres://u:s3cret@db/class?s3cret=1", "is no address that can be read"),
            ("postgres://u:s3cret@/class", "names no host"),
            ("postgres://u:s3cret@a,b/class", "names several hosts"),
            ("postgres://u:s3cret@db", "names no database"),
            ("postgres://:s3cret@db/class", "names no user"),
            ("postgres://u:s3cret@db/class?sslmode=prefer", "falls back to plain text"),
            ("postgres://u:s3cret@db/class?sslmode=allow", "falls back to plain text"),
            ("postgres://u:s3cret@db/class?sslmode=s3cret", "has an unknown `sslmode`"),
            ("postgres://u:s3cret@db/class?sslmode=disable&sslmode=require", "says `sslmode` twice"),
            ("postgres://u:s3cret@db/class?sslrootcert=/ca", "`SSL_CERT_FILE`"),
            ("postgres://u:s3cret@db/class?sslcert=/me", "client certificate"),
        ] {
            let said = Address::parse(text).expect_err(text);
            assert!(said.contains(why) && !said.contains("s3") && !said.contains("cret"), "{text}: {said}");
        }
    }
}
