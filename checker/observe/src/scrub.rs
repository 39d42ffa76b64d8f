//! Tokens in free text, such as logs and error messages.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Stands where a token was.
const SCRUBBED: &str = "redacted";

/// What looks like a token. A group named `keep` before it stays.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let jwt = r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*";
    let aws = r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b";
    let provider = r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,})";
    let header = r"(?P<keep1>(?i:\b(?:bearer|basic)\s+))[A-Za-z0-9._~+/=-]{8,}";
    let name =
        r"(?i:[\w.-]*(?:passwd|password|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key))";
    let value = r#"(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"',;&}\])]+)"#;
    let assigned = format!(r#"(?P<keep2>\b{name}["']?\s*[=:]\s*){value}"#);
    let userinfo = r"(?P<keep3>://[^/\s:@]*:)[^/\s@]+(?P<keep4>@)";
    let all = [jwt, aws, provider, header, &assigned, userinfo].join("|");
    Regex::new(&all).expect("the pattern is constant and tested")
});

/// The text with every token replaced.
pub(crate) fn scrub_text(text: &str) -> String {
    TOKEN
        .replace_all(text, |found: &Captures<'_>| {
            let kept = |name| found.name(name).map_or("", |group| group.as_str());
            format!("{}{}{}{SCRUBBED}{}", kept("keep1"), kept("keep2"), kept("keep3"), kept("keep4"))
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_and_their_names_stay() {
        for (text, scrubbed) in [
            ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer redacted"),
            ("got eyJhbGciOiJI.eyJzdWIiOi.c2ln end", "got redacted end"),
            ("key AKIAIOSFODNN7EXAMPLE used", "key redacted used"),
            ("DB_PASSWORD=hunter2 retrying", "DB_PASSWORD=redacted retrying"),
            ("{\"apiKey\": \"a\\\"b c\", \"n\": 1}", "{\"apiKey\": redacted, \"n\": 1}"),
            ("token='x y' ok", "token=redacted ok"),
            ("redis://:pw@redis:6379/0", "redis://:redacted@redis:6379/0"),
            ("postgres://u:p%40ss@db/x", "postgres://u:redacted@db/x"),
            ("?token=abc&x=1", "?token=redacted&x=1"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "redacted"),
        ] {
            assert_eq!(scrub_text(text), scrubbed);
        }
    }

    #[test]
    fn ordinary_lines_stay() {
        for text in [
            "GET /predict 200 in 3 ms",
            "listening on http://0.0.0.0:8080",
            "tokenizer loaded from /models/tokenizer.json",
            "no password given",
            "version=v1 digest=sha256:abcdef nonce=4f2a",
            "",
        ] {
            assert_eq!(scrub_text(text), text);
        }
    }
}
