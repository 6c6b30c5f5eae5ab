//! From a request to a verdict.

use crate::answers::takes_the_line;
use crate::parser::{Dialect, Problem};
use crate::request::{Certainty, Entry, Prompt, Request};
use crate::rules::Rules;
use crate::typed::{Language, Reader, UNKNOWN_SCREEN, program_name, reader};
use crate::verdict::{Finding, Span, Tier, Verdict};
use crate::walk::{Step, Walk, base_name};

/// Longer texts are not judged to their end, and so never safe.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Judges a request. Answers on any text, in time bounded by its length.
pub fn review(rules: &Rules, request: &Request) -> Verdict {
    let mut walk = Walk::new(rules, request.here(), request.in_production());
    judge(&mut walk, rules, request)
}

/// Judges a request as [`review`] does, and tells what the verdict rests on.
pub fn explain(rules: &Rules, request: &Request) -> Explanation {
    let mut walk = Walk::new(rules, request.here(), request.in_production());
    walk.trace();
    let verdict = judge(&mut walk, rules, request);
    Explanation {
        verdict,
        steps: walk.take_trace(),
    }
}

/// A verdict, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The answer.
    pub verdict: Verdict,
    /// The commands that would run, as they were resolved, each with the rule
    /// that decided about it.
    pub steps: Vec<Step>,
}

fn judge(walk: &mut Walk<'_>, rules: &Rules, request: &Request) -> Verdict {
    let mut verdict = match other_language(request) {
        Some(language) => typed_into(walk, rules, request, language),
        None => shell_line(walk, rules, request),
    };
    let shell = other_language(request).is_none();
    if shell
        && let Some(tier) = configured_for_a_shell(rules, request)
        && verdict.tier < tier
    {
        verdict.reason = format!(
            "It is typed into {}, for which the configuration sets this tier.",
            crate::text::shown(request.program.as_deref().unwrap_or_default())
        );
        verdict.rule = Some("core/typed-into-program".to_owned());
        verdict.tier = tier;
    }
    if shell && request.certainty == Certainty::Unknown && verdict.tier == Tier::Safe {
        verdict = Verdict {
            tier: rules.tier_of("core/uncertain", Tier::Review),
            reason: "Keys were typed whose effect cannot be known, so this may not be what runs."
                .to_owned(),
            rule: Some("core/uncertain".to_owned()),
            span: None,
            suggestion: Some(
                "Type the whole command again, without history or completion.".to_owned(),
            ),
        };
    }
    if shell && request.is_typed_ahead() && verdict.tier > Tier::Safe {
        verdict.reason = format!(
            "Nobody reads what is typed now, so the shell may run it next. {}",
            verdict.reason
        );
    }
    let observer = request
        .role
        .as_deref()
        .filter(|role| rules.observers.iter().any(|known| known == role));
    if let Some(role) = observer
        && verdict.tier == Tier::Review
    {
        verdict.tier = rules.tier_of("core/observer", Tier::Dangerous);
        verdict.reason = format!("The role `{role}` may only look. {}", verdict.reason);
        verdict.rule = Some("core/observer".to_owned());
    }
    verdict
}

/// The language of the program that reads the text, where that is no shell.
fn other_language(request: &Request) -> Option<&'static Language> {
    // Handed over whole, or told of by a hook: a shell gets it, whatever the
    // terminal shows.
    if !request.is_typed() && request.prompt != Prompt::Running
        || request.prompt == Prompt::AtPrompt
    {
        return None;
    }
    match request.program.as_deref().map(reader) {
        Some(Reader::Program(language)) => Some(language),
        Some(Reader::Shell) => None,
        Some(Reader::Nothing) | None => request.full_screen.then_some(&UNKNOWN_SCREEN),
    }
}

/// Text that a shell will run.
fn shell_line(walk: &mut Walk<'_>, rules: &Rules, request: &Request) -> Verdict {
    let line = within_bounds(&request.command_line);
    let typed_while_running = request.prompt == Prompt::Running && request.is_typed();
    let reader = request.program.as_deref().map(reader);
    let answers_a_shell = typed_while_running
        && reader == Some(Reader::Shell)
        && (answers_the_shell(request) || answers_a_script(request));
    // A program that reads it may take it for an answer, not for a command.
    let answers = answers_a_shell
        || typed_while_running && reader == Some(Reader::Nothing) && !request.typed_ahead;
    if answers {
        walk.may_be_no_command(configured(rules, request).unwrap_or(Tier::Safe));
    } else if let Some(tier) = configured_for_a_shell(rules, request) {
        walk.may_be_no_command(tier);
    }
    let shell = request.program.as_deref().map(program_name);
    if shell.as_deref() == Some("fish") {
        walk.follow(Dialect::Fish);
    }
    for earlier in &request.recent {
        walk.remember(earlier);
    }
    // Only an interactive shell knows `!word`.
    let interactive = request.entry != Entry::Hook;
    if !interactive {
        walk.later_input_is_unseen();
    }
    if request.earlier.is_some_and(|earlier| !earlier.awaited) {
        walk.command_line(request.last_line(), interactive, |problems| {
            request.goes_on(problems)
        });
    }
    let is_right = |problems: &[Problem]| {
        answers && problems.iter().all(Problem::is_of_grammar) || request.goes_on(problems)
    };
    let parsed = walk.command_line(line, interactive, is_right);
    let goes_on = !answers && request.goes_on(&parsed.problems);
    if !parsed.problems.is_empty() && walk.tier() < Tier::Dangerous {
        let whole = Span {
            start: 0,
            end: line.len(),
        };
        walk.scan(line, whole, 0);
        if goes_on {
            walk.scan(request.last_line(), whole, 0);
        }
        // What a shell says nothing of may be another one, with other quotes.
        if goes_on && request.prompt != Prompt::AtPrompt {
            walk.scan_for_commands(request.last_line(), whole);
        }
        let other_shell = shell
            .as_deref()
            .is_some_and(|shell| matches!(shell, "fish" | "bash" | "sh" | "zsh" | "dash" | "ksh"));
        if !other_shell {
            walk.read_as_fish(line, interactive);
        }
    }
    if answers_a_shell {
        walk.disregard("core/unknown-command");
    }
    if line.len() < request.command_line.len() {
        walk.too_long();
    }
    let suspicious = suspicious_character(line);
    match (walk.take_worst(), suspicious) {
        (Some(finding), Some(_)) if finding.tier > Tier::Safe => verdict(finding),
        (_, Some(found)) => verdict(Finding {
            tier: rules.tier_of("core/characters", Tier::Review),
            rule: "core/characters".to_owned(),
            reason: "Holds invisible or control characters: what is shown may not be what runs."
                .to_owned(),
            suggestion: Some("Write it again with plain characters.".to_owned()),
            span: found,
        }),
        (Some(finding), None) if finding.tier > Tier::Safe || !goes_on => verdict(finding),
        (_, None) if goes_on => Verdict {
            tier: rules.tier_of("core/unfinished", Tier::Safe),
            reason: "The command is not complete: a shell waits for more, and runs nothing before the line that completes it."
                .to_owned(),
            rule: Some("core/unfinished".to_owned()),
            span: (parsed.problems.first())
                .map(|problem| problem.span)
                .filter(|span| span.end > span.start),
            suggestion: None,
        },
        (_, None) => Verdict {
            tier: Tier::Safe,
            reason: "Nothing in it runs a program or changes a file.".to_owned(),
            rule: None,
            span: None,
            suggestion: None,
        },
    }
}

/// Whether the text is an answer to what the shell itself runs: `read` takes it.
fn answers_the_shell(request: &Request) -> bool {
    request.shell_reads
        && request.is_one_line()
        && request
            .running
            .as_deref()
            .is_some_and(|running| takes_the_line(&request.command_line, running, &request.recent))
}

/// Whether the text is an answer to a shell that has its commands from elsewhere. What
/// a file makes of it cannot be seen; it was judged when it was started.
fn answers_a_script(request: &Request) -> bool {
    request.asking.as_ref().is_some_and(|asking| {
        let line = &request.command_line;
        request.is_one_line()
            && match &asking.runs {
                Some(text) => takes_the_line(line, text, &[]),
                None => !asking.takes_keys || line.trim_end().chars().count() <= 1,
            }
    })
}

/// Text that goes to a program which is not a shell.
fn typed_into(
    walk: &mut Walk<'_>,
    rules: &Rules,
    request: &Request,
    language: &Language,
) -> Verdict {
    let text = within_bounds(&request.command_line);
    let program = request
        .program
        .as_deref()
        .unwrap_or("a full-screen program");
    let name = program_name(program);
    let mut offset = 0;
    let mut ended = false;
    for line in text.split_inclusive(['\n', '\r']) {
        let trimmed = line.trim();
        let span = Span {
            start: offset,
            end: offset + line.len(),
        };
        offset += line.len();
        if ended {
            walk.escaped_line(trimmed, span);
            continue;
        }
        // Ctrl-D ends most programs that read lines.
        ended = language.quits.contains(&trimmed) || trimmed.contains('\u{4}');
        for prefix in language.escapes {
            if let Some(rest) = trimmed.strip_prefix(prefix) {
                walk.escaped_line(rest, span);
            }
        }
        if language.code && !trimmed.is_empty() && !ended {
            walk.typed_code(&name, trimmed, span);
        }
    }
    let shown = crate::text::shown(program);
    let (tier, on_what) = match configured(rules, request) {
        Some(tier) => (tier, "the configuration's tier for that program"),
        None if language.code => (language.tier, "the rules for its own language"),
        None => (language.tier, "the usual tier for that program"),
    };
    let tier = rules.tier_of("core/typed-into-program", tier);
    match walk.take_worst() {
        Some(finding) if finding.tier > Tier::Safe && finding.tier >= tier => Verdict {
            reason: format!("Typed into {shown}: {}", finding.reason),
            ..verdict(finding)
        },
        _ => Verdict {
            tier,
            reason: format!(
                "It is typed into {shown}, not to a shell, and leads to no shell command; this rests on {on_what}."
            ),
            rule: Some("core/typed-into-program".to_owned()),
            span: None,
            suggestion: (tier > Tier::Safe).then(|| {
                format!("Leave {shown} first, and run the command at the shell's prompt.")
            }),
        },
    }
}

/// The tier that the configuration sets for what is typed into the program.
fn configured(rules: &Rules, request: &Request) -> Option<Tier> {
    let program = request.program.as_deref()?;
    let name = program_name(program);
    rules
        .typed
        .iter()
        .find(|(known, _)| *known == name || known == base_name(program))
        .map(|(_, tier)| *tier)
}

/// The tier that the configuration sets for a shell, or what leads to one, that is no
/// prompt of the session's own.
fn configured_for_a_shell(rules: &Rules, request: &Request) -> Option<Tier> {
    let runs_commands = request.prompt == Prompt::Running
        && request.program.as_deref().map(reader) == Some(Reader::Shell);
    runs_commands.then(|| configured(rules, request)).flatten()
}

/// As much of a text as is judged.
fn within_bounds(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

fn verdict(finding: Finding) -> Verdict {
    Verdict {
        tier: finding.tier,
        reason: finding.reason,
        rule: Some(finding.rule),
        span: (finding.span.end > finding.span.start).then_some(finding.span),
        suggestion: finding.suggestion,
    }
}

/// Characters that make a terminal or an editor do something, or that hide or
/// reorder text.
fn suspicious_character(line: &str) -> Option<Span> {
    // Fast: nearly every line is printable ASCII.
    if line
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r'))
    {
        return None;
    }
    line.char_indices()
        .find(|(_, character)| match character {
            '\n' | '\t' | '\r' => false,
            '\u{ad}'
            | '\u{a0}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{feff}' => true,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2000}'..='\u{200a}' => true,
            '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => true,
            character => character.is_control(),
        })
        .map(|(start, character)| Span {
            start,
            end: start + character.len_utf8(),
        })
}
