//! A learning platform on loopback that takes nothing but what the
//! specification of LTI's Assignment and Grade Services allows.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};

pub const KEY: &str = include_str!("test-key.pem");
pub const CLIENT: &str = "client-7";
const SCOPE: &str = "https://purl.imsglobal.org/spec/lti-ags/scope/score";

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// How an answer is given.
pub enum Reply {
    /// As the specification says.
    Strict,
    /// With this status line, these headers and this body.
    Plain(String, String, String),
    /// Not before the client has gone.
    Never,
    /// Headers in time, and a body that does not end.
    Endless(String),
    /// The connection is closed without a word.
    Hangup,
}

/// What a test wants to be answered: the request, and how many came before.
type Script = Box<dyn Fn(&Asked, usize) -> Reply + Send>;

/// What the platform holds.
#[derive(Default)]
pub struct State {
    pub asked: Vec<Asked>,
    /// Rules that were broken.
    pub faults: Vec<String>,
    /// Scores that were taken, in their order.
    pub scores: Vec<Value>,
    tokens: Vec<String>,
    ids: Vec<String>,
}

/// The platform; it stands until the test ends.
pub struct Platform {
    pub address: String,
    pub state: Arc<Mutex<State>>,
}

/// A plain answer.
pub fn plain(status: &str, body: &str) -> Reply {
    Reply::Plain(status.to_owned(), String::new(), body.to_owned())
}

impl Platform {
    /// One that keeps to the specification.
    pub fn strict() -> Self {
        Self::scripted(|_, _| Reply::Strict)
    }

    /// One that answers otherwise where it is told to.
    pub fn scripted(script: impl Fn(&Asked, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, own, script): (_, _, Script) = (Arc::clone(&state), address.clone(), Box::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &shared, &own, &script);
            }
        });
        Self { address, state }
    }

    /// The options that lead to it.
    pub fn options(&self) -> Vec<String> {
        let Self { address, .. } = self;
        let words = [
            ("--line-item", format!("{address}/items/7?type_id=1&x=%2F")),
            ("--token-url", format!("{address}/token")),
            ("--client-id", CLIENT.to_owned()),
        ];
        words.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// The scores that were taken; fails where any rule was broken.
    #[track_caller]
    pub fn scores(&self) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        assert_eq!(state.faults, Vec::<String>::new());
        state.scores.clone()
    }

    /// The first lines of all requests.
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.iter().map(|asked| asked.line.clone()).collect()
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, own: &str, script: &Script) {
    let Some(asked) = read(&stream) else { return };
    let mut state = state.lock().unwrap();
    let reply = script(&asked, state.asked.len());
    state.asked.push(asked.clone());
    let (status, headers, body) = match reply {
        Reply::Strict => {
            let answer = match asked.line.as_str() {
                "POST /token HTTP/1.1" => token(&mut state, &asked, &format!("{own}/token")),
                "POST /items/7/scores?type_id=1&x=%2F HTTP/1.1" => score(&mut state, &asked),
                other => Err(format!("nothing is at `{other}`")),
            };
            match answer {
                Ok(body) => ("200 OK".to_owned(), String::new(), body),
                Err(why) => {
                    state.faults.push(why.clone());
                    ("400 Bad Request".to_owned(), String::new(), why)
                }
            }
        }
        Reply::Plain(status, headers, body) => (status, headers, body),
        Reply::Hangup => return,
        Reply::Never => {
            let _ = stream.read(&mut [0; 16]);
            return;
        }
        Reply::Endless(status) => {
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 100000000\r\n\r\n");
            while stream.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
            return;
        }
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        assert!(headers.insert(name.to_lowercase(), value.to_owned()).is_none(), "{name} twice");
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).ok()? })
}

/// `Ok` if it holds, or else what was broken.
fn must(holds: bool, rule: &str, found: &dyn std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{rule}; found {found:?}")) }
}

fn token(state: &mut State, asked: &Asked, audience: &str) -> Result<String, String> {
    let kind = &asked.headers["content-type"];
    must(kind == "application/x-www-form-urlencoded", "a form", kind)?;
    let form: BTreeMap<_, _> = asked.body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let expected = BTreeMap::from([
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn%3Aietf%3Aparams%3Aoauth%3Aclient%2Dassertion%2Dtype%3Ajwt%2Dbearer"),
        ("client_assertion", form.get("client_assertion").copied().unwrap_or_default()),
        ("scope", "https%3A%2F%2Fpurl%2Eimsglobal%2Eorg%2Fspec%2Flti%2Dags%2Fscope%2Fscore"),
    ]);
    must(form == expected, "the four fields of the grant", &form)?;
    let parts: Vec<_> = form["client_assertion"].split('.').collect();
    must(parts.len() == 3, "a compact JWT", &parts)?;
    let decoded = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).map_err(|error| error.to_string());
    let parsed =
        |at: usize| serde_json::from_slice::<Value>(&decoded(at)?).map_err(|error| error.to_string());
    must(parsed(0)? == json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}), "the header", &parsed(0))?;
    let signed = format!("{}.{}", parts[0], parts[1]);
    let verified = public_key().verify(signed.as_bytes(), &decoded(2)?);
    must(verified.is_ok(), "the signature", &verified)?;
    let claims = parsed(1)?;
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    must(names == ["iss", "sub", "aud", "iat", "exp", "jti"], "six claims", &names)?;
    must(claims["iss"] == CLIENT && claims["sub"] == CLIENT, "of the client", &claims)?;
    must(claims["aud"] == audience, "for this platform", &claims)?;
    let (iat, exp) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    let (iat, exp) = (iat.ok_or("iat is no integer")?, exp.ok_or("exp is no integer")?);
    let age = Timestamp::now().as_second() - iat;
    must((0..30).contains(&age) && (1..=300).contains(&(exp - iat)), "a short life", &claims)?;
    let id = claims["jti"].as_str().ok_or("jti is no text")?.to_owned();
    must(id.len() >= 16 && !state.ids.contains(&id), "an id of its own", &id)?;
    state.ids.push(id);
    let token = format!("secret-token-{}", state.ids.len());
    state.tokens.push(token.clone());
    Ok(json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": SCOPE}).to_string())
}

fn public_key() -> UnparsedPublicKey<Vec<u8>> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref().to_vec())
}

fn score(state: &mut State, asked: &Asked) -> Result<String, String> {
    let token = asked.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    must(token.is_some_and(|token| state.tokens.iter().any(|known| known == token)), "a token", &token)?;
    let kind = &asked.headers["content-type"];
    must(kind == "application/vnd.ims.lis.v1.score+json", "the media type", kind)?;
    let score: Value = serde_json::from_str(&asked.body).map_err(|error| error.to_string())?;
    let known = [
        "userId",
        "timestamp",
        "activityProgress",
        "gradingProgress",
        "scoreGiven",
        "scoreMaximum",
        "comment",
        "submission",
    ];
    let foreign = score.as_object().ok_or("no object")?.keys().find(|key| !known.contains(&key.as_str()));
    must(foreign.is_none(), "no other field", &foreign)?;
    let user = score["userId"].as_str().ok_or("userId is no text")?;
    let time = moment(&score["timestamp"])?;
    let newer = |other: &Value| other["userId"] != user || moment(&other["timestamp"]).unwrap() < time;
    must(state.scores.iter().all(newer), "a newer time than any before", &score)?;
    let activity = ["Initialized", "Started", "InProgress", "Submitted", "Completed"];
    must(activity.iter().any(|word| score["activityProgress"] == *word), "activityProgress", &score)?;
    let grading = ["FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"];
    must(grading.iter().any(|word| score["gradingProgress"] == *word), "gradingProgress", &score)?;
    let number = |name: &str| score[name].as_f64().ok_or(format!("{name} is no number"));
    must(number("scoreGiven")? >= 0.0 && number("scoreMaximum")? > 0.0, "points", &score)?;
    must(score.get("comment").is_none_or(Value::is_string), "a comment of text", &score)?;
    if let Some(submission) = score.get("submission") {
        let names: Vec<_> = submission.as_object().ok_or("submission is no object")?.keys().collect();
        must(names == ["submittedAt"], "when it was handed in", &names)?;
        moment(&submission["submittedAt"])?;
    }
    state.scores.push(score);
    Ok(json!({"resultUrl": "https://platform.example/results/1"}).to_string())
}

/// ISO 8601, with a zone and a part of a second.
fn moment(value: &Value) -> Result<Timestamp, String> {
    let text = value.as_str().ok_or("a time is no text")?;
    must(text.ends_with('Z') && text.contains('.'), "a time with a part of a second", &text)?;
    text.parse().map_err(|error: jiff::Error| error.to_string())
}
