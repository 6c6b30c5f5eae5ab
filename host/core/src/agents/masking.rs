//! Secrets in what is written down: replaced by a mark that says so. Pure.
//!
//! What a pattern does not know stays; a log is therefore its owner's alone besides.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// In place of a secret.
const MARK: &str = "[masked]";

/// What secrets look like; the part named `secret` is masked.
const PATTERNS: &[&str] = &[
    // name=value, name: value, --name value
    r#"(?i)(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|credentials?)["']?\s*(?:[=:]\s*|\s+)["']?(?P<secret>[^\s"',;]{4,})"#,
    r"(?i)\b(?:bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})",
    // user:password@host
    r"://[^\s/:@]+:(?P<secret>[^\s/@]+)@",
    r"\b(?P<secret>AKIA[0-9A-Z]{16})\b",
    r"\b(?P<secret>gh[pousr]_[A-Za-z0-9]{20,})",
    r"\b(?P<secret>github_pat_[A-Za-z0-9_]{20,})",
    r"\b(?P<secret>sk-[A-Za-z0-9_-]{16,})",
    r"\b(?P<secret>xox[abprs]-[A-Za-z0-9-]{10,})",
    // JSON Web Tokens (RFC 7519)
    r"\b(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>.*?)(?:-----END|\z)",
];

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    PATTERNS
        .iter()
        .filter_map(|it| Regex::new(it).ok())
        .collect()
});

/// `text` with what looks like a secret masked.
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for pattern in COMPILED.iter() {
        if !pattern.is_match(&text) {
            continue;
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for found in pattern.captures_iter(&text) {
            if let Some(secret) = found.name("secret") {
                out.push_str(&text[done..secret.start()]);
                out.push_str(MARK);
                done = secret.end();
            }
        }
        out.push_str(&text[done..]);
        text = Cow::Owned(out);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (text, expected) in [
            (
                "export API_KEY=abcd1234 && make",
                "export API_KEY=[masked] && make",
            ),
            (
                "{\"password\": \"hunter22\"}",
                "{\"password\": \"[masked]\"}",
            ),
            (
                "curl -H 'Authorization: Bearer abcdefgh.ijk'",
                "curl -H 'Authorization: Bearer [masked]'",
            ),
            ("postgres://ada:s3cr3t@db/x", "postgres://ada:[masked]@db/x"),
            ("key AKIAABCDEFGHIJKLMNOP used", "key [masked] used"),
            ("ghp_0123456789abcdefghij0123", "[masked]"),
            ("nothing to hide", "nothing to hide"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
