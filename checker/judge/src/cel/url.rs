//! URLs as Go's `net/url` reads them; the WHATWG rules of browsers, which the
//! Rust libraries follow, accept and change other things.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// A parsed absolute URL or absolute path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    user: Option<String>,
    /// With brackets and port, escapes resolved.
    host: String,
    /// What follows a scheme when no slash does, as in `mailto:a@b`.
    opaque: String,
    path: Vec<u8>,
    raw_path: String,
    query: Option<String>,
    fragment: Option<String>,
}

/// Where an escape or a character stands; the rules differ.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Path,
    Host,
    Query,
    User,
}

impl Url {
    /// Whether `text` is an absolute URL or an absolute path, taking a `#` as
    /// any other character.
    pub fn is_valid(text: &str) -> bool {
        Url::read(text, true).is_some()
    }

    /// The URL that `text` is; a fragment is split off.
    pub fn parse(text: &str) -> Option<Url> {
        Url::read(text, true)?;
        let (text, fragment) = match text.split_once('#') {
            Some((text, fragment)) => (text, Some(fragment)),
            None => (text, None),
        };
        let mut url = Url::read(text, false)?;
        if let Some(fragment) = fragment {
            unescape(fragment, Place::Path)?;
            url.fragment = Some(fragment.to_owned());
        }
        Some(url)
    }

    fn read(text: &str, absolute: bool) -> Option<Url> {
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) || (text.is_empty() && absolute) {
            return None;
        }
        let (scheme, rest) = split_scheme(text)?;
        let mut url = Url {
            scheme: scheme.to_ascii_lowercase(),
            user: None,
            host: String::new(),
            opaque: String::new(),
            path: Vec::new(),
            raw_path: String::new(),
            query: None,
            fragment: None,
        };
        if text == "*" {
            url.path = b"*".to_vec();
            url.raw_path = "*".to_owned();
            return Some(url);
        }
        let (mut rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        url.query = query;
        if !rest.starts_with('/') {
            if !scheme.is_empty() {
                url.opaque = rest.to_owned();
                return Some(url);
            }
            let first = rest.split('/').next().unwrap_or_default();
            if absolute || first.contains(':') {
                return None;
            }
        }
        let authority_follows = !scheme.is_empty() || (!absolute && !rest.starts_with("///"));
        if authority_follows && let Some(after) = rest.strip_prefix("//") {
            let end = after.find('/').unwrap_or(after.len());
            url.read_authority(&after[..end])?;
            rest = &after[end..];
        }
        url.path = unescape(rest, Place::Path)?;
        url.raw_path = rest.to_owned();
        Some(url)
    }

    fn read_authority(&mut self, authority: &str) -> Option<()> {
        let host = match authority.rsplit_once('@') {
            Some((user, host)) => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
                if !user.chars().all(allowed) {
                    return None;
                }
                unescape(user, Place::User)?;
                self.user = Some(user.to_owned());
                host
            }
            None => authority,
        };
        self.host = self.read_host(host)?;
        Some(())
    }

    fn read_host(&self, host: &str) -> Option<String> {
        match host.rfind('[') {
            Some(0) => {
                let close = host.rfind(']')?;
                let (inside, port) = (&host[1..close], &host[close + 1..]);
                let address = inside.split("%25").next().unwrap_or_default();
                let is_v6 = matches!(address.parse(), Ok(IpAddr::V6(_)));
                if !is_v6 || !is_port(port) {
                    return None;
                }
                return Some(format!("[{}]{port}", inside.replace("%25", "%")));
            }
            Some(_) => return None,
            None => {}
        }
        if let Some(first) = host.find(':') {
            let strict = matches!(self.scheme.as_str(), "http" | "https");
            let colon = if strict { first } else { host.rfind(':')? };
            if !is_port(&host[colon..]) {
                return None;
            }
        }
        String::from_utf8(unescape(host, Place::Host)?).ok()
    }

    /// The scheme in lower case, or nothing.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host without the port and without brackets.
    pub fn hostname(&self) -> &str {
        let host = match self.host.rfind(':') {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[..colon],
            _ => &self.host,
        };
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port, or nothing.
    pub fn port(&self) -> &str {
        match self.host.rfind(':') {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[colon + 1..],
            _ => "",
        }
    }

    /// The path with everything escaped that has to be.
    pub fn escaped_path(&self) -> String {
        let valid = |b: u8| plain(b, Place::Path) || b"!'()*[]%".contains(&b);
        if self.raw_path.bytes().all(valid) {
            return self.raw_path.clone();
        }
        let mut out = String::new();
        for byte in &self.path {
            if plain(*byte, Place::Path) {
                out.push(char::from(*byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    }

    /// The values of the query by name. What cannot be read is left out.
    pub fn query(&self) -> BTreeMap<String, Vec<String>> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let text = |part: &str| {
            unescape(part, Place::Query).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        for pair in self.query.as_deref().unwrap_or_default().split('&') {
            if pair.is_empty() || pair.contains(';') {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (text(name), text(value)) {
                values.entry(name).or_default().push(value);
            }
        }
        values
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if !self.host.is_empty() || self.user.is_some() {
            f.write_str("//")?;
        }
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}{}", self.host, self.opaque, self.escaped_path())?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if let Some(fragment) = &self.fragment {
            write!(f, "#{fragment}")?;
        }
        Ok(())
    }
}

/// The scheme, which may be missing, and what follows its colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return None,
            ':' => return Some((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Some(("", text))
}

fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()),
        None => text.is_empty(),
    }
}

/// Whether `byte` may stand unescaped.
fn plain(byte: u8, place: Place) -> bool {
    byte.is_ascii_alphanumeric()
        || b"-_.~".contains(&byte)
        || match place {
            Place::Path => b"$&+,/:;=@".contains(&byte),
            Place::Host => b"!$&'()*+,;=:[]<>\"".contains(&byte),
            Place::Query | Place::User => false,
        }
}

/// Resolves the escapes of one part.
fn unescape(text: &str, place: Place) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let digits = text.get(at + 1..at + 3)?;
                let digit = |c: char| c.is_ascii_hexdigit();
                if !digits.chars().all(digit) {
                    return None;
                }
                let byte = u8::from_str_radix(digits, 16).ok()?;
                if place == Place::Host && byte < 0x80 && digits != "25" {
                    return None;
                }
                out.push(byte);
                at += 3;
                continue;
            }
            b'+' if place == Place::Query => out.push(b' '),
            byte if place == Place::Host && byte < 0x80 && !plain(byte, place) => return None,
            byte => out.push(byte),
        }
        at += 1;
    }
    Some(out)
}
