//! How an agent program's screen is read: data, a TOML file for each program.
//!
//! The bundled files are in `rules/`. A file of the same name in the user's own
//! folder takes the place of a bundled one, and other files there add programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::activity::Activity;

/// The bundled files, by their names.
const BUNDLED: &[(&str, &str)] = &[
    ("aider", include_str!("rules/aider.toml")),
    ("claude", include_str!("rules/claude.toml")),
    ("codex", include_str!("rules/codex.toml")),
    ("copilot", include_str!("rules/copilot.toml")),
    ("cursor-agent", include_str!("rules/cursor-agent.toml")),
    ("gemini", include_str!("rules/gemini.toml")),
    ("opencode", include_str!("rules/opencode.toml")),
];

/// A pattern may compile to so much, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// Files that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("cannot read the rules {}: {source}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what rules are.
    #[error("the rules {name} for agents' screens are not right: {reason}")]
    Wrong {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How the screens of one agent's program are read.
#[derive(Debug)]
pub struct AgentRules {
    /// The file's name without its ending.
    pub name: String,
    /// Names of the program.
    pub programs: Vec<String>,
    /// A screen that shows an idle agent counts after it has stood for so long.
    pub settle: Duration,
    /// The key that stops its work.
    pub interrupt: InterruptKey,
    /// Where prompts are typed; none where that cannot be told.
    pub prompt_box: Option<BoxRules>,
    /// In the order in which they are tried.
    pub rules: Vec<Rule>,
}

/// A key that stops an agent's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterruptKey {
    /// Escape.
    #[default]
    Escape,
    /// Ctrl-C.
    CtrlC,
}

impl InterruptKey {
    /// What is typed.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Escape => 0x1b,
            Self::CtrlC => 0x03,
        }
    }
}

/// How the box is found that prompts are typed into.
#[derive(Debug)]
pub struct BoxRules {
    /// The box's first line, with what is typed as the group `text`. The last such
    /// line of the screen counts.
    pub begins: Regex,
    /// What the line above it has to be.
    pub above: Option<Regex>,
    /// How what is typed goes on in further lines, as the group `text`.
    pub goes_on: Regex,
    /// The first line after the box.
    pub ends: Option<Regex>,
    /// Text that stands in an empty box.
    pub placeholder: Option<Regex>,
    /// What stands for a long paste.
    pub pasted: Option<Regex>,
}

/// What one look of the screen means.
#[derive(Debug)]
pub struct Rule {
    /// What the agent does then.
    pub is: Activity,
    /// How many lines it looks at, from the last that is not empty up.
    pub lines: usize,
    /// All of these match.
    pub all: Vec<Regex>,
    /// At least one of these matches, where there are any.
    pub any: Vec<Regex>,
    /// None of these matches.
    pub none: Vec<Regex>,
    /// No line matches that stands below the last match of `any`, above the box.
    pub not_below: Vec<Regex>,
    /// Whether a prompt box has to be shown, or must not be.
    pub box_shown: Option<bool>,
    /// Matches the terminal's title, where it is given.
    pub title: Option<Regex>,
    /// When a limit is lifted, as the group `when` or, where that is easier, `words`.
    pub resets: Option<Regex>,
    /// What it means, for people.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    programs: Vec<String>,
    #[serde(default = "usual_settle_ms")]
    settle_ms: u64,
    #[serde(default)]
    interrupt: InterruptKey,
    #[serde(rename = "box")]
    prompt_box: Option<BoxTable>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleTable>,
}

fn usual_settle_ms() -> u64 {
    40
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BoxTable {
    begins: String,
    above: Option<String>,
    goes_on: String,
    ends: Option<String>,
    placeholder: Option<String>,
    pasted: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RuleTable {
    is: Activity,
    #[serde(default = "usual_lines")]
    lines: usize,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
    #[serde(default)]
    not_below: Vec<String>,
    box_shown: Option<bool>,
    title: Option<String>,
    resets: Option<String>,
    why: String,
}

fn usual_lines() -> usize {
    20
}

impl AgentRules {
    /// Reads the rules called `name` out of a file's text.
    pub fn parse(name: &str, text: &str) -> Result<Self, RulesError> {
        let wrong = |reason: String| RulesError::Wrong {
            name: name.to_owned(),
            reason,
        };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let prompt_box = file.prompt_box.map(BoxRules::of).transpose();
        let rules = file.rules.into_iter().map(Rule::of).collect();
        Ok(Self {
            name: name.to_owned(),
            programs: file.programs,
            settle: Duration::from_millis(file.settle_ms),
            interrupt: file.interrupt,
            prompt_box: prompt_box.map_err(wrong)?,
            rules: Result::<_, String>::from_iter::<Vec<_>>(rules).map_err(wrong)?,
        })
    }
}

impl BoxRules {
    fn of(table: BoxTable) -> Result<Self, String> {
        let with_text = |pattern: &str| {
            let pattern = regex(pattern)?;
            match pattern.capture_names().flatten().any(|it| it == "text") {
                true => Ok(pattern),
                false => Err(format!("{pattern} has no group (?P<text>…)")),
            }
        };
        Ok(Self {
            begins: with_text(&table.begins)?,
            goes_on: with_text(&table.goes_on)?,
            above: optional(table.above)?,
            ends: optional(table.ends)?,
            placeholder: optional(table.placeholder)?,
            pasted: optional(table.pasted)?,
        })
    }
}

impl Rule {
    fn of(table: RuleTable) -> Result<Self, String> {
        let looks = !(table.all.is_empty() && table.any.is_empty());
        if !looks && table.title.is_none() && table.box_shown != Some(true) {
            return Err(format!(
                "the rule {:?} looks for nothing: give all, any, title or box-shown = true",
                table.why
            ));
        }
        Ok(Self {
            is: table.is,
            lines: table.lines,
            all: regexes(table.all)?,
            any: regexes(table.any)?,
            none: regexes(table.none)?,
            not_below: regexes(table.not_below)?,
            box_shown: table.box_shown,
            title: optional(table.title)?,
            resets: optional(table.resets)?,
            why: table.why,
        })
    }
}

fn optional(pattern: Option<String>) -> Result<Option<Regex>, String> {
    pattern.as_deref().map(regex).transpose()
}

fn regexes(patterns: Vec<String>) -> Result<Vec<Regex>, String> {
    patterns.iter().map(|pattern| regex(pattern)).collect()
}

/// A pattern for one line.
fn regex(pattern: &str) -> Result<Regex, String> {
    (RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build())
        .map_err(|error| format!("{pattern:?} is not a regular expression: {error}"))
}

/// The rules for all programs that there are any for.
#[derive(Clone, Debug, Default)]
pub struct AllRules {
    by_program: BTreeMap<String, Arc<AgentRules>>,
}

impl AllRules {
    /// The bundled rules, and over them those of `folder`, where there is one. A file
    /// that is not right is told and left out: the bundled one of its name stays.
    pub fn load(folder: Option<&Path>) -> (Self, Vec<RulesError>) {
        let mut files: BTreeMap<String, AgentRules> = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, text) in BUNDLED {
            match AgentRules::parse(name, text) {
                Ok(rules) => drop(files.insert((*name).to_owned(), rules)),
                Err(error) => errors.push(error),
            }
        }
        let own = match folder.map(own_files).transpose() {
            Ok(files) => files.unwrap_or_default(),
            Err(error) => {
                errors.push(error);
                Vec::new()
            }
        };
        for (name, path) in own {
            let read = std::fs::read_to_string(&path)
                .map_err(|source| RulesError::Unreadable { path, source })
                .and_then(|text| AgentRules::parse(&name, &text));
            match read {
                Ok(rules) => drop(files.insert(name, rules)),
                Err(error) => errors.push(error),
            }
        }
        let mut by_program = BTreeMap::new();
        for rules in files.into_values().map(Arc::new) {
            for program in &rules.programs {
                by_program.insert(program.clone(), Arc::clone(&rules));
            }
        }
        (Self { by_program }, errors)
    }

    /// The rules for a program of this name.
    pub fn of(&self, program: &str) -> Option<&Arc<AgentRules>> {
        self.by_program.get(program)
    }

    /// Names of all programs that there are rules for.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.by_program.keys().map(String::as_str)
    }
}

/// Names of all programs that the bundled rules and those of `folder` speak of, without
/// the cost of understanding them.
pub(super) fn programs_named(folder: Option<&Path>) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Programs {
        #[serde(default)]
        programs: Vec<String>,
    }
    let own = folder.and_then(|folder| own_files(folder).ok());
    let own = own.into_iter().flatten();
    let own = own.filter_map(|(_, path)| std::fs::read_to_string(path).ok());
    let texts = BUNDLED.iter().map(|(_, text)| (*text).to_owned());
    (texts.chain(own))
        .filter_map(|text| toml::from_str::<Programs>(&text).ok())
        .flat_map(|file| file.programs)
        .collect()
}

/// The files of a folder that hold rules; none where there is no folder.
fn own_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, RulesError> {
    let unreadable = |source| RulesError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|it| it == "toml")
            && let Some(name) = path.file_stem()
        {
            files.push((name.to_string_lossy().into_owned(), path));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_rules_are_right() {
        let (rules, errors) = AllRules::load(None);
        assert!(errors.is_empty(), "{errors:?}");
        for program in ["claude", "codex", "gemini", "aider", "opencode"] {
            let rules = rules.of(program).expect(program);
            assert!(rules.prompt_box.is_some(), "{program}");
            for activity in [
                Activity::Idle,
                Activity::Working,
                Activity::AskingPermission,
                Activity::RateLimited,
            ] {
                let told = rules.rules.iter().any(|rule| rule.is == activity);
                assert!(told, "{program} has no rule for {activity:?}");
            }
        }
    }

    #[test]
    fn a_users_file_takes_the_place_of_a_bundled_one_and_a_broken_one_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write(
            "claude.toml",
            "programs = ['claude', 'my-claude']\n[[rule]]\nis = 'idle'\nany = ['ready']\nwhy = 'ready'",
        );
        write("codex.toml", "programs = 1");
        write(
            "other.toml",
            "programs = ['other']\n[[rule]]\nis = 'idle'\nany = ['(']\nwhy = ''",
        );
        write("notes.txt", "not rules");
        let (rules, errors) = AllRules::load(Some(folder.path()));
        assert_eq!(rules.of("my-claude").expect("added").rules.len(), 1);
        assert!(rules.of("codex").expect("the bundled one").rules.len() > 1);
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(
            told[0].contains("codex") && told[1].contains("\"(\""),
            "{told:?}"
        );
    }

    #[test]
    fn a_rule_that_looks_for_nothing_is_refused() {
        let text = "programs = ['a']\n[[rule]]\nis = 'idle'\nwhy = 'always'";
        let error = AgentRules::parse("a", text)
            .expect_err("refused")
            .to_string();
        assert!(error.contains("looks for nothing"), "{error}");
    }
}
