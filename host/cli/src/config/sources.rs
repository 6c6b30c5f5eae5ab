//! Where settings come from: the defaults, a file, the environment, each laid over the
//! one before. What is wrong is told with the setting's name and where it was set.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use quarterdeck_core::policy::distrust;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::DEFAULT_FILE;
use super::ranges::range_of;

/// What variables of the environment that are settings begin with.
const PREFIX: &str = "QUARTERDECK";

/// Variables with that beginning that are no settings.
const OTHER_VARIABLES: &[&str] = &[
    "QUARTERDECK_AGENT",
    "QUARTERDECK_CONFIG",
    "QUARTERDECK_SESSION",
    "QUARTERDECK_ZDOTDIR",
];

/// The bit of a folder in which only its owner takes a file away.
const STICKY: u32 = 0o1000;

/// The configuration file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ConfigFile {
    /// A person has named it, so it has to be there.
    Named(PathBuf),
    /// Where it is looked for; need not be there.
    Usual(PathBuf),
}

impl ConfigFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Usual(path) => path,
        }
    }

    /// What it sets.
    fn read(&self) -> Result<Table> {
        let path = self.path();
        let text = match (read_trusted(path), self) {
            (Ok(text), _) => text,
            (Err(error), Self::Usual(_)) if error.kind() == ErrorKind::NotFound => String::new(),
            (Err(error), _) if error.kind() == ErrorKind::NotFound => bail!(
                "there is no configuration file {}, which --config or QUARTERDECK_CONFIG names",
                path.display()
            ),
            (Err(error), _) => {
                return Err(error)
                    .with_context(|| format!("reading the configuration file {}", path.display()));
            }
        };
        toml::from_str(&text).with_context(|| format!("the configuration file {}", path.display()))
    }
}

/// The text of a file that nobody but this user and root can have written: whoever
/// writes the configuration may switch the gate off.
fn read_trusted(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let in_others_hands = distrust(path, &file.metadata()?).or_else(|| {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty())?;
        let found = folder.metadata().ok()?;
        // In a sticky folder, as /tmp is, others leave the file alone.
        (found.mode() & STICKY == 0)
            .then(|| distrust(folder, &found))
            .flatten()
            .map(|reason| format!("its folder is not safe: {reason}"))
    });
    if let Some(reason) = in_others_hands {
        return Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!("others may write it, and so switch the gate off: {reason}"),
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Settings as they were found, not yet looked at closely.
pub(super) struct Sources {
    file: PathBuf,
    /// What the file sets.
    own: Table,
    /// Variables that set something.
    variables: Vec<String>,
    settings: Table,
}

impl Sources {
    pub(super) fn read(
        file: &ConfigFile,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let defaults: Table =
            toml::from_str(DEFAULT_FILE).context("the built-in default configuration")?;
        let own = file.read()?;
        let mut settings = defaults.clone();
        overlay(&mut settings, own.clone(), "")
            .with_context(|| format!("the configuration file {}", file.path().display()))?;
        let mut variables = Vec::new();
        overlay_environment(
            &mut settings,
            &defaults,
            PREFIX,
            environment,
            &mut variables,
        )?;
        Ok(Self {
            file: file.path().to_owned(),
            own,
            variables,
            settings,
        })
    }

    /// The settings in their own types.
    pub(super) fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        self.check_ranges(&self.settings, "")?;
        let settings = Value::Table(self.settings.clone());
        serde_path_to_error::deserialize(settings).map_err(|error| {
            let path = error.path().to_string();
            self.wrong(&path, error.inner().message())
        })
    }

    /// That this setting has a value that cannot be.
    pub(super) fn wrong(&self, path: &str, problem: impl fmt::Display) -> anyhow::Error {
        let name = path.split('[').next().unwrap_or(path);
        let value = find(&self.settings, name).map_or_else(String::new, ToString::to_string);
        anyhow!("{name} is {value} ({}): {problem}", self.origin(name))
    }

    fn origin(&self, name: &str) -> String {
        let variable = variable_of(name);
        if self.variables.contains(&variable) {
            format!("in the environment variable {variable}")
        } else if find(&self.own, name).is_some() {
            format!("in {}", self.file.display())
        } else {
            "by default".to_owned()
        }
    }

    fn check_ranges(&self, settings: &Table, section: &str) -> Result<()> {
        for (key, value) in settings {
            let name = format!("{section}{key}");
            match value {
                Value::Table(settings) => self.check_ranges(settings, &format!("{name}."))?,
                Value::Integer(number) => {
                    let range = range_of(&name);
                    if !range.contains(number) {
                        let (from, to) = (range.start(), range.end());
                        let advice = format!("write a whole number from {from} to {to}");
                        return Err(self.wrong(&name, advice));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The variables of the environment that set something.
pub(crate) fn variables() -> BTreeSet<String> {
    let defaults: Table = toml::from_str(DEFAULT_FILE).unwrap_or_default();
    defaults
        .iter()
        .flat_map(|(key, value)| match value {
            Value::Table(section) => section
                .keys()
                .map(|setting| variable_of(&format!("{key}.{setting}")))
                .collect(),
            _ => vec![variable_of(key)],
        })
        .collect()
}

/// Variables of this process's environment that are settings.
pub(crate) fn set_variables() -> BTreeSet<String> {
    let set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut names = variables();
    names.retain(set);
    names
}

/// Of these variables, those that look like settings and are none.
pub(super) fn unknown_among(names: impl Iterator<Item = String>) -> Vec<String> {
    let known = variables();
    names
        .filter(|name| name.starts_with("QUARTERDECK_"))
        .filter(|name| !known.contains(name) && !OTHER_VARIABLES.contains(&name.as_str()))
        .collect()
}

/// An address as a setting.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom("write an address with a port, such as \"127.0.0.1:3456\"")
    })
}

/// The same where an empty text means none.
pub(super) fn address_if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(
            "write an address with a port, such as \"127.0.0.1:8765\", or \"\" for none",
        )
    })
}

/// The setting of this name, which has at most one point.
fn find<'a>(settings: &'a Table, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        Some((section, key)) => settings.get(section)?.get(key),
        None => settings.get(name),
    }
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}_{}", name.replace('.', "_").to_uppercase())
}

/// Lays `over` onto `base`. Only what `base` knows may be set, and only to its like.
fn overlay(base: &mut Table, over: Table, path: &str) -> Result<()> {
    for (key, value) in over {
        let name = format!("{path}{key}");
        match (base.get_mut(&key), value) {
            (None, _) => bail!(
                "there is no setting {name}; `quarterdeck config` prints those that there are"
            ),
            (Some(Value::Table(base)), Value::Table(over)) => {
                overlay(base, over, &format!("{name}."))?;
            }
            (Some(Value::Table(_)), _) => bail!("{name} is a section: write [{name}]"),
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (Some(slot), value) => bail!("{name} is {value}: write {}", kind(slot)),
        }
    }
    Ok(())
}

/// Takes what the environment sets, under `PREFIX_SECTION_KEY`.
fn overlay_environment(
    table: &mut Table,
    defaults: &Table,
    prefix: &str,
    environment: &impl Fn(&str) -> Option<String>,
    found: &mut Vec<String>,
) -> Result<()> {
    for (key, default) in defaults {
        let name = format!("{prefix}_{}", key.to_uppercase());
        match (default, table.get_mut(key)) {
            (Value::Table(defaults), Some(Value::Table(section))) => {
                overlay_environment(section, defaults, &name, environment, found)?;
            }
            (_, Some(slot)) => {
                if let Some(text) = environment(&name) {
                    *slot = value_like(default, &text).with_context(|| {
                        format!(
                            "the environment variable {name} is {text:?}, not {}",
                            kind(default)
                        )
                    })?;
                    found.push(name);
                }
            }
            (_, None) => {}
        }
    }
    Ok(())
}

fn value_like(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        Value::Array(_) => Some(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        )),
        _ => Some(Value::String(text.to_owned())),
    }
}

fn kind(default: &Value) -> &'static str {
    match default {
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts, such as [\"one\", \"two\"]",
        _ => "a text in quotes",
    }
}
