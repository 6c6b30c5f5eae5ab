//! Whether an agent's own configuration has its hooks switched off: then ours stands
//! there and is never called.
//!
//! Sources, as of November 2026: Codex's <https://developers.openai.com/codex/hooks>
//! (`codex_hooks` is the older name), Claude Code's
//! <https://code.claude.com/docs/en/hooks>, Gemini CLI's `docs/hooks/reference.md`.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstRootNode;
use serde_json::Value;

use super::edit::Format;

/// Settings of one agent or the other, and the value that switches hooks off.
const SWITCHES: &[(&str, bool)] = &[
    ("/features/hooks", false),
    ("/features/codex_hooks", false),
    ("/disableAllHooks", true),
    ("/hooksConfig/enabled", false),
];

/// The setting in a configuration file that switches hooks off, as its user writes it.
pub(super) fn switch_in(format: Format, text: &str) -> Option<String> {
    let settings: Value = match format {
        Format::Json => CstRootNode::parse(text, &ParseOptions::default())
            .ok()?
            .to_serde_value()?,
        Format::Toml => toml::from_str(text).ok()?,
        Format::Script => return None,
    };
    let (path, off) = (SWITCHES.iter())
        .find(|(path, off)| settings.pointer(path).and_then(Value::as_bool) == Some(*off))?;
    let name = path.trim_start_matches('/').replace('/', ".");
    Some(format!("{name} = {off}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_of_each_agent_are_seen() {
        for (format, text, expected) in [
            (
                Format::Toml,
                "[features]\nhooks = false",
                Some("features.hooks = false"),
            ),
            (
                Format::Toml,
                "[features]\ncodex_hooks = false",
                Some("features.codex_hooks = false"),
            ),
            (Format::Toml, "[features]\nhooks = true", None),
            (
                Format::Json,
                "{ \"disableAllHooks\": true } // for now",
                Some("disableAllHooks = true"),
            ),
            (Format::Json, "{ \"disableAllHooks\": false }", None),
            (
                Format::Json,
                "{ \"hooksConfig\": { \"enabled\": false } }",
                Some("hooksConfig.enabled = false"),
            ),
            (Format::Json, "", None),
        ] {
            assert_eq!(switch_in(format, text).as_deref(), expected, "{text}");
        }
    }
}
