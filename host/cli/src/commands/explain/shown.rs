//! An explanation as it is printed.

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use quarterdeck_core::audit::{KeptVerdict, PastCommand};
use quarterdeck_core::gate::{ApprovalScope, CommandExplanation, Decision};
use quarterdeck_core::policy::{
    PolicyAnswer, PolicyMode, PolicyRequest, PolicyStatement, ProgressUpdate, ReviewRequest, Tier,
    Verdict,
};
use quarterdeck_core::{inert_text, rfc3339};
use serde_json::{Value, json};

use super::resolved::{self, Resolved};
use super::underline::underlined;
use crate::Setup;

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// One request, and what each policy said to it.
pub(super) struct Explanation {
    pub(super) request: PolicyRequest,
    said: Vec<Said>,
    /// What is to be known of where it comes from.
    notes: Vec<String>,
    row: Option<i64>,
    /// What would run, as the bundled approver reads it.
    resolved: Vec<Resolved>,
}

/// What one policy said.
struct Said {
    policy: String,
    generation: u64,
    digest: String,
    shadow: bool,
    /// Whether its answer is the one that counts.
    decides: bool,
    /// In microseconds; `None` where it is not known.
    took: Option<u64>,
    answer: Result<PolicyAnswer, String>,
}

impl Explanation {
    /// What the approvers said just now.
    pub(super) fn of_command(explained: CommandExplanation) -> Self {
        let statements = explained.statements.into_iter().map(Into::into).collect();
        let request = PolicyRequest::Review(explained.request);
        Self {
            row: Some(explained.row),
            ..Self::of_statements(request, statements)
        }
    }

    /// What policies of any kind said just now.
    pub(super) fn of_statements(request: PolicyRequest, statements: Vec<PolicyStatement>) -> Self {
        let mut notes = Vec::new();
        if statements.is_empty() {
            notes.push(format!(
                "no {} is loaded; `quarterdeck plugin list` shows what is",
                request.kind()
            ));
        }
        let said = statements
            .into_iter()
            .map(|statement| Said {
                policy: statement.policy,
                generation: statement.generation,
                digest: statement.digest,
                shadow: statement.mode == PolicyMode::Shadow,
                decides: false,
                took: Some(statement.took_micros),
                answer: statement.answer,
            })
            .collect();
        Self {
            request,
            said: with_decision(said),
            notes,
            row: None,
            resolved: Vec::new(),
        }
    }

    /// What was said to a command of the past.
    pub(super) fn of_past(past: PastCommand) -> Self {
        let mut notes = vec![format!(
            "row {} of {}: {}",
            past.row,
            rfc3339(past.at),
            what_was_done(&past.decision)
        )];
        if past.verdicts.is_empty() {
            notes.push("nobody was asked: the gate was off".to_owned());
        }
        if !past.complete {
            notes.push(
                "an older version kept this row, without where the command would run and what ran before"
                    .to_owned(),
            );
        }
        let said = past.verdicts.into_iter().map(|verdict| (verdict, false));
        let shadows = past.shadows.into_iter().map(|verdict| (verdict, true));
        Self {
            request: PolicyRequest::Review(past.request),
            said: with_decision(
                said.chain(shadows)
                    .map(|(verdict, shadow)| Said::kept(verdict, shadow))
                    .collect(),
            ),
            notes,
            row: Some(past.row),
            resolved: Vec::new(),
        }
    }

    /// With what would run, where the bundled approver was asked.
    pub(super) fn with_commands(mut self, setup: &Setup) -> Self {
        if let PolicyRequest::Review(request) = &self.request {
            self.resolved = self
                .said
                .iter()
                .map(|said| resolved::resolved(setup, request, &said.digest))
                .find(|resolved| !resolved.is_empty())
                .unwrap_or_default();
        }
        self
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Result<Value> {
        let statements = self
            .said
            .iter()
            .map(|said| {
                let mut statement = json!({
                    "policy": said.policy,
                    "generation": said.generation,
                    "digest": said.digest,
                    "shadow": said.shadow,
                    "decides": said.decides,
                    "tookMicros": said.took,
                });
                match &said.answer {
                    Ok(answer) => statement["answer"] = serde_json::to_value(answer)?,
                    Err(failure) => statement["failure"] = json!(failure),
                }
                Ok(statement)
            })
            .collect::<Result<Vec<Value>>>()?;
        Ok(json!({
            "kind": self.request.kind(),
            "request": self.request,
            "statements": statements,
            "notes": self.notes,
            "commands": self.resolved,
            "row": self.row,
        }))
    }

    /// For people.
    pub(super) fn print(&self) {
        if let PolicyRequest::Review(request) = &self.request {
            print_request(request);
        }
        for note in &self.notes {
            anstream::println!("{FAINT}{note}{FAINT:#}");
        }
        for said in &self.said {
            anstream::println!();
            said.print(&self.request);
        }
        if !self.resolved.is_empty() {
            anstream::println!("\n{STRONG}what would run{STRONG:#}, as safety-tiers reads it");
            resolved::print(&self.resolved);
        }
    }
}

impl Said {
    fn kept(verdict: KeptVerdict, shadow: bool) -> Self {
        Self {
            policy: verdict.policy.clone(),
            generation: verdict.generation,
            digest: verdict.digest.clone(),
            shadow,
            decides: false,
            took: None,
            answer: Ok(PolicyAnswer::Verdict(Verdict {
                tier: verdict.tier,
                reason: verdict.reason,
                rule: verdict.rule,
                span: verdict.span.map(|(start, end)| start..end),
                suggestion: None,
                policy: verdict.policy,
                generation: verdict.generation,
                digest: verdict.digest,
            })),
        }
    }

    fn tier(&self) -> Option<Tier> {
        match &self.answer {
            Ok(PolicyAnswer::Verdict(verdict)) => Some(verdict.tier),
            _ => None,
        }
    }

    fn print(&self, request: &PolicyRequest) {
        let mut known = vec![format!("generation {}", self.generation)];
        known.extend(self.digest.get(..12).map(str::to_owned));
        known.extend(self.took.map(|micros| format!("{micros} µs")));
        if self.shadow {
            known.push("a shadow, not obeyed".to_owned());
        }
        if self.decides {
            known.push("decides".to_owned());
        }
        let outcome = self.tier().map_or(String::new(), |tier| {
            let style = style_of(tier);
            format!("  {style}{tier}{style:#}")
        });
        anstream::println!(
            "{STRONG}{}{STRONG:#}{outcome}  {FAINT}({}){FAINT:#}",
            self.policy,
            known.join(", ")
        );
        match (&self.answer, request) {
            (Err(failure), _) => anstream::println!("  {failure}"),
            (Ok(PolicyAnswer::Verdict(verdict)), PolicyRequest::Review(request)) => {
                print_verdict(verdict, &request.command_line);
            }
            (Ok(PolicyAnswer::Updates(chunks)), _) => {
                for (number, updates) in chunks.iter().enumerate() {
                    for update in updates {
                        anstream::println!("  chunk {}: {}", number + 1, in_words(update));
                    }
                }
                if chunks.iter().all(Vec::is_empty) {
                    anstream::println!("  saw no progress");
                }
            }
            (Ok(PolicyAnswer::Decision(decision)), _) => {
                let action = json!(decision.action);
                let action = action
                    .as_str()
                    .map_or_else(|| action.to_string(), str::to_owned);
                let delay = match decision.delay_ms {
                    0 => String::new(),
                    delay => format!(" after {delay} ms"),
                };
                anstream::println!("  {action}{delay}: {}", decision.reason);
            }
            (Ok(answer), _) => anstream::println!("  {}", json!(answer)),
        }
    }
}

/// Marks the verdict that counts: the strictest of those that rule, of equals
/// the first. Policies of the other kinds are asked by name; none decides here.
fn with_decision(mut said: Vec<Said>) -> Vec<Said> {
    let strictest = said
        .iter()
        .filter(|said| !said.shadow)
        .filter_map(Said::tier)
        .max();
    if let Some(decides) = said
        .iter_mut()
        .find(|said| !said.shadow && said.tier().is_some() && said.tier() == strictest)
    {
        decides.decides = true;
    }
    said
}

fn print_request(request: &ReviewRequest) {
    anstream::println!("{}", inert_text(&request.command_line));
    let session = &request.session;
    let place = session.cwd.as_deref().unwrap_or("an unknown folder");
    let session = match session.id.as_str() {
        "" => String::new(),
        id => format!(", session {id} ({})", session.name),
    };
    anstream::println!(
        "{FAINT}in {place}{session}, for {} through {}{FAINT:#}",
        request
            .caller
            .client
            .as_deref()
            .unwrap_or(&request.caller.kind),
        request.caller.transport,
    );
}

fn print_verdict(verdict: &Verdict, command: &str) {
    if let Some(span) = &verdict.span {
        let span = (span.start as usize, span.end as usize);
        let style = style_of(verdict.tier);
        for (line, marks) in underlined(command, span) {
            anstream::println!("    {line}");
            anstream::println!("    {style}{marks}{style:#}");
        }
    }
    match &verdict.rule {
        Some(rule) => anstream::println!("  {rule}: {}", verdict.reason),
        None => anstream::println!("  {}", verdict.reason),
    }
    if let Some(suggestion) = &verdict.suggestion {
        anstream::println!("  instead: {suggestion}");
    }
}

fn in_words(update: &ProgressUpdate) -> String {
    let status = json!(update.status);
    let mut words = vec![status.as_str().unwrap_or_default().to_owned()];
    words.extend([&update.item, &update.label].map(|text| text.clone()));
    words.extend(update.percent.map(|percent| format!("{percent:.0}%")));
    words.extend(match (update.completed, update.total) {
        (Some(completed), Some(total)) => Some(format!("{completed} of {total}")),
        (Some(completed), None) => Some(completed.to_string()),
        (None, _) => None,
    });
    words.retain(|word| !word.is_empty());
    words.join("  ")
}

fn what_was_done(decision: &Decision) -> String {
    match decision {
        Decision::Allowed => "let through".to_owned(),
        Decision::Confirmed { by, scope } => {
            let until = match scope {
                ApprovalScope::Session => " for this session",
                ApprovalScope::Once | ApprovalScope::Always => "",
            };
            format!("let through, because {by} said so{until}")
        }
        Decision::AllowedByRule { allow_rule_row } => {
            format!("let through by an allow rule, which row {allow_rule_row} holds")
        }
        Decision::LeftToCaller => "left to the agent's own question to its person".to_owned(),
        Decision::LetThrough { mode } => {
            let mode = json!(mode);
            format!(
                "let through, because the gate's mode was {}",
                mode.as_str().unwrap_or_default()
            )
        }
        Decision::ConfirmationRequired { confirmation } => {
            format!("a person was to be asked first (confirmation {confirmation})")
        }
        Decision::Refused => "refused".to_owned(),
        Decision::OnlyAsked => "only asked about, nothing was to be typed".to_owned(),
    }
}

pub(super) fn style_of(tier: Tier) -> Style {
    match tier {
        Tier::Safe => AnsiColor::Green,
        Tier::Review => AnsiColor::Yellow,
        Tier::Dangerous => AnsiColor::Red,
    }
    .on_default()
}
