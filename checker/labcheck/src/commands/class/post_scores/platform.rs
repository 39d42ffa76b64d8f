//! A learning platform, as LTI's Assignment and Grade Services have it: a token
//! for an assertion, and scores for the token.

use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request, StatusCode, Uri, header, request::Builder, uri::PathAndQuery};
use jiff::Timestamp;
use lab_bulk::{outputs::lti::Score, posting::Record};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{
    assertion::{Key, Parties},
    wire::{Answer, Body, Wire},
};

/// What we ask to be let do.
const SCOPE: &str = "https://purl.imsglobal.org/spec/lti-ags/scope/score";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How a score is written.
const SCORE: &str = "application/vnd.ims.lis.v1.score+json";
const AGENT: &str = concat!("labcheck/", env!("CARGO_PKG_VERSION"));
/// How often a request is made that a platform was too busy for. A score that
/// is sent again is the same one with a newer time, so nothing is counted twice.
const TRIES: u32 = 3;
/// The wait before the second try; before the third it is twice as long.
const WAIT: Duration = Duration::from_millis(500);
/// The longest wait a platform can ask for.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How long a token is used that does not say how long it is good for.
const TOKEN: Duration = Duration::from_secs(300);
/// So long before its end a token is used no more.
const SPARE: Duration = Duration::from_secs(30);

/// A platform that scores are posted to.
pub struct Platform<'a> {
    wire: Wire,
    key: Key,
    parties: Parties<'a>,
    token_url: &'a Uri,
    scores_url: Uri,
    token: Option<Token>,
}

/// What a platform lets us in with.
struct Token {
    value: String,
    until: Instant,
}

/// What came of a score.
pub enum Outcome {
    /// The platform has it.
    Posted,
    /// The platform will not have this one.
    Refused(String),
    /// Nobody knows whether it has it.
    Lost(String),
}

/// What may be done about an answer.
enum Trouble {
    /// To ask again, after as long as it says.
    Busy(String, Option<Duration>),
    /// Nothing, for this score.
    Refused(String),
    /// Nothing, for any score.
    Hopeless(String),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
    scope: Option<String>,
}

impl<'a> Platform<'a> {
    /// The platform with these addresses.
    pub fn new(wire: Wire, key: Key, parties: Parties<'a>, token_url: &'a Uri, scores_url: Uri) -> Self {
        Self { wire, key, parties, token_url, scores_url, token: None }
    }

    /// Posts a score.
    ///
    /// # Errors
    /// Why no score at all can be posted.
    pub async fn post(&mut self, score: &Score, record: &mut Record) -> Result<Outcome, String> {
        let (mut tries, mut renewed) = (0, false);
        loop {
            let token = self.token().await?;
            let at = record.posted.time(score, Timestamp::now());
            record.sending(score, at)?;
            let answer = self.wire.send(scores_request(&self.scores_url, &token, &score.at(at))?).await;
            if answer.as_ref().is_ok_and(|answer| answer.status.is_success()) {
                record.arrived(score, at)?;
                return Ok(Outcome::Posted);
            }
            // A token may end before its time.
            if answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED) && !renewed {
                (self.token, renewed) = (None, true);
                continue;
            }
            match trouble(answer, &token) {
                Trouble::Refused(why) => return Ok(Outcome::Refused(why)),
                Trouble::Hopeless(why) => return Err(format!("the platform {why}")),
                Trouble::Busy(why, wait) => {
                    tries += 1;
                    if !waited(tries, wait).await {
                        return Ok(Outcome::Lost(why));
                    }
                }
            }
        }
    }

    /// The token that is good now.
    async fn token(&mut self) -> Result<String, String> {
        if let Some(token) = self.token.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.value.clone());
        }
        let mut tries = 0;
        loop {
            let (header, claims) = self.parties.assertion(Timestamp::now());
            let assertion = self.key.sign(&header, &claims)?;
            let answer = self.wire.send(token_request(self.token_url, &assertion)?).await;
            if let Ok(Answer { status: StatusCode::OK, body, .. }) = &answer {
                let token = granted(body).map_err(|why| format!("the platform's token {why}"))?;
                return Ok(self.token.insert(token).value.clone());
            }
            match trouble(answer, &assertion) {
                Trouble::Refused(why) | Trouble::Hopeless(why) => {
                    return Err(format!("the platform gives no token: it {why}"));
                }
                Trouble::Busy(why, wait) => {
                    tries += 1;
                    if !waited(tries, wait).await {
                        return Err(format!("the platform gives no token: it {why}"));
                    }
                }
            }
        }
    }
}

/// Waits before the next try, if there is to be one.
async fn waited(tries: u32, asked: Option<Duration>) -> bool {
    let wait = asked.unwrap_or(WAIT * tries);
    if tries >= TRIES || wait > MAX_WAIT {
        return false;
    }
    tokio::time::sleep(wait).await;
    true
}

fn trouble(answer: Result<Answer, String>, secret: &str) -> Trouble {
    let answer = match answer {
        Err(why) => return Trouble::Busy(why, None),
        Ok(answer) => answer,
    };
    let says = answer.says(secret);
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Trouble::Busy(says, answer.retry_after()),
        // About us, not about a score.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::Hopeless(says),
        status if status.is_redirection() => Trouble::Hopeless(says),
        _ => Trouble::Refused(says),
    }
}

/// The token in an answer.
fn granted(body: &Body) -> Result<Token, String> {
    let Body::Whole(bytes) = body else { return Err("is longer than any token, or does not end".to_owned()) };
    let granted: Granted = serde_json::from_slice(bytes)
        .map_err(|_| "is none: expected JSON with `access_token` and `token_type`".to_owned())?;
    let Granted { access_token, token_type, expires_in, scope } = granted;
    if !token_type.eq_ignore_ascii_case("bearer") {
        return Err(format!("is of type `{}`, expected `bearer`", token_type.escape_debug()));
    }
    if access_token.is_empty() || bearer(&access_token).is_err() {
        return Err("cannot stand in a header".to_owned());
    }
    if let Some(scope) = scope.filter(|scope| !scope.split(' ').any(|word| word == SCOPE)) {
        return Err(format!("is for `{}`, expected `{SCOPE}`", scope.escape_debug()));
    }
    let good = expires_in.map_or(TOKEN, Duration::from_secs).min(Duration::from_secs(86_400));
    Ok(Token { value: access_token, until: Instant::now() + good.saturating_sub(SPARE) })
}

fn bearer(token: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    Ok(value)
}

fn begun(uri: &Uri) -> Builder {
    Request::builder().method(Method::POST).uri(uri).header(header::USER_AGENT, AGENT)
}

/// The request for a token.
///
/// # Errors
/// None that is known of: both parts were checked before.
pub fn token_request(uri: &Uri, assertion: &str) -> Result<Request<String>, String> {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let body = format!(
        "grant_type=client_credentials&client_assertion_type={}&client_assertion={assertion}&scope={}",
        encoded(ASSERTION_TYPE),
        encoded(SCOPE)
    );
    let request = begun(uri)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    request.body(body).map_err(|error| error.to_string())
}

/// The request that posts a score.
///
/// # Errors
/// None that is known of: all parts were checked before.
pub fn scores_request(uri: &Uri, token: &str, score: &Score) -> Result<Request<String>, String> {
    let body = serde_json::to_string(score).map_err(|error| error.to_string())?;
    let request =
        begun(uri).header(header::AUTHORIZATION, bearer(token)?).header(header::CONTENT_TYPE, SCORE);
    request.body(body).map_err(|error| error.to_string())
}

/// Where scores of a line item are posted: `/scores` goes before the query.
///
/// # Errors
/// An address that `/scores` makes none.
pub fn scores(line_item: &Uri) -> Result<Uri, String> {
    let path = line_item.path().trim_end_matches('/');
    let query = line_item.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = line_item.clone().into_parts();
    let path = PathAndQuery::try_from(format!("{path}/scores{query}")).map_err(|error| error.to_string())?;
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_posted_beside_the_line_item() {
        for (line_item, expected) in [
            ("https://h/a/lineitems/7", "https://h/a/lineitems/7/scores"),
            ("https://h/lineitem?type_id=1&b=%2F", "https://h/lineitem/scores?type_id=1&b=%2F"),
            ("https://h:8443/7/", "https://h:8443/7/scores"),
            ("https://h", "https://h/scores"),
        ] {
            assert_eq!(scores(&line_item.parse().unwrap()).unwrap().to_string(), expected);
        }
    }
}
