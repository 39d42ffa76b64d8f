//! The one-use token of the printed address, and the cookie it is exchanged
//! for.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use rand::{TryRngCore as _, rngs::OsRng};
use subtle::ConstantTimeEq as _;

/// Name of the cookie, before the port: cookies know no ports, and two servers
/// must not overwrite each other's.
const COOKIE: &str = "labcheck-session";

/// Secrets of one run of the server.
pub(crate) struct Keys {
    port: u16,
    path: &'static str,
    session: String,
    token: Mutex<String>,
}

impl Keys {
    /// Of the server on this port; the cookie is sent to what is below `path`.
    pub(crate) fn new(port: u16, path: &'static str) -> Self {
        Self { port, path, session: secret(), token: Mutex::new(secret()) }
    }

    /// The token that has not been used yet.
    pub(crate) fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a token in exchange for the cookie; from then on another is valid.
    pub(crate) fn exchange(&self, offered: &str) -> Option<String> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if !same(&token, offered) {
            return None;
        }
        *token = secret();
        let Self { port, path, session, .. } = self;
        Some(format!("{COOKIE}-{port}={session}; Path={path}; HttpOnly; SameSite=Strict"))
    }

    /// Whether a request carries the cookie.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let name = format!("{COOKIE}-{}", self.port);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.any(|(key, value)| key.trim() == name && same(&self.session, value.trim()))
    }
}

/// 128 bits nobody can guess, in hexadecimal.
fn secret() -> String {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system has random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that says nothing of where they differ.
fn same(ours: &str, theirs: &str) -> bool {
    ours.as_bytes().ct_eq(theirs.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header::COOKIE};

    use super::Keys;

    #[test]
    fn a_token_works_once_and_its_cookie_from_then_on() {
        let keys = Keys::new(4280, "/api");
        let token = keys.token();
        assert_eq!(keys.exchange(""), None);
        assert_eq!(keys.exchange(&token[1..]), None);
        let cookie = keys.exchange(&token).expect("it is the token");
        assert_eq!(keys.exchange(&token), None);
        assert_ne!(keys.token(), token);
        let pair = cookie.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("other=1"));
        assert!(!keys.admits(&headers));
        headers.append(COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).unwrap());
        assert!(keys.admits(&headers));
        assert!(!Keys::new(4280, "/api").admits(&headers), "another run has another secret");
    }
}
