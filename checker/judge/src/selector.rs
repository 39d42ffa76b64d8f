//! Label selectors, as `kubectl -l` and the API read them.

use crate::cel::Value;

/// A parsed selector; every requirement must hold. The default matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    /// Parses `app=api,tier!=db,env in (a, b),!canary,track`.
    ///
    /// # Errors
    /// The part that is no requirement.
    pub fn parse(text: &str) -> Result<Self, String> {
        split(text)
            .into_iter()
            .map(|part| requirement(part.trim()).ok_or_else(|| part.trim().to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The selector of a Service: a map of labels that must all be there.
    pub fn from_map(labels: &Value) -> Self {
        let pairs = labels.as_map().map(|map| map.entries()).unwrap_or_default();
        Self(
            pairs
                .iter()
                .filter_map(|(key, value)| {
                    let key = key.to_value();
                    Some(Requirement::In(key.as_str()?.to_owned(), vec![value.as_str()?.to_owned()]))
                })
                .collect(),
        )
    }

    /// The selector of a workload: `matchLabels` and `matchExpressions`, all of
    /// which must hold. An operator nobody knows matches nothing.
    pub fn from_label_selector(selector: &Value) -> Self {
        let mut all = selector.field("matchLabels").map(Self::from_map).unwrap_or_default();
        let expressions = selector.field("matchExpressions").and_then(Value::as_list).unwrap_or_default();
        all.0.extend(expressions.iter().map(|expression| {
            let word = |field| expression.field(field).and_then(Value::as_str).unwrap_or_default();
            let values = expression.field("values").and_then(Value::as_list).unwrap_or_default();
            let values = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let key = word("key").to_owned();
            match word("operator") {
                "In" => Requirement::In(key, values),
                "NotIn" => Requirement::NotIn(key, values),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::Missing(key),
                _ => Requirement::In(key, Vec::new()),
            }
        }));
        all
    }

    /// Whether labels (a map, or anything else for none) meet the selector.
    pub fn matches(&self, labels: Option<&Value>) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    /// Whether nothing is required, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How labels that nearly match differ: for every requirement that does
    /// not hold, what is wanted and what is there.
    pub fn differences(&self, labels: Option<&Value>) -> Vec<String> {
        self.0
            .iter()
            .filter(|requirement| !requirement.holds(labels))
            .map(|requirement| requirement.difference(labels))
            .collect()
    }

    /// How far labels are from meeting the selector: edits in the values of
    /// wanted keys, where a missing key counts as its whole value.
    pub fn distance(&self, labels: Option<&Value>) -> usize {
        self.0.iter().filter(|requirement| !requirement.holds(labels)).map(|one| one.distance(labels)).sum()
    }
}

impl Requirement {
    fn holds(&self, labels: Option<&Value>) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.field(key)).and_then(Value::as_str);
        match self {
            Self::In(key, values) => value(key).is_some_and(|value| values.iter().any(|one| one == value)),
            Self::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|one| one != value)),
            Self::Exists(key) => value(key).is_some(),
            Self::Missing(key) => value(key).is_none(),
        }
    }

    fn distance(&self, labels: Option<&Value>) -> usize {
        match self {
            Self::In(key, values) => {
                let there =
                    labels.and_then(|labels| labels.field(key)).and_then(Value::as_str).unwrap_or_default();
                let edits = values.iter().map(|value| strsim::damerau_levenshtein(value, there));
                edits.min().unwrap_or_default() + usize::from(there.is_empty())
            }
            Self::NotIn(..) | Self::Exists(_) | Self::Missing(_) => 1,
        }
    }

    fn difference(&self, labels: Option<&Value>) -> String {
        let there = |key: &str| match labels.and_then(|labels| labels.field(key)).and_then(Value::as_str) {
            Some(value) => format!("have `{key}={value}`"),
            None => format!("have no label `{key}`"),
        };
        match self {
            Self::In(key, values) if values.len() == 1 => {
                format!("wants `{key}={}`, they {}", values[0], there(key))
            }
            Self::In(key, values) => format!("wants `{key}` in ({}), they {}", values.join(", "), there(key)),
            Self::NotIn(key, values) => {
                format!("wants `{key}` not in ({}), they {}", values.join(", "), there(key))
            }
            Self::Exists(key) => format!("wants a label `{key}`, they {}", there(key)),
            Self::Missing(key) => format!("wants no label `{key}`, they {}", there(key)),
        }
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let word = |text: &str| {
        let text = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
    };
    if let Some(key) = part.strip_prefix('!') {
        return word(key).map(Requirement::Missing);
    }
    if let Some(inner) = part.strip_suffix(')') {
        let (head, values) = inner.split_once('(')?;
        let values = values.split(',').map(word).collect::<Option<Vec<_>>>()?;
        let (key, operator) = head.trim().split_once(char::is_whitespace)?;
        return match operator.trim() {
            "in" => Some(Requirement::In(word(key)?, values)),
            "notin" => Some(Requirement::NotIn(word(key)?, values)),
            _ => None,
        };
    }
    let value = |text: &str| if text.trim().is_empty() { Some(String::new()) } else { word(text) };
    if let Some((key, text)) = part.split_once("!=") {
        return Some(Requirement::NotIn(word(key)?, vec![value(text)?]));
    }
    if let Some((key, text)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Requirement::In(word(key)?, vec![value(text)?]));
    }
    word(part).map(Requirement::Exists)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(selector: &str, labels: serde_json::Value) -> bool {
        Selector::parse(selector).unwrap().matches(Some(&Value::from_json(&labels)))
    }

    #[test]
    fn selects_as_kubectl_does() {
        let labels = json!({"app": "api", "tier": "serving"});
        for selector in [
            "app=api",
            "app==api,tier=serving",
            "app in (web, api)",
            "app!=web",
            "x!=y",
            "!x",
            "tier",
            "x notin (a)",
        ] {
            assert!(matches(selector, labels.clone()), "{selector}");
        }
        for selector in
            ["app=apii", "app=api,tier=db", "app in (web)", "app!=api", "x", "!app", "app notin (api)"]
        {
            assert!(!matches(selector, labels.clone()), "{selector}");
        }
        assert!(matches("app=", json!({"app": ""})));
    }

    #[test]
    fn workloads_select_by_labels_and_by_expressions() {
        let select = |selector: serde_json::Value, labels: serde_json::Value| {
            Selector::from_label_selector(&Value::from_json(&selector))
                .matches(Some(&Value::from_json(&labels)))
        };
        let labels = json!({"app": "api", "tier": "serving"});
        let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]});
        assert!(select(json!({"matchLabels": {"app": "api"}}), labels.clone()));
        assert!(!select(json!({"matchLabels": {"app": "api", "tier": "db"}}), labels.clone()));
        assert!(select(expression("In", &["web", "api"]), labels.clone()));
        assert!(!select(expression("NotIn", &["api"]), labels.clone()));
        assert!(select(expression("Exists", &[]), labels.clone()));
        assert!(!select(expression("DoesNotExist", &[]), labels.clone()));
        assert!(!select(expression("Near", &["api"]), labels.clone()), "an operator nobody knows");
        let both = json!({"matchLabels": {"tier": "db"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]});
        assert!(!select(both, labels), "one of two is not enough");
    }

    #[test]
    fn refuses_what_is_no_selector() {
        for selector in ["", "a b", "app in web", "app in (a", "=x", "app=a b"] {
            assert!(Selector::parse(selector).is_err(), "{selector}");
        }
    }

    #[test]
    fn says_how_labels_differ() {
        let labels = Value::from_json(&json!({"app": "api"}));
        let selector = Selector::parse("app=apii,tier=serving").unwrap();
        assert_eq!(
            selector.differences(Some(&labels)),
            ["wants `app=apii`, they have `app=api`", "wants `tier=serving`, they have no label `tier`"]
        );
    }
}
