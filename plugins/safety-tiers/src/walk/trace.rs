//! What a walk met on its way, for a person who wants to know why.

use super::Walk;
use crate::text;
use crate::verdict::{Span, Tier};

/// Steps that are told of.
const MAX_STEPS_TOLD: usize = 200;

/// One command that would run, as it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How many commands, functions or scripts it is nested in.
    pub depth: u32,
    /// The program and its arguments after every expansion; `…` stands for
    /// what only the machine knows.
    pub command: Vec<String>,
    /// The piece of the command line that it comes from.
    pub span: Span,
    /// The tier that rules give to this command by itself.
    pub tier: Tier,
    /// The rule that says so.
    pub rule: String,
    /// What the rule says.
    pub reason: String,
}

impl Walk<'_> {
    /// From now on notes what is met.
    pub(crate) fn trace(&mut self) {
        self.trace = Some(Vec::new());
        self.stops_at_danger = false;
    }

    /// What was met since [`Self::trace`], in the order of the line; a command
    /// stands before those that it runs.
    pub(crate) fn take_trace(&mut self) -> Vec<Step> {
        self.trace.take().unwrap_or_default()
    }

    /// Makes room for a step, whose verdict [`Self::trace_verdict`] fills in.
    pub(super) fn trace_command(
        &mut self,
        name: &str,
        arguments: &[super::Field],
        span: Span,
        depth: u32,
    ) -> Option<usize> {
        let trace = self.trace.as_mut()?;
        if trace.len() >= MAX_STEPS_TOLD {
            return None;
        }
        let words = std::iter::once(name).chain(arguments.iter().map(|field| field.text.as_str()));
        trace.push(Step {
            depth,
            command: words.map(text::shown).collect(),
            span,
            tier: Tier::Safe,
            rule: String::new(),
            reason: String::new(),
        });
        Some(trace.len() - 1)
    }

    /// Notes what a rule says about a step, if it is the strictest yet.
    pub(super) fn trace_verdict(
        &mut self,
        step: Option<usize>,
        tier: Tier,
        rule: &str,
        reason: &str,
    ) {
        let found = step.and_then(|step| self.trace.as_mut()?.get_mut(step));
        if let Some(step) = found
            && (step.rule.is_empty() || step.tier < tier)
        {
            step.tier = tier;
            step.rule = rule.to_owned();
            step.reason = reason.to_owned();
        }
    }
}
