//! Rules that users write.

use policy_progress_text::{Board, Status};
use regex_lite::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

/// One of `[[config.rules]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleSettings {
    /// A regular expression. The groups `percent`, `completed`, `total`, `item` and
    /// `label` say what is read; a rule without the first two needs a status.
    pub pattern: String,
    /// The item, where no group names it; empty for the whole.
    #[serde(default)]
    pub item: String,
    /// The label, where no group gives it; otherwise the whole line.
    pub label: Option<String>,
    /// What a match says of the item: `running`, `waiting`, `completed` or `failed`.
    pub status: Option<StatusName>,
}

/// A status by its name in `wit/progress-parser.wit`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusName {
    /// Under way.
    Running,
    /// Held up.
    Waiting,
    /// Done.
    Completed,
    /// Done, and not well.
    Failed,
}

/// A rule ready for use.
#[derive(Debug)]
pub(crate) struct Rule {
    settings: RuleSettings,
    pattern: Regex,
}

/// What a rule's groups may be called.
const GROUPS: [&str; 5] = ["percent", "completed", "total", "item", "label"];

/// A pattern compiled may take so much memory.
const PATTERN_BYTES: usize = 64 * 1024;

impl Rule {
    pub(crate) fn new(settings: &RuleSettings) -> Result<Self, String> {
        let told = |what: &str| format!("the pattern `{}` {what}", settings.pattern);
        let pattern = RegexBuilder::new(&settings.pattern)
            .size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| told(&format!("cannot be used: {error}")))?;
        let names: Vec<&str> = pattern.capture_names().flatten().collect();
        if let Some(unknown) = names.iter().find(|name| !GROUPS.contains(name)) {
            let known = GROUPS.join(", ");
            return Err(told(&format!(
                "has a group `{unknown}`; the groups are {known}"
            )));
        }
        let reads = names.contains(&"percent")
            || (names.contains(&"completed") && names.contains(&"total"));
        if !reads && settings.status.is_none() {
            return Err(told(
                "reads nothing: it needs a group `percent`, the groups `completed` and `total`, or a `status` beside it",
            ));
        }
        Ok(Self {
            settings: settings.clone(),
            pattern,
        })
    }

    /// Writes on the board what the line means; false if the rule is not about
    /// such lines.
    pub(crate) fn apply(&self, line: &str, board: &mut Board) -> bool {
        let Some(found) = self.pattern.captures(line) else {
            return false;
        };
        let text = |group: &str| found.name(group).map(|found| found.as_str());
        let item = board.item(text("item").unwrap_or(&self.settings.item));
        item.label(
            text("label")
                .or(self.settings.label.as_deref())
                .unwrap_or(line),
        );
        if let (Some(done), Some(total)) = (number(&found, "completed"), number(&found, "total")) {
            item.counted(done, total).finish_if_full();
        }
        if let Some(Ok(percent)) = text("percent").map(str::parse) {
            item.percent(percent).finish_if_full();
        }
        match self.settings.status {
            None => {}
            Some(StatusName::Completed) => {
                item.finish();
            }
            Some(StatusName::Running) => {
                item.status(Status::Running);
            }
            Some(StatusName::Waiting) => {
                item.status(Status::Waiting);
            }
            Some(StatusName::Failed) => {
                item.status(Status::Failed);
            }
        }
        true
    }
}

/// A whole number, commas between thousands allowed.
fn number(found: &Captures<'_>, group: &str) -> Option<u64> {
    let (number, rest) = policy_progress_text::scan::leading_number(found.name(group)?.as_str())?;
    rest.is_empty().then_some(number)
}
