//! What `quarterdeck top` shows, and how keys change it.

use std::cmp::Ordering;

use quarterdeck_core::operations::SessionState;
use quarterdeck_server::glance::{Glance, SessionGlance};
use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};

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
            "Quarterdeck since {}: {}, {} sessions, {:.1} % of a core, {:.0} MB, {} commands wait for a person",
            glance.started_at,
            glance.health,
            glance.sessions.len(),
            glance.cpu,
            glance.memory,
            glance.waiting
        )
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let [top, middle, bottom] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(Paragraph::new(self.summary()), top);
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
            None => Line::raw("sort by c processor, m memory, n name; q leaves"),
        };
        frame.render_widget(line, bottom);
    }

    /// The same without a terminal.
    pub(super) fn as_text(&self) -> String {
        let rows: Vec<[String; 8]> = std::iter::once(HEADINGS.map(str::to_owned))
            .chain(self.glance.sessions.iter().map(cells))
            .collect();
        let widths: [usize; 8] = std::array::from_fn(|at| {
            let lengths = rows.iter().map(|row| row[at].chars().count());
            lengths.max().unwrap_or(0)
        });
        let mut text = format!("{}\n", self.summary());
        for row in &rows {
            let padded: Vec<String> = (row.iter().zip(widths))
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
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
        // One line of it is shown.
        session
            .last_command
            .as_deref()
            .and_then(|command| command.lines().next())
            .unwrap_or_default()
            .to_owned(),
    ]
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
            last_command: Some("cargo build\n--release".to_owned()),
            last_activity: "2026-03-01T12:00:00Z".to_owned(),
        }
    }

    fn view() -> View {
        View::of(Glance {
            started_at: "2026-03-01T12:00:00Z".to_owned(),
            health: "healthy".to_owned(),
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
        let mut terminal = Terminal::new(TestBackend::new(100, 6)).expect("a terminal");
        terminal.draw(|frame| view.draw(frame)).expect("drawn");
        let shown = format!("{}", terminal.backend());
        for expected in [
            "2 sessions",
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
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[2].ends_with("cargo build"), "{text}");
    }
}
