//! What is to be done in a task. The document's type is `any`; its examples are text and
//! objects.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::task_shapes::Kind;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "text, or an object with it as \"command\", \"script\" or \"prompt\", is expected, with \"args\" (a list) and \"workingDirectory\" (text) if you like"
)]
pub(super) enum Payload {
    Text(String),
    Parts(Parts),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parts {
    command: Option<String>,
    script: Option<String>,
    prompt: Option<String>,
    /// Added to the command, quoted
    #[serde(default)]
    args: Vec<Value>,
    #[serde(alias = "working_directory", alias = "cwd")]
    working_directory: Option<PathBuf>,
    /// What the client keeps there for itself.
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// A payload that is understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Command line, script or prompt.
    pub(super) text: String,
    pub(super) folder: Option<PathBuf>,
}

impl Payload {
    /// What a task of this kind is to do; an error goes on after "the payload".
    pub(super) fn into_job(self, kind: Kind) -> Result<Job, String> {
        let parts = match self {
            Self::Text(text) => Parts {
                command: Some(text),
                ..Parts::default()
            },
            Self::Parts(parts) => parts,
        };
        let (command, script, prompt) = (parts.command, parts.script, parts.prompt);
        let text = match kind {
            Kind::Command => command.or(script).or(prompt),
            Kind::Script => script.or(command).or(prompt),
            Kind::Analysis => prompt.or(command).or(script),
        };
        let Some(mut text) = text else {
            let there: Vec<String> = parts.more.keys().map(|key| format!("{key:?}")).collect();
            let there = match there.is_empty() {
                true => "nothing".to_owned(),
                false => there.join(", "),
            };
            return Err(format!(
                "does not say what is to be done: it has {there}, but neither \"command\" nor \"script\" nor \"prompt\" with a text"
            ));
        };
        if text.trim().is_empty() {
            return Err("is empty: give what is to be done".to_owned());
        }
        if !parts.args.is_empty() && kind != Kind::Command {
            return Err(
                "has \"args\", which only a task of type command takes: put them into the text"
                    .to_owned(),
            );
        }
        for argument in &parts.args {
            text.push(' ');
            text.push_str(&quoted(argument)?);
        }
        Ok(Job {
            text,
            folder: parts.working_directory,
        })
    }
}

/// One word for a shell.
fn quoted(argument: &Value) -> Result<String, String> {
    let word = match argument {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => argument.to_string(),
        _ => {
            return Err(format!(
                "has {argument} among its \"args\", where texts and numbers may be"
            ));
        }
    };
    shlex::try_quote(&word)
        .map(|quoted| quoted.into_owned())
        .map_err(|_| "has a NUL character among its \"args\"".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(kind: Kind, payload: Value) -> Result<Job, String> {
        let payload: Payload =
            serde_json::from_value(payload).map_err(|error| error.to_string())?;
        payload.into_job(kind)
    }

    #[test]
    fn text_and_objects_say_what_is_to_be_done() {
        for (kind, payload, text) in [
            (Kind::Command, json!("ls -l"), "ls -l"),
            (Kind::Command, json!({ "command": "ls" }), "ls"),
            (Kind::Command, json!({ "script": "ls" }), "ls"),
            (
                Kind::Command,
                json!({ "command": "echo x", "args": ["y", "it's $HOME", "", 3, true] }),
                r#"echo x y "it's "'$HOME' '' 3 true"#,
            ),
            (
                Kind::Script,
                json!({ "command": "a", "script": "b", "files": ["x"] }),
                "b",
            ),
            (
                Kind::Analysis,
                json!({ "prompt": "look", "files": ["a.py"] }),
                "look",
            ),
        ] {
            let job =
                job(kind, payload.clone()).unwrap_or_else(|error| panic!("{payload}: {error}"));
            assert_eq!(job.text, text, "{payload}");
            assert_eq!(job.folder, None);
        }
    }

    #[test]
    fn the_folder_has_three_names() {
        for name in ["workingDirectory", "working_directory", "cwd"] {
            let job = job(Kind::Command, json!({ "command": "ls", name: "/tmp" }));
            assert_eq!(job.expect(name).folder, Some(PathBuf::from("/tmp")));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for (kind, payload, words) in [
            (
                Kind::Command,
                json!({ "files": ["a.py"] }),
                "it has \"files\", but neither",
            ),
            (Kind::Command, json!({}), "it has nothing, but neither"),
            (Kind::Command, json!("  "), "is empty"),
            (Kind::Command, json!(5), "text, or an object"),
            (Kind::Command, json!({ "command": 5 }), "text, or an object"),
            (
                Kind::Command,
                json!({ "command": "x", "args": [["y"]] }),
                "[\"y\"] among its \"args\"",
            ),
            (
                Kind::Script,
                json!({ "script": "x", "args": ["y"] }),
                "only a task of type command",
            ),
        ] {
            let error = job(kind, payload.clone()).expect_err("wrong");
            assert!(error.contains(words), "{payload}: {error}");
        }
    }
}
