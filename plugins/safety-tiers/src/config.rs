//! The sidecar's `[config]`: rules of one's own, other tiers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::pack::{ProgramEntry, RuleEntry, TierEntry, spellings};
use crate::place::Places;
use crate::rules::{Pattern, Program, Rule, Rules, Sources, Spelling};
use crate::verdict::Tier;

/// What may stand in `[config]`.
///
/// ```toml
/// [config]
/// allow = ["make deploy-staging"]
/// review = ["make *"]
/// deny = ["npm publish*"]
/// unknown-program-tier = "review"
/// observer-roles = ["auditor"]
///
/// [config.typed]
/// gdb = "review"
///
/// [config.tiers]
/// "git/push-force" = "dangerous"
///
/// [[config.rule]]
/// id = "team/deploy"
/// programs = ["deploy"]
/// subcommands = ["production"]
/// tier = "dangerous"
/// reason = "Deploys go through the pipeline."
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Config {
    /// Commands, as patterns, that are safe even where a rule says review; where
    /// a rule says dangerous, only if they are written out word for word.
    allow: Vec<String>,
    /// Commands that a person is asked about.
    review: Vec<String>,
    /// Commands that are refused.
    deny: Vec<String>,
    /// For programs that no rule knows.
    unknown_program_tier: Option<TierEntry>,
    /// For what is typed into a program, by its name: `htop = "review"`. For a shell, or
    /// what leads to one, such as `tmux`: at least this, and this for unknown programs.
    typed: BTreeMap<String, TierEntry>,
    /// Roles that may only look: what is more than safe is refused to them.
    observer_roles: Option<Vec<String>>,
    /// Other tiers for the rules of these ids.
    tiers: BTreeMap<String, TierEntry>,
    /// How to read the command lines of programs that the bundled tables do
    /// not describe.
    #[serde(rename = "program")]
    programs: Vec<ProgramEntry>,
    /// Asked before the bundled rules.
    #[serde(rename = "rule")]
    rules: Vec<RuleEntry>,
}

/// Ids that the walk itself uses, besides those of rules.
const WALK_IDS: [&str; 26] = [
    "core/asks-for-help",
    "core/characters",
    "core/editor-command",
    "core/emptied",
    "core/foreign-program",
    "core/foreign-script",
    "core/history",
    "core/look-alike",
    "core/observer",
    "core/project-deployment",
    "core/project-program",
    "core/syntax",
    "core/too-deep",
    "core/too-long",
    "core/typed-into-program",
    "core/uncertain",
    "core/search-path",
    "core/settings-name-programs",
    "core/unfinished",
    "core/unknown-command",
    "core/unknown-destroyer",
    "core/unknown-program",
    "core/unknown-script",
    "config/deny",
    "config/review",
    "process/fork-bomb",
];

impl Rules {
    /// Reads `[config]`, given as JSON. The error is what the person who wrote
    /// the sidecar reads.
    pub fn configured(json: &str) -> Result<Self, String> {
        Self::read(json).map_err(|error| format!("[config] of safety-tiers: {error}"))
    }

    fn read(json: &str) -> Result<Self, String> {
        let config: Config = serde_json::from_str(json).map_err(|error| {
            // The position is one in JSON that nobody has written.
            let text = error.to_string();
            text.split(" at line ").next().unwrap_or(&text).to_owned()
        })?;
        let mut rules = Self::default();
        if let Some(tier) = config.unknown_program_tier {
            rules.unknown_program = tier.into();
        }
        rules.typed.extend(
            config
                .typed
                .into_iter()
                .map(|(name, tier)| (name, tier.into())),
        );
        if let Some(roles) = config.observer_roles {
            rules.observers = roles;
        }
        for (list, tier) in [
            (config.allow, Tier::Safe),
            (config.review, Tier::Review),
            (config.deny, Tier::Dangerous),
        ] {
            rules
                .listed
                .extend(list.into_iter().map(|pattern| (pattern, tier)));
        }
        for entry in config.programs {
            let (names, program) = entry.compile()?;
            rules
                .programs
                .extend(names.into_iter().map(|name| (name, program)));
        }
        for entry in config.rules {
            rules.added.push(entry.compile()?);
        }
        for (id, tier) in config.tiers {
            if !WALK_IDS.contains(&id.as_str()) && !rules.has_id(&id) {
                return Err(format!("`tiers` names `{id}`, which is no rule"));
            }
            rules.tiers.push((id, tier.into()));
        }
        Ok(rules)
    }
}

impl RuleEntry {
    /// The compiled form of a rule that a sidecar adds. Lives as long as the
    /// instance, so its text is leaked.
    fn compile(self) -> Result<(Vec<String>, Rule), String> {
        let name = |key: &str, word: &str| format!("rule `{}`: `{key}` knows no `{word}`", self.id);
        let patterns = |key: &str, words: &[String]| -> Result<&'static [Pattern], String> {
            words
                .iter()
                .map(|word| match word.strip_prefix('@') {
                    Some(place) => Places::named(place)
                        .map(Pattern::Place)
                        .ok_or_else(|| name(key, word)),
                    None => Ok(Pattern::Text(word.clone().leak())),
                })
                .collect::<Result<Vec<_>, _>>()
                .map(|patterns| &*patterns.leak())
        };
        let from = sources(&self.from).map_err(|word| name("from", word))?;
        if self.id.is_empty() {
            return Err("every rule needs an `id`".to_owned());
        }
        if self.programs.is_empty() {
            return Err(format!("rule `{}` needs `programs`", self.id));
        }
        if let Some(pattern) = self.pattern_with_set() {
            return Err(format!(
                "rule `{}`: patterns know `*` and `?`, but no sets as in `{pattern}`",
                self.id
            ));
        }
        let rule = Rule {
            operands: patterns("operands", &self.operands)?,
            all_operands: patterns("all-operands", &self.all_operands)?,
            leading: patterns("leading", &self.leading)?,
            leading_operand: patterns("leading-operand", &self.leading_operand)?,
            script_unseen: self.script_unseen,
            operands_from: sources(&self.operands_from)
                .map_err(|word| name("operands-from", word))?,
            bare: self.bare,
            left_open: self.left_open,
            arguments: patterns("arguments", &self.arguments)?,
            arguments_with: patterns("arguments-with", &self.arguments_with)?,
            to_screen: self.to_screen,
            writes: patterns("writes", &self.writes)?,
            folder: patterns("folder", &self.folder)?,
            reads: patterns("reads", &self.reads)?,
            except: leaked(&self.except),
            subcommands: leaked(&self.subcommands),
            asks_to_look: self.asks_to_look,
            flags: taken_apart(&self.flags),
            without: taken_apart(&self.without),
            assigns: leaked(&self.assigns),
            defines: leaked(&self.defines),
            code: leaked(&self.code),
            code_with: leaked(&self.code_with),
            code_without: leaked(&self.code_without),
            code_unresolved: self.code_unresolved,
            statement: leaked(&self.statement),
            statement_without: leaked(&self.statement_without),
            from,
            tier: self.tier.into(),
            in_production: self.in_production.map(Tier::from),
            reason: if self.reason.is_empty() {
                "A rule of this configuration."
            } else {
                self.reason.clone().leak()
            },
            suggestion: self.suggestion.clone().map(|text| &*text.leak()),
            gives: sources(&self.gives).map_err(|word| name("gives", word))?,
            id: self.id.clone().leak(),
        };
        Ok((self.programs, rule))
    }
}

impl ProgramEntry {
    /// The compiled form of a program that a sidecar describes, with its
    /// names.
    fn compile(self) -> Result<(Vec<String>, &'static Program), String> {
        if self.names.is_empty() {
            return Err("every program needs `names`".to_owned());
        }
        let program = Program {
            value_flags: leaked(&self.value_flags),
            single_dash: self.single_dash,
            gnu: self.gnu,
            shell: self.shell,
            runs_after: self.runs_after,
            assignments: self.assignments,
            joined: self.joined,
            lines: self.lines,
            runs_in: leaked(&self.runs_in),
            runs_project: self.runs_project,
            line_flags: leaked(&self.line_flags),
            code_flags: leaked(&self.code_flags),
            code_operand: self.code_operand,
            code_in: leaked(&self.code_in),
            code_files_in: leaked(&self.code_files_in),
            editor_flags: leaked(&self.editor_flags),
            text_first: leaked(&self.text_first),
            reads_code: self.reads_code,
            writes: self.writes,
            writes_with: self.writes_with.map(|flags| &*flags.leak()),
            write_flags: leaked(&self.write_flags),
            gives: sources(&self.gives).map_err(|word| {
                format!("program `{}`: `gives` knows no `{word}`", self.names[0])
            })?,
        };
        Ok((self.names, Box::leak(Box::new(program))))
    }
}

/// The sources of these names, or the name that is none.
fn sources(words: &[String]) -> Result<Sources, &str> {
    words.iter().try_fold(Sources::NONE, |all, word| {
        Sources::named(word)
            .map(|source| all.and(source))
            .ok_or(word.as_str())
    })
}

fn leaked(words: &[String]) -> &'static [&'static str] {
    words
        .iter()
        .map(|word| &*word.clone().leak())
        .collect::<Vec<_>>()
        .leak()
}

/// Flags with their spellings taken apart.
fn taken_apart(flags: &[String]) -> &'static [&'static [Spelling]] {
    leaked(flags)
        .iter()
        .map(|flag| {
            let each = spellings(flag).map(|(name, value)| Spelling { name, value });
            &*each.collect::<Vec<_>>().leak()
        })
        .collect::<Vec<_>>()
        .leak()
}

impl From<TierEntry> for Tier {
    fn from(tier: TierEntry) -> Self {
        match tier {
            TierEntry::Safe => Self::Safe,
            TierEntry::Review => Self::Review,
            TierEntry::Dangerous => Self::Dangerous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, review};

    fn tier(config: &str, command: &str) -> Tier {
        let rules = Rules::configured(config).expect("the configuration is right");
        let command_line = command.to_owned();
        review(
            &rules,
            &Request {
                command_line,
                ..Request::default()
            },
        )
        .tier
    }

    #[test]
    fn lists_change_what_a_command_is() {
        assert_eq!(
            tier(r#"{"deny": ["make *"]}"#, "cd a && make all"),
            Tier::Dangerous
        );
        assert_eq!(tier(r#"{"review": ["make *"]}"#, "make all"), Tier::Review);
        assert_eq!(
            tier(r#"{"allow": ["git push*"]}"#, "git push origin main"),
            Tier::Safe
        );
    }

    #[test]
    fn what_would_be_refused_is_allowed_by_its_name_alone() {
        assert_eq!(
            tier(r#"{"allow": ["git push*"]}"#, "git push --force"),
            Tier::Dangerous
        );
        assert_eq!(
            tier(r#"{"allow": ["git push --force"]}"#, "git push --force"),
            Tier::Safe
        );
    }

    #[test]
    fn what_is_allowed_covers_nothing_else() {
        let config = r#"{"allow": ["echo *", "sh *"]}"#;
        assert_eq!(tier(config, "echo hi; rm -rf ~"), Tier::Dangerous);
        assert_eq!(tier(config, "echo hi > /dev/sda"), Tier::Dangerous);
        assert_eq!(tier(config, "sh -c 'rm -rf ~'"), Tier::Dangerous);
    }

    #[test]
    fn a_rule_of_ones_own_is_asked_first() {
        let config = r#"{"rule": [{"id": "a/b", "programs": ["ls"], "flags": ["-l"], "operands": ["@home"],
            "tier": "dangerous", "reason": "No."}]}"#;
        assert_eq!(tier(config, "ls -l ~"), Tier::Dangerous);
        assert_eq!(tier(config, "ls ~"), Tier::Safe);
    }

    #[test]
    fn a_program_of_ones_own_is_looked_through() {
        let config = r#"{"program": [{"names": ["in-sandbox"], "runs-after": 0}]}"#;
        assert_eq!(tier(config, "in-sandbox rm -rf ~"), Tier::Dangerous);
        assert_eq!(tier("{}", "in-sandbox ls"), Tier::Review);
    }

    #[test]
    fn tiers_of_rules_and_of_unknown_programs_can_be_set() {
        assert_eq!(
            tier(r#"{"tiers": {"git/push-force": "review"}}"#, "git push -f"),
            Tier::Review
        );
        assert_eq!(tier("{}", "frobnicate"), Tier::Review);
        assert_eq!(
            tier(r#"{"unknown-program-tier": "safe"}"#, "frobnicate"),
            Tier::Safe
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (config, named) in [
            (r#"{"alow": []}"#, "alow"),
            (r#"{"tiers": {"no/rule": "safe"}}"#, "no/rule"),
            (
                r#"{"rule": [{"id": "a", "programs": ["x"], "operands": ["@hom"]}]}"#,
                "@hom",
            ),
            (
                r#"{"rule": [{"id": "a", "programs": ["x"], "arguments": ["*[?]all*"]}]}"#,
                "*[?]all*",
            ),
            (r#"{"rule": [{"programs": ["x"]}]}"#, "id"),
            (
                r#"{"program": [{"names": ["x"], "gives": ["gold"]}]}"#,
                "gold",
            ),
            ("3", "[config]"),
        ] {
            let error = Rules::configured(config).expect_err(config);
            assert!(error.contains(named), "{error}");
        }
    }
}
