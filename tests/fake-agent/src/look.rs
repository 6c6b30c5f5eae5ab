//! What it draws: the words and signs of the agents that it stands in for.

use clap::ValueEnum;

use crate::screen::rows;

/// Whose looks it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Look {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

/// Pastes of more lines than this are shown as a word.
const MOST_LINES_SHOWN: usize = 6;

const SPINNER: [&str; 6] = ["·", "✢", "✳", "✶", "✻", "✽"];

impl Look {
    /// The looks of the name that the program was started by.
    pub(crate) fn of_program(name: &str) -> Self {
        match name.contains("codex") {
            true => Self::Codex,
            false => Self::Claude,
        }
    }

    /// The sign before what is typed.
    fn sign(self) -> &'static str {
        match self {
            Self::Claude => "❯",
            Self::Codex => "›",
        }
    }

    /// How a paste is shown that is too long to be shown.
    pub(crate) fn pasted(self, number: usize, text: &str) -> Option<String> {
        let breaks = text.matches('\n').count();
        (breaks >= MOST_LINES_SHOWN).then(|| match self {
            Self::Claude => format!("[Pasted text #{number} +{breaks} lines]"),
            Self::Codex => format!("[Pasted Content {} chars]", text.chars().count()),
        })
    }

    /// The prompt box with what was typed.
    pub(crate) fn prompt_box(self, typed: &str, width: usize) -> Vec<String> {
        let sign = self.sign();
        let mut lines: Vec<String> = match (self, typed.is_empty()) {
            (Self::Codex, true) => vec![format!("{sign} \x1b[2mAsk Codex to do anything\x1b[0m")],
            _ => (rows(typed, width.saturating_sub(3)).iter().enumerate())
                .map(|(at, row)| match at {
                    0 => format!("{sign} {row}"),
                    _ => format!("  {row}"),
                })
                .collect(),
        };
        match self {
            Self::Claude => {
                lines.insert(0, "─".repeat(width));
                lines.push("─".repeat(width));
                lines.push("  ? for shortcuts".to_owned());
            }
            Self::Codex => {
                lines.push(String::new());
                lines.push("  ? for shortcuts".to_owned());
            }
        }
        lines
    }

    /// The line above the box while it works.
    pub(crate) fn working(self, frame: usize, seconds: u64) -> Vec<String> {
        let line = match self {
            Self::Claude => {
                let glyph = SPINNER[frame % SPINNER.len()];
                format!("{glyph} Pondering… ({seconds}s · ↓ {frame} tokens)")
            }
            Self::Codex => format!("• Working ({seconds}s • esc to interrupt)"),
        };
        vec![line, String::new()]
    }

    /// What stays of a prompt that was submitted.
    pub(crate) fn echo(self, shown: &str, width: usize) -> Vec<String> {
        let mut lines: Vec<String> = (rows(shown, width.saturating_sub(3)).iter().enumerate())
            .map(|(at, row)| match at {
                0 => format!("{} {row}", self.sign()),
                _ => format!("  {row}"),
            })
            .collect();
        lines.push(String::new());
        lines
    }

    /// What stays of its answer.
    pub(crate) fn answer(self, answer: &str, width: usize) -> Vec<String> {
        let sign = match self {
            Self::Claude => "●",
            Self::Codex => "•",
        };
        let mut lines: Vec<String> = rows(answer, width.saturating_sub(3))
            .iter()
            .enumerate()
            .map(|(at, row)| match at {
                0 => format!("{sign} {row}"),
                _ => format!("  {row}"),
            })
            .collect();
        lines.push(String::new());
        lines
    }

    /// The dialog in which it asks for permission.
    pub(crate) fn permission(self, command: &str, selected: usize) -> Vec<String> {
        let (question, yes, no, foot) = match self {
            Self::Claude => (
                "Do you want to proceed?",
                "Yes",
                "No",
                "Esc to cancel · Tab to amend",
            ),
            Self::Codex => (
                "Would you like to run the following command?",
                "Yes, proceed (y)",
                "No, and tell Codex what to do differently (esc)",
                "Press enter to confirm or esc to cancel",
            ),
        };
        let mut lines = vec![
            " Bash command".to_owned(),
            String::new(),
            format!("   {command}"),
            String::new(),
            format!(" {question}"),
        ];
        lines.extend(self.choices(&[yes, no], selected));
        lines.extend([String::new(), format!(" {foot}")]);
        lines
    }

    /// The dialog in which it asks something.
    pub(crate) fn question(self, question: &str, selected: usize) -> Vec<String> {
        let mut lines = vec![question.to_owned(), String::new()];
        lines.extend(self.choices(&["Yes", "No"], selected));
        lines.push(String::new());
        lines.push(match self {
            Self::Claude => "Enter to select · ↑/↓ to navigate · Esc to cancel".to_owned(),
            Self::Codex => "  enter to submit answer | esc to interrupt".to_owned(),
        });
        lines
    }

    fn choices(self, choices: &[&str], selected: usize) -> Vec<String> {
        (choices.iter().enumerate())
            .map(|(at, choice)| {
                let sign = if at == selected { self.sign() } else { " " };
                format!("{sign} {}. {choice}", at + 1)
            })
            .collect()
    }

    /// What stays when the usage limit is reached.
    pub(crate) fn limit(self, seconds: u64) -> Vec<String> {
        let text = match self {
            Self::Claude => {
                format!("  ⎿  You've hit your session limit · resets in {seconds} seconds")
            }
            Self::Codex => {
                format!("■ You've hit your usage limit. Try again in {seconds} seconds.")
            }
        };
        vec![text, String::new()]
    }
}
