//! What it does: takes keys, thinks, asks, answers.

use std::time::{Duration, Instant};

use crate::Flags;
use crate::hooks::Hooks;
use crate::keys::Key;
use crate::log::Log;
use crate::look::Look;
use crate::screen::Screen;
use crate::timing::Jitter;

/// The spinner turns this often.
const FRAME: Duration = Duration::from_millis(20);

/// Nothing moves: somebody types, or nothing happens.
const STILL: Duration = Duration::from_secs(3_600);

/// What becomes of it after a key.
pub(crate) enum Turn {
    GoesOn,
    /// With this exit status.
    Ends(u8),
}

/// What it does at the moment.
enum Doing {
    Waits,
    Thinks {
        since: Instant,
        until: Instant,
        answer: String,
    },
    AsksPermission {
        command: String,
        selected: usize,
    },
    Asks {
        question: String,
        selected: usize,
    },
}

/// The agent.
pub(crate) struct Agent {
    look: Look,
    think: Duration,
    swallow_every: u64,
    jitter: Jitter,
    log: Log,
    hooks: Hooks,
    screen: Screen,
    doing: Doing,
    /// What was typed, and the same as it is shown: a long paste is a word there.
    typed: String,
    shown: String,
    pastes: usize,
    enters: u64,
    frame: usize,
    /// No prompt is answered before.
    limited_until: Option<Instant>,
    /// Lines that stay and are not drawn yet.
    stays: Vec<String>,
    interrupted: bool,
}

impl Agent {
    pub(crate) fn new(flags: &Flags) -> anyhow::Result<Self> {
        let program = std::env::args().next().unwrap_or_default();
        Ok(Self {
            look: flags.look.unwrap_or_else(|| Look::of_program(&program)),
            think: Duration::from_millis(flags.think_ms),
            swallow_every: flags.swallow_every,
            jitter: Jitter::new(flags.seed, flags.jitter_ms),
            log: Log::open(flags.log.as_deref())?,
            hooks: Hooks::new(flags.hook.clone()),
            screen: Screen::new(),
            doing: Doing::Waits,
            typed: String::new(),
            shown: String::new(),
            pastes: 0,
            enters: 0,
            frame: 0,
            limited_until: None,
            stays: Vec::new(),
            interrupted: false,
        })
    }

    /// Shows itself, and takes pastes from now on.
    pub(crate) fn begin(&mut self) -> std::io::Result<()> {
        print!("\x1b[?2004h\x1b[?25l");
        self.draws()
    }

    /// How long it does nothing if nobody types.
    pub(crate) fn patience(&self) -> Duration {
        match &self.doing {
            Doing::Thinks { until, .. } => {
                FRAME.min(until.saturating_duration_since(Instant::now()))
            }
            _ => STILL,
        }
    }

    /// Takes a key.
    pub(crate) fn takes(&mut self, key: Key) -> anyhow::Result<Turn> {
        let interrupted = std::mem::replace(&mut self.interrupted, key == Key::Interrupt);
        match (&mut self.doing, key) {
            (_, Key::Interrupt) if interrupted => return Ok(Turn::Ends(130)),
            (Doing::Waits, Key::End) if self.typed.is_empty() => return Ok(Turn::Ends(0)),
            (Doing::Waits | Doing::Thinks { .. }, key) => return self.edits(key),
            (
                Doing::AsksPermission { selected, .. } | Doing::Asks { selected, .. },
                Key::Up | Key::Down,
            ) => *selected = 1 - *selected,
            (_, Key::Text(text)) => match text.chars().next() {
                Some('1' | 'y') => self.answers_dialog(true)?,
                Some('2' | 'n') => self.answers_dialog(false)?,
                _ => {}
            },
            (Doing::AsksPermission { selected, .. } | Doing::Asks { selected, .. }, Key::Enter) => {
                let yes = *selected == 0;
                self.answers_dialog(yes)?;
            }
            (_, Key::Escape | Key::Interrupt) => self.answers_dialog(false)?,
            _ => {}
        }
        Ok(Turn::GoesOn)
    }

    /// A key that goes to the prompt box.
    fn edits(&mut self, key: Key) -> anyhow::Result<Turn> {
        match key {
            Key::Text(text) => {
                self.typed.push_str(&text);
                self.shown.push_str(&text);
            }
            Key::Paste(text) => {
                self.pastes += 1;
                let shown = self.look.pasted(self.pastes, &text);
                self.shown.push_str(shown.as_deref().unwrap_or(&text));
                self.typed.push_str(&text);
            }
            Key::Backspace => {
                self.typed.pop();
                self.shown.pop();
            }
            Key::Clear => self.empties_the_box(),
            Key::Escape => self.is_interrupted(),
            Key::Enter if !self.typed.trim().is_empty() => {
                // While it thinks, what is typed waits in the box.
                if matches!(self.doing, Doing::Waits) {
                    return self.submits();
                }
            }
            _ => {}
        }
        Ok(Turn::GoesOn)
    }

    fn is_interrupted(&mut self) {
        if matches!(self.doing, Doing::Thinks { .. }) {
            self.doing = Doing::Waits;
            self.stays.push("  ⎿  Interrupted".to_owned());
        }
    }

    fn empties_the_box(&mut self) {
        self.typed.clear();
        self.shown.clear();
    }

    fn submits(&mut self) -> anyhow::Result<Turn> {
        self.enters += 1;
        if self.swallow_every > 0 && self.enters.is_multiple_of(self.swallow_every) {
            return Ok(Turn::GoesOn);
        }
        let prompt = std::mem::take(&mut self.typed);
        let shown = std::mem::take(&mut self.shown);
        self.log.prompt(&prompt)?;
        self.stays = self.look.echo(&shown, Screen::width());
        if let Some(until) = self.limited_until {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                self.stays.extend(self.look.limit(left.as_secs() + 1));
                return Ok(Turn::GoesOn);
            }
            self.limited_until = None;
        }
        let (word, rest) = prompt.split_once(' ').unwrap_or((&prompt, ""));
        match word {
            "/crash" => return Ok(Turn::Ends(rest.trim().parse().unwrap_or(1))),
            "/permission" => {
                self.doing = Doing::AsksPermission {
                    command: rest.to_owned(),
                    selected: 0,
                };
            }
            "/ask" => {
                self.doing = Doing::Asks {
                    question: rest.to_owned(),
                    selected: 0,
                };
            }
            "/limit" => {
                let seconds = rest.trim().parse().unwrap_or(1);
                self.limited_until = Some(Instant::now() + Duration::from_secs(seconds));
                self.stays.extend(self.look.limit(seconds));
            }
            "/think" => {
                let asked = Duration::from_millis(rest.trim().parse().unwrap_or(0));
                self.thinks(asked, "Thought about it.".to_owned());
            }
            _ => {
                let lines = prompt.matches('\n').count() + 1;
                let first = prompt.lines().next().unwrap_or_default();
                self.thinks(self.think, format!("Done with {lines} lines: {first}"));
            }
        }
        Ok(Turn::GoesOn)
    }

    fn thinks(&mut self, how_long: Duration, answer: String) {
        let since = Instant::now();
        self.doing = Doing::Thinks {
            since,
            until: since + how_long,
            answer,
        };
        self.hooks.turn_begins();
    }

    fn answers_dialog(&mut self, yes: bool) -> anyhow::Result<()> {
        let asked = match std::mem::replace(&mut self.doing, Doing::Waits) {
            Doing::AsksPermission { command, .. } => command,
            Doing::Asks { question, .. } => question,
            other => {
                self.doing = other;
                return Ok(());
            }
        };
        self.log.answer(&asked, yes)?;
        match yes {
            true => self.thinks(self.think, format!("Did {asked}")),
            false => self.stays.push("  ⎿  Interrupted".to_owned()),
        }
        Ok(())
    }

    /// Draws what has changed.
    pub(crate) fn draws(&mut self) -> std::io::Result<()> {
        let width = Screen::width();
        if let Doing::Thinks { until, answer, .. } = &self.doing
            && *until <= Instant::now()
        {
            self.stays.extend(self.look.answer(answer, width));
            self.doing = Doing::Waits;
            self.hooks.turn_ends();
        }
        let region = match &self.doing {
            Doing::Waits => self.look.prompt_box(&self.shown, width),
            Doing::Thinks { since, .. } => {
                self.frame += 1;
                let mut region = self.look.working(self.frame, since.elapsed().as_secs());
                region.extend(self.look.prompt_box(&self.shown, width));
                region
            }
            Doing::AsksPermission { command, selected } => self.look.permission(command, *selected),
            Doing::Asks { question, selected } => self.look.question(question, *selected),
        };
        let stays = std::mem::take(&mut self.stays);
        self.screen.draw(&stays, region, &mut self.jitter)
    }
}
