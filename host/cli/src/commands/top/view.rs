//! What `quarterdeck top` shows, and how keys change it.

use std::cmp::Ordering;

use quarterdeck_core::operations::SessionState;
use quarterdeck_server::glance::{Glance, SessionGlance};
use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState, Wrap};
use unicode_width::UnicodeWidthStr;

/// Lines that troubles may take of the terminal; a pipe gets all of them.
const TROUBLES_SHOWN: usize = 3;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Cpu,
    Memory,
    Name,
}

/// The newest look at the host.
pub(super) struct View {
    glance: Glance,
    order: Order,
    selected: TableState,
    complaint: Option<String>,
}

const HEADINGS: [&str; 8] = [
    "ID",
    "NAME",
    "STATE",
    "ON",
    "CPU %",
    "MB",
    "PROGRAM",
    "LAST COMMAND",
];

impl View {
    pub(super) fn of(glance: Glance) -> Self {
        let mut view = Self {
            glance,
            order: Order::Cpu,
            selected: TableState::default(),
            complaint: None,
        };
        view.sort();
        view
    }

    /// Takes over a newer look.
    pub(super) fn renew(&mut self, glance: Glance) {
        self.glance = glance;
        self.complaint = None;
        self.sort();
    }

    /// Says why there is none.
    pub(super) fn complain(&mut self, complaint: String) {
        self.complaint = Some(complaint);
    }

    pub(super) fn press(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char('c') => self.order = Order::Cpu,
            KeyCode::Char('m') => self.order = Order::Memory,
            KeyCode::Char('n') => self.order = Order::Name,
            KeyCode::Down | KeyCode::Char('j') => self.selected.select_next(),
            KeyCode::Up | KeyCode::Char('k') => self.selected.select_previous(),
            _ => {}
        }
        self.sort();
    }

    fn sort(&mut self) {
        let order = self.order;
        let most_first = |a: f64, b: f64| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
        self.glance.sessions.sort_by(|a, b| match order {
            Order::Cpu => most_first(a.cpu, b.cpu),
            Order::Memory => most_first(a.memory, b.memory),
            Order::Name => a.name.cmp(&b.name),
        });
    }

    fn summary(&self) -> String {
        let glance = &self.glance;
        format!(
            "Quarterdeck since {}: {}, {}, {:.1} % of a core, {:.0} MB, {}",
            glance.started_at,
            glance.health,
            counted(glance.sessions.len(), "session", "sessions"),
            glance.cpu,
            glance.memory,
            counted(
                glance.waiting,
                "command waits for a person",
                "commands wait for a person"
            ),
        )
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let summary = self.summary();
        let width = usize::from(frame.area().width.max(1));
        // Lines break between words, so a wrapped one is not quite full.
        let lines = match summary.width() {
            fits if fits <= width => 1,
            more => (more + more / 8).div_ceil(width).min(4),
        };
        let summary = Paragraph::new(summary).wrap(Wrap { trim: true });
        let troubles = self.glance.troubles.len().min(TROUBLES_SHOWN);
        let [top, trouble, middle, bottom] = Layout::vertical([
            Constraint::Length(u16::try_from(lines).unwrap_or(1)),
            Constraint::Length(u16::try_from(troubles).unwrap_or(0)),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(summary, top);
        let told = self.glance.troubles.iter().take(TROUBLES_SHOWN);
        let told = told.map(|trouble| Line::styled(trouble.as_str(), Style::new().fg(Color::Red)));
        frame.render_widget(Paragraph::new(told.collect::<Vec<_>>()), trouble);
        let rows = self.glance.sessions.iter().map(|session| {
            let cells = cells(session).map(Cell::from);
            Row::new(cells).style(Style::new().fg(colour(session.state)))
        });
        let widths = [
            Constraint::Length(8),
            Constraint::Fill(2),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Length(8),
            Constraint::Fill(1),
            Constraint::Fill(4),
        ];
        let table = Table::new(rows, widths)
            .header(Row::new(HEADINGS).style(Style::new().add_modifier(Modifier::REVERSED)))
            .row_highlight_style(Style::new().add_modifier(Modifier::BOLD));
        frame.render_stateful_widget(table, middle, &mut self.selected);
        let line = match &self.complaint {
            Some(complaint) => Line::styled(complaint.clone(), Style::new().fg(Color::Red)),
            None => Line::raw("sort by c processor, m memory, n name; arrows move; q leaves"),
        };
        frame.render_widget(line, bottom);
    }

    /// The same without a terminal.
    pub(super) fn as_text(&self) -> String {
        let rows: Vec<[String; 8]> = std::iter::once(HEADINGS.map(str::to_owned))
            .chain(self.glance.sessions.iter().map(cells))
            .collect();
        let widths: [usize; 8] = std::array::from_fn(|at| {
            let lengths = rows.iter().map(|row| row[at].width());
            lengths.max().unwrap_or(0)
        });
        let mut text = format!("{}\n", self.summary());
        for row in &rows {
            let padded: Vec<String> = (row.iter().zip(widths))
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())))
                .collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
        for trouble in &self.glance.troubles {
            text.push_str(&format!("! {trouble}\n"));
        }
        text
    }
}

fn cells(session: &SessionGlance) -> [String; 8] {
    let state = match session.state {
        SessionState::Active => "active",
        SessionState::Idle => "idle",
        SessionState::Error => "error",
    };
    [
        session.id.clone(),
        session.name.clone(),
        state.to_owned(),
        session.backend.clone(),
        format!("{:.1}", session.cpu),
        format!("{:.0}", session.memory),
        session.program.clone().unwrap_or_default(),
        // It has one line here, however many it was typed in.
        (session.last_command.as_deref().unwrap_or_default())
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    ]
}

/// So many of these, in words.
fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

fn colour(state: SessionState) -> Color {
    match state {
        SessionState::Active => Color::Green,
        SessionState::Idle => Color::Reset,
        SessionState::Error => Color::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::gate::Mode;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn session(name: &str, state: SessionState, cpu: f64, memory: f64) -> SessionGlance {
        SessionGlance {
            id: "aaaaaaaa".to_owned(),
            name: name.to_owned(),
            state,
            backend: "pty".to_owned(),
            cpu,
            memory,
            program: Some("cargo".to_owned()),
            last_command: Some("(\ncargo build\n)".to_owned()),
            last_activity: "2026-03-01T12:00:00Z".to_owned(),
        }
    }

    fn view() -> View {
        View::of(Glance {
            started_at: "2026-03-01T12:00:00Z".to_owned(),
            health: "degraded".to_owned(),
            troubles: vec!["3 MB are free".to_owned()],
            gate: Mode::Enforce,
            waiting: 1,
            cpu: 90.0,
            memory: 300.0,
            sessions: vec![
                session("zebra", SessionState::Idle, 10.0, 200.0),
                session("ant", SessionState::Active, 80.0, 100.0),
            ],
        })
    }

    fn names(view: &View) -> Vec<&str> {
        (view.glance.sessions.iter())
            .map(|session| session.name.as_str())
            .collect()
    }

    #[test]
    fn keys_choose_the_order() {
        let mut view = view();
        assert_eq!(names(&view), ["ant", "zebra"]);
        view.press(KeyCode::Char('m'));
        assert_eq!(names(&view), ["zebra", "ant"]);
        view.press(KeyCode::Char('n'));
        assert_eq!(names(&view), ["ant", "zebra"]);
    }

    #[test]
    fn a_terminal_shows_every_session_and_what_is_wrong() {
        let mut view = view();
        view.complain("no host listens".to_owned());
        let mut terminal = Terminal::new(TestBackend::new(120, 8)).expect("a terminal");
        terminal.draw(|frame| view.draw(frame)).expect("drawn");
        let shown = format!("{}", terminal.backend());
        for expected in [
            "2 sessions",
            "1 command waits for a person",
            "3 MB are free",
            "ant",
            "zebra",
            "80.0",
            "cargo build",
            "no host listens",
        ] {
            assert!(shown.contains(expected), "{expected} in\n{shown}");
        }
    }

    #[test]
    fn a_pipe_gets_a_table() {
        let text = view().as_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[2].ends_with("( cargo build )"), "{text}");
        assert_eq!(lines[4], "! 3 MB are free");
    }

    #[test]
    fn columns_stand_under_each_other_also_behind_wide_letters() {
        let mut view = view();
        view.glance.sessions[0].name = "日本".to_owned();
        let text = view.as_text();
        let at = |line: &str| line.find("pty").map(|end| line[..end].width());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(at(lines[2]), at(lines[3]), "{text}");
    }
}
