//! What belongs into the files of each agent.
//!
//! Sources, as of November 2026: Claude Code's
//! <https://code.claude.com/docs/en/hooks> and `/mcp`, Codex's
//! <https://developers.openai.com/codex/hooks> and `/config-reference`, Gemini
//! CLI's `docs/hooks/reference.md`, Copilot CLI's
//! <https://docs.github.com/en/copilot/reference/copilot-cli-reference/cli-config-dir-reference>
//! and `cli-hooks-reference`, Cursor's <https://cursor.com/docs/agent/hooks>, VS
//! Code's <https://code.visualstudio.com/docs/copilot/chat/mcp-servers>, OpenCode's
//! <https://opencode.ai/docs/mcp-servers> and `/plugins`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use quarterdeck_server::hook::HookAgent;
use serde_json::{Value, json};

use super::edit::{Entry, Format};

/// Seconds that a hook may take: a host answers at once, and without one a policy
/// that is new is compiled first.
const HOOK_SECONDS: u32 = 40;

/// An agent whose configuration is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodingAgent {
    /// Anthropic's Claude Code: MCP and hooks
    ClaudeCode,
    /// Anthropic's Claude for the desktop: MCP
    ClaudeDesktop,
    /// Cursor: MCP and hooks
    Cursor,
    /// Visual Studio Code: MCP
    Vscode,
    /// OpenAI's Codex CLI: MCP and hooks
    Codex,
    /// Google's Gemini CLI: MCP and hooks
    Gemini,
    /// GitHub's Copilot CLI: MCP and hooks
    Copilot,
    /// OpenCode: MCP and a plugin
    Opencode,
}

/// Where agents keep their configuration.
#[derive(Clone, Debug)]
pub(super) struct Homes {
    home: PathBuf,
    config: PathBuf,
    /// As XDG has it, on every system.
    xdg_config: PathBuf,
    claude: Option<PathBuf>,
    codex: Option<PathBuf>,
    copilot: Option<PathBuf>,
}

/// How the agent starts this program.
#[derive(Clone, Debug)]
pub(super) struct Started {
    /// Its path.
    pub(super) program: String,
    /// Flags of every command, which come first.
    pub(super) flags: Vec<String>,
}

/// A file, and what belongs into it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) entries: Vec<Entry>,
}

impl Homes {
    /// From the variables that the agents themselves heed.
    /// `usual_home` is the user's where $HOME names none.
    pub(super) fn from_environment(
        environment: impl Fn(&str) -> Option<String>,
        usual_home: Option<PathBuf>,
    ) -> Result<Self> {
        let folder = |name: &str| {
            environment(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = folder("HOME")
            .or(usual_home.filter(|home| home.is_absolute()))
            .context("$HOME is not set to a path from / on")?;
        let config = match cfg!(target_os = "macos") {
            true => home.join("Library/Application Support"),
            false => folder("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
        };
        Ok(Self {
            config,
            xdg_config: folder("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            claude: folder("CLAUDE_CONFIG_DIR"),
            codex: folder("CODEX_HOME"),
            copilot: folder("COPILOT_HOME"),
            home,
        })
    }

    /// Claude Code's two files, of servers and of hooks: side by side in a folder of its
    /// own, or in the home folder and a folder there.
    fn of_claude(&self) -> [PathBuf; 2] {
        let (servers, settings) = match &self.claude {
            Some(folder) => (folder.clone(), folder.clone()),
            None => (self.home.clone(), self.home.join(".claude")),
        };
        [servers.join(".claude.json"), settings.join("settings.json")]
    }

    fn of_codex(&self, name: &str) -> PathBuf {
        let folder = self.codex.clone();
        folder
            .unwrap_or_else(|| self.home.join(".codex"))
            .join(name)
    }

    /// OpenCode reads either of two names; with comments where there is one.
    fn of_opencode(&self) -> [PathBuf; 2] {
        let folder = self.xdg_config.join("opencode");
        let with_comments = folder.join("opencode.jsonc");
        let settings = match with_comments.exists() {
            true => with_comments,
            false => folder.join("opencode.json"),
        };
        [settings, folder.join("plugin/quarterdeck.js")]
    }

    fn of_copilot(&self, name: &str) -> PathBuf {
        let folder = self.copilot.clone();
        folder
            .unwrap_or_else(|| self.home.join(".copilot"))
            .join(name)
    }
}

/// Variables that say where this user's host is and who asks it. Codex hands on to an MCP
/// server only what its entry names, besides a few like PATH and HOME (`env_vars` in
/// <https://developers.openai.com/codex/mcp>).
const HANDED_ON: [&str; 10] = [
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "QUARTERDECK_AGENT",
    "QUARTERDECK_CONFIG",
    "QUARTERDECK_SESSION",
    "MCP_TERMINAL_BACKEND",
    "TMUX",
    "ITERM_SESSION_ID",
];

impl CodingAgent {
    /// The agent's files with what belongs there.
    pub(super) fn files(self, homes: &Homes, started: &Started, hook: bool) -> Result<Vec<Wanted>> {
        let Started { program, flags } = started;
        let arguments: Vec<&str> = (flags.iter().map(String::as_str)).chain(["mcp"]).collect();
        let json = |path: PathBuf, entries: Vec<Entry>| Wanted {
            path,
            format: Format::Json,
            entries,
        };
        let server = |key: &'static str, server: Value| Entry::Key {
            path: vec![key, "quarterdeck"],
            value: server,
        };
        let plain = json!({ "command": program, "args": arguments });
        let typed = json!({ "type": "stdio", "command": program, "args": arguments });
        let hooks = |agent: HookAgent| -> Result<Vec<Entry>> {
            if !hook {
                return Ok(Vec::new());
            }
            let words = [program].into_iter().chain(flags).map(String::as_str);
            let command = shlex::try_join(words).context("quoting this program's path")?;
            Ok(hooks(agent, &format!("{command} hook {agent}")))
        };
        let started_by = |last: &[&'static str]| -> Vec<&str> {
            let words = [program].into_iter().chain(flags).map(String::as_str);
            words.chain(last.iter().copied()).collect()
        };
        Ok(match self {
            Self::ClaudeCode => {
                let [servers, settings] = homes.of_claude();
                vec![
                    json(servers, vec![server("mcpServers", typed)]),
                    json(settings, hooks(HookAgent::ClaudeCode)?),
                ]
            }
            Self::ClaudeDesktop => vec![json(
                homes.config.join("Claude/claude_desktop_config.json"),
                vec![server("mcpServers", plain)],
            )],
            Self::Cursor => {
                let folder = homes.home.join(".cursor");
                vec![
                    json(folder.join("mcp.json"), vec![server("mcpServers", plain)]),
                    json(folder.join("hooks.json"), hooks(HookAgent::Cursor)?),
                ]
            }
            Self::Vscode => vec![json(
                homes.config.join("Code/User/mcp.json"),
                vec![server("servers", typed)],
            )],
            Self::Codex => vec![
                Wanted {
                    path: homes.of_codex("config.toml"),
                    format: Format::Toml,
                    entries: vec![server(
                        "mcp_servers",
                        json!({
                            "command": program, "args": arguments, "env_vars": HANDED_ON,
                        }),
                    )],
                },
                json(homes.of_codex("hooks.json"), hooks(HookAgent::Codex)?),
            ],
            Self::Gemini => {
                let mut entries = vec![server("mcpServers", plain)];
                entries.extend(hooks(HookAgent::Gemini)?);
                vec![json(homes.home.join(".gemini/settings.json"), entries)]
            }
            Self::Copilot => {
                let local = json!({
                    "type": "local", "command": program, "args": arguments, "tools": ["*"],
                });
                vec![
                    json(
                        homes.of_copilot("mcp-config.json"),
                        vec![server("mcpServers", local)],
                    ),
                    json(
                        homes.of_copilot("hooks/quarterdeck.json"),
                        hooks(HookAgent::Copilot)?,
                    ),
                ]
            }
            Self::Opencode => {
                let [settings, plugin] = homes.of_opencode();
                let local =
                    json!({ "type": "local", "command": started_by(&["mcp"]), "enabled": true });
                let script = hook
                    .then(|| Entry::Script(opencode_plugin(&started_by(&["hook", "opencode"]))));
                vec![
                    json(settings, vec![server("mcp", local)]),
                    Wanted {
                        path: plugin,
                        format: Format::Script,
                        entries: script.into_iter().collect(),
                    },
                ]
            }
        }
        .into_iter()
        .filter(|file| !file.entries.is_empty())
        .collect())
    }

    /// What its user does before it works.
    pub(super) fn what_next(self) -> &'static str {
        match self {
            Self::Codex => "start it anew, and trust the hook when it asks: /hooks shows it",
            _ => "start it anew",
        }
    }
}

impl std::fmt::Display for CodingAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.to_possible_value() {
            Some(value) => f.write_str(value.get_name()),
            None => Ok(()),
        }
    }
}

/// OpenCode has no hooks that are programs, but plugins: ours calls the hook.
fn opencode_plugin(command: &[&str]) -> String {
    include_str!("opencode.js")
        .replace("\"COMMAND\"", &json!(command).to_string())
        .replace("\"SECONDS\"", &HOOK_SECONDS.to_string())
}

/// A matcher of tools, where one is needed, and the event that it belongs to.
type Moment = (&'static str, Option<&'static str>);

/// The hook at every moment that the host has a use for.
fn hooks(agent: HookAgent, command: &str) -> Vec<Entry> {
    let moments: &[Moment] = match agent {
        HookAgent::ClaudeCode => &[
            ("PreToolUse", Some("Bash|PowerShell|Monitor|Task|Agent")),
            (
                "PostToolUse",
                Some("TodoWrite|TaskCreate|TaskUpdate|Task|Agent|mcp__.*([iI]ssue|[tT]icket).*"),
            ),
            ("PostToolUseFailure", Some("Task|Agent")),
            ("SubagentStop", None),
            ("TaskCreated", None),
            ("TaskCompleted", None),
            ("UserPromptSubmit", None),
            ("Stop", None),
            ("Notification", None),
            ("SessionStart", None),
            ("SessionEnd", None),
        ],
        HookAgent::Codex => &[
            ("PreToolUse", Some("Bash")),
            ("PostToolUse", Some("update_plan")),
            ("SubagentStart", None),
            ("SubagentStop", None),
            ("UserPromptSubmit", None),
            ("Stop", None),
            ("SessionStart", None),
        ],
        HookAgent::Gemini => &[
            ("BeforeTool", Some("run_shell_command")),
            ("AfterTool", Some("write_todos")),
            ("BeforeAgent", None),
            ("AfterAgent", None),
            ("Notification", None),
            ("SessionStart", None),
            ("SessionEnd", None),
        ],
        HookAgent::Copilot => &[
            ("preToolUse", None),
            ("subagentStart", None),
            ("subagentStop", None),
            ("userPromptSubmitted", None),
            ("agentStop", None),
            ("notification", None),
            ("sessionStart", None),
            ("sessionEnd", None),
        ],
        // Its plugin is no list of hooks.
        HookAgent::OpenCode => &[],
        HookAgent::Cursor => &[
            ("beforeShellExecution", None),
            ("subagentStart", None),
            ("subagentStop", None),
            ("beforeSubmitPrompt", None),
            ("stop", None),
            ("sessionStart", None),
            ("sessionEnd", None),
        ],
    };
    let versioned = matches!(agent, HookAgent::Copilot | HookAgent::Cursor);
    let version = versioned.then(|| Entry::Default {
        path: vec!["version"],
        value: json!(1),
    });
    let hooks = moments.iter().map(|moment| Entry::Element {
        path: vec!["hooks", moment.0],
        value: hook(agent, *moment, command),
        ours: format!(" hook {agent}"),
    });
    version.into_iter().chain(hooks).collect()
}

/// The hook at one moment, in the agent's form.
fn hook(agent: HookAgent, (event, matcher): Moment, command: &str) -> Value {
    let mut handler = match agent {
        HookAgent::ClaudeCode | HookAgent::Codex => json!({
            "type": "command", "command": command, "timeout": HOOK_SECONDS,
        }),
        HookAgent::OpenCode => return Value::Null,
        HookAgent::Gemini => json!({
            "name": "quarterdeck", "type": "command", "command": command,
            "timeout": HOOK_SECONDS * 1000,
        }),
        HookAgent::Copilot => {
            return json!({ "type": "command", "bash": command, "timeoutSec": HOOK_SECONDS });
        }
        HookAgent::Cursor => {
            let mut handler = json!({ "command": command, "timeout": HOOK_SECONDS });
            if event == "beforeShellExecution" {
                handler["failClosed"] = json!(true);
            }
            return handler;
        }
    };
    if agent == HookAgent::ClaudeCode && event == "PreToolUse" {
        // Since 2.1.295: one that cannot start or takes too long blocks too.
        handler["onFailure"] = json!("block");
    }
    match matcher {
        Some(matcher) => json!({ "matcher": matcher, "hooks": [handler] }),
        None => json!({ "hooks": [handler] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agents_files_are_found_and_filled() {
        let environment = |name: &str| (name == "CODEX_HOME").then(|| "/codex".to_owned());
        let homes = Homes::from_environment(environment, Some("/h".into())).expect("homes");
        let started = Started {
            program: "/opt/q d/quarterdeck".to_owned(),
            flags: vec!["--config".to_owned(), "/my c.toml".to_owned()],
        };
        for agent in CodingAgent::value_variants() {
            let files = agent.files(&homes, &started, true).expect("files");
            assert!(!files.is_empty());
            for file in &files {
                assert!(file.path.starts_with("/h") || *agent == CodingAgent::Codex);
                let text = file
                    .format
                    .with(&file.entries, "")
                    .expect("fits into nothing");
                assert!(text.contains("/opt/q d/quarterdeck"), "{text}");
                assert!(text.contains("/my c.toml"), "{text}");
            }
            let bare = agent.files(&homes, &started, false).expect("files");
            let hooks = |file: &Wanted| format!("{:?}", file.entries).contains(" hook ");
            assert!(!bare.iter().any(hooks));
        }
    }
}
