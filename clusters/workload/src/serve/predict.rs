//! `/predict`: from bytes to a prediction.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::answer::Answer;
use super::label::Label;
use super::state::State;
use crate::log::POD;
use crate::model::{FEATURES, SAMPLE};
use crate::{proof, units};

/// Longest delay that a request may ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Largest plausible feature in centimetres.
const LARGEST_FEATURE: f32 = 100.0;

/// What one request asks.
#[derive(Debug, PartialEq)]
pub struct Query {
    features: [f32; FEATURES],
    nonce: String,
    delay: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    features: Vec<f32>,
    nonce: Option<String>,
}

impl Query {
    /// From the query string of a GET: `features=1,2,3,4`, `nonce=`, and
    /// `delay=8s`, which makes this one request slow.
    pub fn from_url(query: &str) -> Result<Self, String> {
        let mut parsed = Self { features: SAMPLE, nonce: String::new(), delay: Duration::ZERO };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "features" => parsed.features = features(&numbers(value)?)?,
                "nonce" => parsed.nonce = units::nonce(value)?,
                "delay" => {
                    parsed.delay = units::duration(value)
                        .ok()
                        .filter(|delay| *delay <= LONGEST_DELAY)
                        .ok_or("`delay`: expected a duration of at most 60s, such as `8s`")?;
                }
                _ => {
                    return Err(format!(
                        "unknown parameter `{}`; known are `features`, `nonce`, `delay`",
                        name.escape_default().take(40).collect::<String>()
                    ));
                }
            }
        }
        Ok(parsed)
    }

    /// From a POST: the body's `features` and `nonce`; the URL may carry
    /// `nonce` and `delay` as for GET, the body's nonce wins.
    pub fn from_body(query: &str, body: &[u8]) -> Result<Self, String> {
        let body: Body = serde_json::from_slice(body).map_err(|why| {
            format!("body: {why}; expected {{\"features\":[5.1,3.5,1.4,0.2],\"nonce\":\"optional\"}}")
        })?;
        let mut parsed = Self::from_url(query)?;
        parsed.features = features(&body.features)?;
        if let Some(nonce) = body.nonce {
            parsed.nonce = units::nonce(&nonce)?;
        }
        Ok(parsed)
    }
}

fn numbers(text: &str) -> Result<Vec<f32>, String> {
    text.replace("%2C", ",")
        .replace("%2c", ",")
        .split(',')
        .map(|number| number.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| format!("`features`: expected {FEATURES} numbers separated by commas"))
}

fn features(numbers: &[f32]) -> Result<[f32; FEATURES], String> {
    let features: [f32; FEATURES] = numbers.try_into().map_err(|_| {
        format!(
            "`features`: expected {FEATURES} numbers (sepal length and width, petal length and \
             width in cm), found {}",
            numbers.len()
        )
    })?;
    // The range also excludes NaN.
    if features.iter().all(|cm| (0.0..=LARGEST_FEATURE).contains(cm)) {
        Ok(features)
    } else {
        Err(format!("`features`: expected numbers between 0 and {LARGEST_FEATURE} (cm)"))
    }
}

/// Predicts, or says why not.
pub async fn answer(state: &State, query: Query) -> Answer {
    let nonce = query.nonce.clone();
    tokio::time::sleep(state.faults.latency + query.delay).await;
    predict(state, &query).with_nonce(nonce)
}

fn predict(state: &State, query: &Query) -> Answer {
    let Some(model) = state.model() else {
        return Answer::error(StatusCode::SERVICE_UNAVAILABLE, "the model is still loading");
    };
    if let Some(defect) = model.defect() {
        return Answer::error(StatusCode::INTERNAL_SERVER_ERROR, defect);
    }
    if fastrand::f64() < state.faults.error_rate {
        return Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "injected by `--error-rate`");
    }
    let (label, class) = match model.predict(&query.features) {
        Ok(prediction) => prediction,
        Err(why) => {
            return Answer::error(StatusCode::INTERNAL_SERVER_ERROR, format!("prediction: {why:#}"));
        }
    };
    let version = state.label.as_ref().map_or_else(|| model.version().name().to_owned(), Label::now);
    let mut body = json!({
        "class": class,
        "label": label,
        "version": version,
        "digest": model.digest(),
        "pod": *POD,
        "nonce": query.nonce,
        "proof": proof::of(&query.nonce, class, model.digest()),
        "requests": state.count_prediction(),
    });
    if let Some(node) = &state.node {
        body["node"] = json!(node);
    }
    Answer::ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_mean_the_same() {
        let url = Query::from_url("features=6.3,3.3,6.0,2.5&nonce=n1").expect("a query");
        let body = br#"{"features":[6.3,3.3,6.0,2.5],"nonce":"n1"}"#;
        assert_eq!(url, Query::from_body("", body).expect("a query"));
        assert_eq!(url, Query::from_body("nonce=other", body).expect("a query"));
        assert_eq!(Query::from_url("").expect("a query").features, SAMPLE);
    }

    #[test]
    fn wrong_shapes_are_named() {
        for (body, part) in [
            (&b"{}"[..], "missing field `features`"),
            (br#"{"features":[1,2,3]}"#, "found 3"),
            (br#"{"features":[1,2,3,"x"]}"#, "invalid type"),
            (br#"{"features":[1,2,3,1e9]}"#, "between 0 and 100"),
            (br#"{"features":[1,2,3,4],"nonce":"a b"}"#, "nonce"),
            (br#"{"features":[1,2,3,4],"noonce":"a"}"#, "unknown field `noonce`"),
            (b"[[[[", "body"),
        ] {
            let why = Query::from_body("", body).expect_err("a wrong shape");
            assert!(why.contains(part), "{why}");
        }
        for query in ["features=1,2,NaN,4", "features=", "delay=2m", "nonce=%0a", "x=1"] {
            assert!(Query::from_url(query).is_err(), "{query}");
        }
    }
}
