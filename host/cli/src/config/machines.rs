//! The section `[nats]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use quarterdeck_nats::NatsSettings;
use serde::Deserialize;

/// The way to other machines.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nats {
    /// Empty for none.
    pub url: String,
    credentials: PathBuf,
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    replicas: usize,
    silence_seconds: u64,
}

impl Nats {
    /// Files that are set.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        [
            ("nats.credentials", self.credentials.as_path()),
            ("nats.ca", &self.ca),
            ("nats.certificate", &self.certificate),
            ("nats.key", &self.key),
        ]
        .into_iter()
        .filter(|(_, file)| !file.as_os_str().is_empty())
    }

    /// The server; `None` where none is set.
    pub(crate) fn settings(&self) -> Result<Option<NatsSettings>> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let given = |file: &PathBuf| Some(file.clone()).filter(|file| !file.as_os_str().is_empty());
        let certificate = match (given(&self.certificate), given(&self.key)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => bail!(
                "nats.certificate and nats.key in the configuration belong together: one of them is missing"
            ),
        };
        Ok(Some(NatsSettings {
            url: self.url.clone(),
            credentials: given(&self.credentials),
            ca: given(&self.ca),
            certificate,
            replicas: self.replicas,
            silence: Duration::from_secs(self.silence_seconds),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(text: &str) -> Result<Option<NatsSettings>> {
        let defaults = toml::from_str::<toml::Table>(super::super::DEFAULT_FILE)?;
        let mut table = defaults["nats"].as_table().cloned().unwrap_or_default();
        table.extend(toml::from_str::<toml::Table>(text)?);
        toml::Value::Table(table).try_into::<Nats>()?.settings()
    }

    #[test]
    fn there_is_no_server_unless_one_is_set() {
        assert_eq!(nats("").expect("the defaults"), None);
        let set = nats("url = \"nats://localhost\"").expect("settings");
        assert_eq!(set.map(|it| it.replicas), Some(1));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, said) in [
            ("key = \"k.pem\"", "belong together"),
            ("certificate = \"c.pem\"", "belong together"),
        ] {
            let error = nats(&format!("url = \"nats://localhost\"\n{text}")).expect_err(text);
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
