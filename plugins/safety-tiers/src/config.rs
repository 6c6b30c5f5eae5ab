//! The sidecar's `[config]`: rules of one's own, other tiers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::pack::{RuleEntry, TierEntry};
use crate::rules::Rules;

/// What may stand in `[config]`.
///
/// ```toml
/// [config]
/// unknown_program_tier = "review"
///
/// [config.tiers]
/// "git/push" = "safe"
///
/// [[config.rule]]
/// id = "team/deploy"
/// programs = ["deploy"]
/// subcommands = ["production"]
/// tier = "dangerous"
/// reason = "Deploys go through the pipeline."
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// For programs that no rule knows.
    unknown_program_tier: Option<TierEntry>,
    /// Other tiers for the rules of these ids.
    tiers: BTreeMap<String, TierEntry>,
    /// Asked before the bundled rules.
    #[serde(rename = "rule")]
    rules: Vec<RuleEntry>,
}

/// Ids that the walk itself uses, besides those of rules.
const WALK_IDS: [&str; 13] = [
    "core/syntax", "core/too-deep", "core/too-long", "core/history", "core/unknown-script",
    "core/unknown-command", "core/unknown-destroyer", "core/unknown-program", "core/project-program",
    "core/foreign-script", "core/characters", "core/uncertain", "process/fork-bomb",
];

impl Rules {
    /// Reads `[config]`, given as JSON. The error is what the person who wrote
    /// the sidecar reads.
    pub fn configured(json: &str) -> Result<Self, String> {
        let config: Config = serde_json::from_str(json).map_err(|error| {
            // The position is one in JSON that nobody has written.
            let text = error.to_string();
            let message = text.split(" at line ").next().unwrap_or(&text);
            format!("[config] of safety-tiers: {message}")
        })?;
        let mut rules = Self::default();
        if let Some(tier) = config.unknown_program_tier {
            rules.unknown_program = tier.into();
        }
        for entry in config.rules {
            let rule = entry.compile().map_err(|error| format!("[config] of safety-tiers: {error}"))?;
            rules.added.push(rule);
        }
        for (id, tier) in config.tiers {
            if !WALK_IDS.contains(&id.as_str()) && !rules.has_id(&id) {
                return Err(format!("[config] of safety-tiers: `tiers` names `{id}`, which is no rule"));
            }
            rules.tiers.push((id, tier.into()));
        }
        Ok(rules)
    }
}
