//! The optional `<name>.toml` beside a component: whether it is asked, when,
//! with which limits and which configuration.
//!
//! ```toml
//! enabled = true              # false: the policy is not asked
//! order = 10                  # smaller is asked first; of equal tiers the first one's verdict counts
//! sha256 = "…"                # the only component that may be loaded
//! must-refuse = ["rm -rf ~"]  # a version that does not call these dangerous is rejected
//! mode = "shadow"             # asked and recorded, but not obeyed; without it, "ruling"
//! instances = "reused"        # ask the same instance again; without it, "fresh" ones
//!
//! [limits]
//! deadline-ms = 50
//! memory-bytes = 16777216
//!
//! [grants]                    # what it may see of this machine; nothing for approvers
//! read = ["/etc/rota"]        # folders, read-only
//! clock = true                # the real time, from WASI
//! environment = ["LANG"]
//!
//! [config]                    # handed to `configure` as a JSON object
//! allow = ["git status"]
//! ```
//!
//! What the host does not know is an error: a misspelt limit must not mean none.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Grants, Limits};

/// Whether an approver is obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyMode {
    /// Its verdicts count.
    #[default]
    Ruling,
    /// It is asked everything and its verdicts are recorded, but never obeyed.
    Shadow,
}

/// Which instances of a component are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instances {
    /// A fresh one for each call, so that no answer depends on those before it.
    /// (A progress parser has one for each session that it follows, always.)
    #[default]
    Fresh,
    /// The same again, until a call fails: cheaper, and the policy has to see to
    /// it that nothing is left of the call before.
    Reused,
}

/// A sidecar, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sidecar {
    pub(crate) enabled: bool,
    pub(crate) order: i32,
    /// In lower-case hexadecimal.
    pub(crate) pinned_sha256: Option<String>,
    pub(crate) must_refuse: Vec<String>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) mode: PolicyMode,
    pub(crate) instances: Instances,
    pub(crate) grants: Grants,
    /// What `configure` is handed: a JSON object, keys sorted.
    pub(crate) config: String,
}

/// Why a sidecar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SidecarError {
    #[error("{0}")]
    File(String),
    #[error("it has {size} bytes, and {limit} is the limit")]
    TooLarge { size: u64, limit: u64 },
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("{0}")]
    Toml(String),
    #[error("`sha256` has to be 64 hexadecimal digits")]
    Digest,
    #[error("`limits.deadline-ms` has to lie between 1 and {}", Limits::MAX_DEADLINE.as_millis())]
    Deadline,
    #[error(
        "`limits.memory-bytes` has to lie between 65536 and {}",
        Limits::MAX_MEMORY_BYTES
    )]
    Memory,
    #[error("`limits` has both `memory-bytes` and `memory-mib`; leave one of them out")]
    MemoryTwice,
    #[error("`must-refuse` may hold at most {MAX_MUST_REFUSE} commands")]
    MustRefuse,
    #[error("`grants.read` has to hold absolute paths, at most {max}; `{}` is none", .0.display(), max = Grants::MAX_EACH)]
    Folder(PathBuf),
    #[error(
        "`grants.environment` has to hold names of variables, at most {max}; `{0}` is none",
        max = Grants::MAX_EACH
    )]
    Variable(String),
    #[error("`config.{key}` is {value}, which JSON cannot say")]
    NotJson { key: String, value: String },
}

/// How large a sidecar may be, in bytes.
pub(crate) const MAX_SIDECAR_BYTES: u64 = 256 << 10;
const MAX_MUST_REFUSE: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    order: i32,
    sha256: Option<String>,
    #[serde(default)]
    must_refuse: Vec<String>,
    #[serde(default)]
    mode: PolicyMode,
    #[serde(default)]
    instances: Instances,
    #[serde(default)]
    limits: WrittenLimits,
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    config: toml::Table,
}

#[derive(Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table `[limits]`"
)]
struct WrittenLimits {
    #[serde(alias = "deadline_ms")]
    deadline_ms: Option<u64>,
    memory_bytes: Option<u64>,
    /// As the host's configuration says it.
    #[serde(alias = "memory_mib")]
    memory_mib: Option<u64>,
}

fn yes() -> bool {
    true
}

impl Default for Sidecar {
    fn default() -> Self {
        Sidecar {
            enabled: true,
            order: 0,
            pinned_sha256: None,
            must_refuse: Vec::new(),
            deadline: None,
            memory_bytes: None,
            mode: PolicyMode::default(),
            instances: Instances::default(),
            grants: Grants::default(),
            config: String::from("{}"),
        }
    }
}

impl Sidecar {
    /// Reads a sidecar.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Sidecar, SidecarError> {
        let text = std::str::from_utf8(bytes).map_err(|_| SidecarError::NotUtf8)?;
        let written: Written = toml::from_str(text)
            .map_err(|error| SidecarError::Toml(in_words(error.to_string().trim_end())))?;

        let pinned_sha256 = written.sha256.map(|digest| digest.to_ascii_lowercase());
        if let Some(digest) = &pinned_sha256
            && (digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(SidecarError::Digest);
        }
        let deadline = written.limits.deadline_ms.map(Duration::from_millis);
        if deadline.is_some_and(|deadline| deadline.is_zero() || deadline > Limits::MAX_DEADLINE) {
            return Err(SidecarError::Deadline);
        }
        let memory_bytes = match (written.limits.memory_bytes, written.limits.memory_mib) {
            (Some(_), Some(_)) => return Err(SidecarError::MemoryTwice),
            (bytes, mib) => bytes.or(mib.map(|mib| mib.saturating_mul(1 << 20))),
        };
        if memory_bytes.is_some_and(|bytes| !(65536..=Limits::MAX_MEMORY_BYTES).contains(&bytes)) {
            return Err(SidecarError::Memory);
        }
        if written.must_refuse.len() > MAX_MUST_REFUSE {
            return Err(SidecarError::MustRefuse);
        }
        Ok(Sidecar {
            enabled: written.enabled,
            order: written.order,
            pinned_sha256,
            must_refuse: written.must_refuse,
            deadline,
            memory_bytes,
            mode: written.mode,
            instances: written.instances,
            grants: checked(written.grants)?,
            config: json_of_table(&written.config, "")?.to_string(),
        })
    }

    /// `limits` with what the sidecar says in their place.
    pub(crate) fn limits(&self, limits: Limits) -> Limits {
        Limits {
            deadline: self.deadline.unwrap_or(limits.deadline),
            memory_bytes: self.memory_bytes.unwrap_or(limits.memory_bytes),
            ..limits
        }
    }
}

/// The parser's message without the names that Rust has for things.
fn in_words(message: &str) -> String {
    [
        ("expected i32", "expected a whole number"),
        ("expected u64", "expected a whole number, not below zero"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a table"),
    ]
    .iter()
    .fold(message.to_owned(), |text, (rust, words)| {
        text.replace(rust, words)
    })
}

fn checked(grants: Grants) -> Result<Grants, SidecarError> {
    let folders = grants.read.iter().enumerate();
    if let Some((_, folder)) = folders
        .into_iter()
        .find(|(at, folder)| *at >= Grants::MAX_EACH || !folder.is_absolute())
    {
        return Err(SidecarError::Folder(folder.clone()));
    }
    let mut variables = grants.environment.iter().enumerate();
    if let Some((_, name)) = variables
        .find(|(at, name)| *at >= Grants::MAX_EACH || name.is_empty() || name.contains(['=', '\0']))
    {
        return Err(SidecarError::Variable(name.clone()));
    }
    Ok(grants)
}

fn json_of_table(table: &toml::Table, path: &str) -> Result<serde_json::Value, SidecarError> {
    table
        .iter()
        .map(|(key, value)| {
            let path = match path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            Ok((key.clone(), json_of(value, &path)?))
        })
        .collect()
}

/// TOML as JSON: dates become their text.
fn json_of(value: &toml::Value, path: &str) -> Result<serde_json::Value, SidecarError> {
    Ok(match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(*number)
            .ok_or_else(|| SidecarError::NotJson {
                key: path.to_owned(),
                value: number.to_string(),
            })?
            .into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| json_of(item, path))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        toml::Value::Table(table) => json_of_table(table, path)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Sidecar, SidecarError> {
        Sidecar::parse(text.as_bytes())
    }

    #[test]
    fn an_empty_sidecar_changes_nothing() {
        assert_eq!(parse(""), Ok(Sidecar::default()));
    }

    #[test]
    fn everything_that_can_be_said_is_read() {
        let sidecar = parse(
            r#"
            enabled = false
            order = -3
            sha256 = "ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD"
            must-refuse = ["rm -rf ~"]
            mode = "shadow"
            instances = "reused"
            [limits]
            deadline-ms = 20
            memory-bytes = 1048576
            [grants]
            read = ["/etc/rota"]
            clock = true
            environment = ["LANG"]
            [config]
            since = 2026-01-02
            nested = { b = [1, 2.5], a = "x" }
            "#,
        )
        .unwrap();
        assert!(!sidecar.enabled);
        assert_eq!(sidecar.order, -3);
        assert_eq!(sidecar.pinned_sha256.unwrap(), "abcdef".repeat(11)[..64]);
        assert_eq!(sidecar.must_refuse, ["rm -rf ~"]);
        assert_eq!(sidecar.deadline, Some(Duration::from_millis(20)));
        assert_eq!(sidecar.memory_bytes, Some(1 << 20));
        assert_eq!(sidecar.mode, PolicyMode::Shadow);
        assert_eq!(sidecar.instances, Instances::Reused);
        let grants = Grants {
            read: vec![PathBuf::from("/etc/rota")],
            clock: true,
            environment: vec![String::from("LANG")],
        };
        assert_eq!(sidecar.grants, grants);
        assert_eq!(
            sidecar.config,
            r#"{"nested":{"a":"x","b":[1,2.5]},"since":"2026-01-02"}"#
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_never_a_default() {
        for (text, expected) in [
            ("enable = true", "enable"),
            ("[limits]\nmemory = \"16 MiB\"", "memory"),
            ("[limits]\ndeadline-ms = 0", "deadline-ms"),
            ("[limits]\ndeadline-ms = 60000", "5000"),
            ("[limits]\nmemory-bytes = 1", "memory-bytes"),
            ("[limits]\nmemory-bytes = \"16M\"", "memory-bytes"),
            ("sha256 = \"abc\"", "64 hexadecimal"),
            ("[config]\nx = { y = nan }", "config.x.y"),
            ("order = ", "order"),
            ("mode = \"silent\"", "silent"),
            ("instances = 3", "instances"),
            ("[grants]\nnetwork = true", "network"),
            ("[grants]\nread = [\"etc\"]", "`etc` is none"),
            ("[grants]\nenvironment = [\"A=B\"]", "`A=B` is none"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?} → {error}");
        }
        assert_eq!(Sidecar::parse(b"\xff"), Err(SidecarError::NotUtf8));
    }

    #[test]
    fn messages_are_in_words() {
        for (text, expected) in [
            ("limits = 3", "expected a table `[limits]`"),
            ("order = \"first\"", "expected a whole number"),
            (
                "[limits]\ndeadline-ms = \"a\"",
                "expected a whole number, not below zero",
            ),
            ("grants = 3", "expected a table `[grants]`"),
            (
                "[limits]\nmemory-mib = 1\nmemory-bytes = 65536",
                "leave one of them out",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?} → {error}");
        }
    }

    #[test]
    fn limits_may_be_spelt_as_in_the_configuration() {
        let sidecar = parse("[limits]\ndeadline_ms = 20\nmemory_mib = 2").unwrap();
        assert_eq!(sidecar.deadline, Some(Duration::from_millis(20)));
        assert_eq!(sidecar.memory_bytes, Some(2 << 20));
    }

    /// What the documentation says of sidecars.
    const DOCUMENTATION: &str = include_str!("../../../../docs/sidecar.md");

    #[test]
    fn the_documentation_names_every_key_and_no_other() {
        for (wrong, table) in [
            ("there-is-no-such-key = 1", ""),
            ("[limits]\nthere-is-no-such-key = 1", "limits."),
            ("[grants]\nthere-is-no-such-key = 1", "grants."),
        ] {
            let told = parse(wrong).unwrap_err().to_string();
            let (_, keys) = told.split_once("expected one of ").expect("the keys");
            for key in keys.split('`').skip(1).step_by(2) {
                // The spelling of the configuration is told in a sentence.
                let documented = DOCUMENTATION.contains(&format!("| `{table}{key}` |"));
                assert!(
                    documented || key.contains('_'),
                    "{table}{key} is not documented"
                );
            }
        }
        let documented = DOCUMENTATION
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(key, _)| key);
        for key in documented {
            let wrong = match key.split_once('.') {
                Some((table, key)) => format!("[{table}]\n{key} = {{}}"),
                // No key is a list of dates.
                None => format!("{key} = [1979-05-27]"),
            };
            let told = parse(&wrong).expect_err(key).to_string();
            let (_, key) = key.split_once('.').unwrap_or(("", key));
            let unknown = format!("unknown field `{key}`");
            assert!(!told.contains(&unknown), "{told}");
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let (_, example) = DOCUMENTATION.split_once("```toml\n").expect("an example");
        let (example, _) = example.split_once("```").expect("its end");
        let sidecar = parse(example).unwrap();
        assert_eq!(sidecar.order, 10);
        assert_eq!(sidecar.config, r#"{"allow":["git status"]}"#);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
