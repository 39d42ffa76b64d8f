//! Who we are to a platform: a JWT that the tool's private key signs.
//!
//! rustls signs, which is linked in any case; it does so with ring.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    sign::SigningKey,
};
use serde::Serialize;

use crate::failure::Failure;

/// The private key itself, where no file is named.
pub const VARIABLE: &str = "LABCHECK_LTI_KEY";
/// How long an assertion is good for: it is used at once.
const SECONDS: i64 = 120;
/// Largest file of a key.
const MAX_KEY: u64 = 64 << 10;

/// A tool's private key.
pub struct Key(Arc<dyn SigningKey>);

/// What the signature covers, before it is encoded.
#[derive(Debug, Serialize)]
pub struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// What is claimed.
#[derive(Debug, Serialize)]
pub struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Whom an assertion is of and for.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// The tool, as the platform calls it.
    pub client: &'a str,
    /// Who takes the assertion.
    pub audience: &'a str,
    /// Which of the tool's keys has signed.
    pub key_id: Option<&'a str>,
}

impl<'a> Parties<'a> {
    /// What an assertion of this moment says.
    pub fn assertion(&self, now: Timestamp) -> (Header<'a>, Claims<'a>) {
        let iat = now.as_second();
        let jti = uuid::Uuid::new_v4().to_string();
        let claims =
            Claims { iss: self.client, sub: self.client, aud: self.audience, iat, exp: iat + SECONDS, jti };
        (Header { alg: "RS256", typ: "JWT", kid: self.key_id }, claims)
    }
}

impl Key {
    /// Reads the key from a file, or else from the environment. No error says
    /// anything of what was read.
    ///
    /// # Errors
    /// No key, or one that is no RSA key in PEM.
    pub fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let (place, pem) = match file {
            Some(path) => {
                let place = format!("`{}`", path.display());
                let cannot = |why: String| Failure::usage(format!("cannot read {place}: {why}"));
                let length = fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
                if length > MAX_KEY {
                    return Err(cannot(format!("it has more than {} KiB", MAX_KEY >> 10)));
                }
                let pem = fs::read(path).map_err(|error| cannot(error.to_string()))?;
                (place, pem)
            }
            None => {
                let pem = std::env::var(VARIABLE).map_err(|_| {
                    Failure::usage("no private key")
                        .next(format!("name its file with `--key`, or put the key itself into `{VARIABLE}`"))
                })?;
                (format!("`{VARIABLE}`"), pem.into_bytes())
            }
        };
        let next = "make one with `openssl genrsa -out key.pem 2048`, and give the platform its public half";
        let none = |what: &str| Failure::usage(format!("{place} holds {what}")).next(next);
        let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| none("no private key in PEM"))?;
        let key = any_supported_type(&der).map_err(|_| none("a private key that cannot be used"))?;
        if key.algorithm() != SignatureAlgorithm::RSA {
            return Err(none("a private key that is not RSA; LTI signs with RS256"));
        }
        Ok(Self(key))
    }

    /// The assertion as it is sent.
    ///
    /// # Errors
    /// A key that does not sign.
    pub fn sign(&self, header: &Header<'_>, claims: &Claims<'_>) -> Result<String, String> {
        let part = |json: serde_json::Result<Vec<u8>>| {
            json.map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|error| error.to_string())
        };
        let text = format!("{}.{}", part(serde_json::to_vec(header))?, part(serde_json::to_vec(claims))?);
        let signer = self.0.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]);
        let signer = signer.ok_or("the private key does not sign with RS256")?;
        let signature = signer
            .sign(text.as_bytes())
            .map_err(|error| format!("the private key does not sign: {error}"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
