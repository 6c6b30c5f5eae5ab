//! A session: a program, what it shows, and what it has told the terminal.

use std::collections::BTreeMap;

use quarterdeck_iterm2::proto::Selection;
use serde_json::{Value, json};

use crate::buffer;
use crate::emulator::Emulator;
use crate::escapes::{Escape, Tap};
use crate::layout::Cells;
use crate::profiles::{self, Profile};
use crate::program::{Program, Start};
use crate::prompts::{self, Prompts};

pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) program: Program,
    /// What its program was started with, to start it again.
    pub(crate) start: Start,
    /// Its program has ended, and its pane was left.
    pub(crate) ended: bool,
    pub(crate) emulator: Emulator,
    tap: Tap,
    pub(crate) prompts: Prompts,
    /// Its own copy of its profile.
    pub(crate) profile: Profile,
    /// The name that a script gave it.
    pub(crate) name: Option<String>,
    /// The title that its program gave it.
    pub(crate) title: Option<String>,
    folder: Option<String>,
    pub(crate) host: Option<(String, String)>,
    /// `user.*` variables, without the prefix.
    pub(crate) user: BTreeMap<String, Value>,
    pub(crate) selection: Selection,
    /// It shows something that was not told yet.
    pub(crate) stale: bool,
}

/// Something in output that others want to know.
#[derive(Debug)]
pub(crate) enum Happening {
    Prompt(prompts::Event),
    Custom { sender: String, payload: String },
}

impl Session {
    pub(crate) fn new(id: String, program: Program, start: Start, profile: Profile) -> Self {
        Self {
            id,
            program,
            emulator: Emulator::new(start.size),
            start,
            ended: false,
            tap: Tap::default(),
            prompts: Prompts::default(),
            profile,
            name: None,
            title: None,
            folder: None,
            host: None,
            user: BTreeMap::new(),
            selection: Selection::default(),
            stale: true,
        }
    }

    /// What a person would read on the tab.
    pub(crate) fn title(&self) -> String {
        let own = self.name.as_deref().or(self.title.as_deref());
        own.unwrap_or_else(|| profiles::text(&self.profile, "Name"))
            .to_owned()
    }

    /// Shows bytes, whether its program wrote them or not.
    pub(crate) fn show(&mut self, mut bytes: &[u8]) -> Vec<Happening> {
        let mut happenings = Vec::new();
        while !bytes.is_empty() {
            let (consumed, escape) = self.tap.next(bytes);
            self.emulator.show(&bytes[..consumed]);
            bytes = &bytes[consumed..];
            happenings.extend(escape.and_then(|escape| self.understand(escape)));
        }
        let answers = self.emulator.take_answers();
        if !answers.is_empty() {
            self.program.write(answers);
        }
        self.stale = true;
        happenings
    }

    fn understand(&mut self, escape: Escape) -> Option<Happening> {
        let cursor = self.emulator.cursor();
        let event = match escape {
            Escape::PromptBegins => {
                self.prompts.begin(cursor);
                None
            }
            Escape::PromptEnds => Some(self.prompts.end(cursor, self.folder())),
            Escape::CommandBegins => {
                let command = self.typed_since(self.prompts.command_start()?);
                self.prompts.run(cursor, command)
            }
            Escape::CommandEnds(status) => self.prompts.finish(cursor, status),
            Escape::Custom { sender, payload } => {
                return Some(Happening::Custom { sender, payload });
            }
            Escape::UserVariable { name, value } => {
                self.user.insert(name, Value::String(value));
                None
            }
            Escape::Badge(badge) => {
                self.profile.insert("Badge Text".into(), badge.into());
                None
            }
            Escape::Folder(folder) => {
                self.folder = Some(folder);
                None
            }
            Escape::Host { user, host } => {
                self.host = Some((user, host));
                None
            }
            Escape::TabColor { component, value } => {
                self.color_tab(component, value);
                None
            }
            Escape::NoTabColor => {
                self.profile.insert("Use Tab Color".into(), false.into());
                None
            }
            Escape::Title(title) => {
                self.title = Some(title);
                None
            }
        };
        event.map(Happening::Prompt)
    }

    fn color_tab(&mut self, component: usize, value: u8) {
        const KEYS: [&str; 3] = ["Red Component", "Green Component", "Blue Component"];
        self.profile.insert("Use Tab Color".into(), true.into());
        let color = self
            .profile
            .entry("Tab Color")
            .or_insert_with(|| json!({"Color Space": "sRGB", "Alpha Component": 1}));
        color[KEYS[component]] = json!(f64::from(value) / 255.0);
    }

    /// The text from a place to the cursor, as a command that was typed there.
    fn typed_since(&self, (column, line): (usize, usize)) -> String {
        let (_, end) = self.emulator.cursor();
        let mut typed = String::new();
        for number in line..=end {
            let Some(cells) = self.emulator.line(number) else {
                continue;
            };
            let first = if number == line { column } else { 0 };
            typed.push_str(&buffer::text(&cells[first.min(cells.len())..]));
        }
        typed.trim().to_owned()
    }

    pub(crate) fn folder(&self) -> Option<String> {
        let of_process = || {
            let link = std::fs::read_link(format!("/proc/{}/cwd", self.program.pid)).ok()?;
            Some(link.to_string_lossy().into_owned())
        };
        self.folder.clone().or_else(of_process)
    }

    /// Whether that is another size than it had.
    pub(crate) fn resize(&mut self, size: Cells) -> bool {
        let other = size != self.emulator.size();
        if other {
            self.emulator.resize(size);
            self.program.resize(size);
            self.start.size = size;
            self.stale = true;
        }
        other
    }
}
