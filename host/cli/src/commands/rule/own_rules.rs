//! Rules of one's own for the bundled approver: `[[config.rule]]` in its sidecar.
//!
//! What may stand there is said in `plugins/safety-tiers/src/config.rs`. Whether
//! it is right is not decided here: the component itself is asked, with the
//! sidecar as it would be.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use quarterdeck_core::policy::{
    OpenedPolicy, PromptState, ReviewRequest, SessionFacts, Tier, Verdict, Workbench,
};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::Setup;
use crate::commands::plugin::folder::{PluginsFolder, Turn};
use crate::commands::plugin::sidecar;
use crate::hosting::{plugins_dir, policy_limits};

/// The approver whose rules these are.
pub(super) const POLICY: &str = "safety-tiers";

/// A rule as its sidecar has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnRule {
    pub(super) id: String,
    pub(super) programs: Vec<String>,
    pub(super) subcommands: Vec<String>,
    pub(super) flags: Vec<String>,
    pub(super) tier: String,
    pub(super) reason: String,
    pub(super) suggestion: Option<String>,
    pub(super) matches: Vec<String>,
    pub(super) does_not_match: Vec<String>,
}

/// The sidecar, with the component that it configures.
pub(super) struct OwnRules {
    folder: PluginsFolder,
    pub(super) path: PathBuf,
    document: DocumentMut,
    component: Vec<u8>,
}

impl OwnRules {
    /// Keeps other commands from changing rules; whoever changes some reads them after
    /// this.
    pub(super) fn turn(setup: &Setup) -> Result<Turn> {
        PluginsFolder::open(plugins_dir(setup))?.turn()
    }

    /// Reads the sidecar, which may be missing.
    pub(super) fn open(setup: &Setup) -> Result<Self> {
        let folder = PluginsFolder::open(plugins_dir(setup))?;
        let path = folder.sidecar(POLICY);
        let document = sidecar::read(&folder, POLICY)?;
        let component = folder
            .component_in_charge(POLICY)?
            .with_context(|| format!("no policy {POLICY} is bundled"))?;
        Ok(Self {
            folder,
            path,
            document,
            component,
        })
    }

    /// All of them, in order.
    pub(super) fn rules(&self) -> Vec<OwnRule> {
        let tables = self.document.get("config").and_then(|it| it.get("rule"));
        match tables {
            Some(Item::ArrayOfTables(tables)) => tables.iter().map(OwnRule::read).collect(),
            _ => Vec::new(),
        }
    }

    /// Adds a rule at the end.
    pub(super) fn push(&mut self, rule: &OwnRule) -> Result<()> {
        self.tables()?.push(rule.table());
        Ok(())
    }

    /// Takes a rule out; whether it was there.
    pub(super) fn remove(&mut self, id: &str) -> Result<bool> {
        let tables = self.tables()?;
        let before = tables.len();
        tables.retain(|table| text_of(table, "id") != id);
        Ok(tables.len() < before)
    }

    fn tables(&mut self) -> Result<&mut ArrayOfTables> {
        let config = self
            .document
            .entry("config")
            .or_insert_with(|| {
                let mut config = Table::new();
                config.set_implicit(true);
                Item::Table(config)
            })
            .as_table_mut();
        let Some(config) = config else {
            bail!(
                "config is no section in {}: write [config]",
                self.path.display()
            );
        };
        let rules = config
            .entry("rule")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match rules.as_array_of_tables_mut() {
            Some(tables) => Ok(tables),
            None => bail!(
                "the rules in {} are written in one line: write each as [[config.rule]]",
                self.path.display()
            ),
        }
    }

    /// The approver as it would be with these rules. Its complaint is the error.
    pub(super) async fn load(&self, setup: &Setup) -> Result<OpenedPolicy> {
        let workbench =
            Workbench::new(Some(&setup.paths.policy_cache()))?.with_limits(policy_limits(setup));
        let sidecar = self.document.to_string();
        workbench
            .open_bytes(POLICY, self.component.clone(), Some(sidecar.as_bytes()))
            .await
            .with_context(|| {
                format!(
                    "with {} as it would be, {POLICY} does not load",
                    self.path.display()
                )
            })
    }

    /// Writes the sidecar; a running host takes it over at once.
    pub(super) fn save(&self) -> Result<()> {
        self.folder
            .write(&self.path, self.document.to_string().as_bytes())
    }
}

/// What an approver says to a command at a prompt.
pub(super) async fn verdict(policy: &OpenedPolicy, command: &str) -> Result<Verdict> {
    let request = ReviewRequest {
        command_line: command.to_owned(),
        session: SessionFacts {
            prompt: PromptState::AtPrompt,
            ..SessionFacts::default()
        },
        ..serde_json::from_value(serde_json::json!({ "command-line": "" }))?
    };
    Ok(policy.review(&request).await?)
}

/// The rule of a verdict, where one decided: ` (rule git/push)`.
pub(super) fn by_rule(verdict: &Verdict) -> String {
    let rule = verdict.rule.as_ref();
    rule.map_or_else(String::new, |rule| format!(" (rule {rule})"))
}

impl OwnRule {
    /// What it says, in a line.
    pub(super) fn in_words(&self) -> String {
        let about = [&self.programs[..], &self.subcommands, &self.flags].concat();
        let about = match self.matches.first() {
            Some(example) => example.clone(),
            None => about.join(" "),
        };
        format!(
            "{} is {}, in every folder: {}",
            about, self.tier, self.reason
        )
    }

    fn read(table: &Table) -> Self {
        Self {
            id: text_of(table, "id").to_owned(),
            programs: texts_of(table, "programs"),
            subcommands: texts_of(table, "subcommands"),
            flags: texts_of(table, "flags"),
            tier: table
                .get("tier")
                .and_then(Item::as_str)
                .unwrap_or(Tier::Review.as_str())
                .to_owned(),
            reason: text_of(table, "reason").to_owned(),
            suggestion: table
                .get("suggestion")
                .and_then(Item::as_str)
                .map(str::to_owned),
            matches: texts_of(table, "matches"),
            does_not_match: texts_of(table, "does-not-match"),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        let list = |texts: &[String]| value(texts.iter().collect::<Array>());
        table["id"] = value(&self.id);
        table["programs"] = list(&self.programs);
        for (key, texts) in [("subcommands", &self.subcommands), ("flags", &self.flags)] {
            if !texts.is_empty() {
                table[key] = list(texts);
            }
        }
        table["tier"] = value(&self.tier);
        table["reason"] = value(&self.reason);
        if let Some(suggestion) = &self.suggestion {
            table["suggestion"] = value(suggestion);
        }
        for (key, texts) in [
            ("matches", &self.matches),
            ("does-not-match", &self.does_not_match),
        ] {
            if !texts.is_empty() {
                table[key] = list(texts);
            }
        }
        table
    }
}

fn text_of<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Item::as_str).unwrap_or_default()
}

fn texts_of(table: &Table, key: &str) -> Vec<String> {
    let array = table.get(key).and_then(Item::as_array);
    array
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_comes_back_from_its_table() {
        let rule = OwnRule {
            id: "own/terraform-apply".to_owned(),
            programs: vec!["terraform".to_owned()],
            subcommands: vec!["apply".to_owned()],
            flags: vec!["-auto-approve".to_owned()],
            tier: "dangerous".to_owned(),
            reason: "It changes \"production\".".to_owned(),
            suggestion: None,
            matches: vec!["terraform apply".to_owned()],
            does_not_match: vec!["terraform plan".to_owned()],
        };
        assert_eq!(OwnRule::read(&rule.table()), rule);
    }
}
