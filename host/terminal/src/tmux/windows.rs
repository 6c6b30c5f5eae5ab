//! The windows that panes are in, and who looks at them.

use std::collections::HashSet;

use super::command::Line;
use super::error::TmuxError;
use super::server::{Server, text};

/// The window that one pane is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneWindow {
    /// The pane, as [`crate::Terminal::backend_handle`] names it.
    pub pane: String,
    /// The window, as tmux numbers it: `@3`.
    pub window: String,
    /// Whether somebody looks at its tmux session; clients that are programs, as the
    /// host is one, do not count.
    pub attached: bool,
    /// How many windows its tmux session has.
    pub windows: usize,
}

const PANES: &str = "#{pane_id} #{window_id} #{session_windows} #{session_id}";
const CLIENTS: &str = "#{client_control_mode} #{session_id}";

impl Server {
    /// The window of each pane.
    pub async fn windows(&self) -> Result<Vec<PaneWindow>, TmuxError> {
        let line = Line::of("list-panes")
            .args(["-a", "-F", PANES])
            .then("list-clients")
            .args(["-F", CLIENTS]);
        let answers = self.ask("list its windows", line).await?;
        Ok(windows(&text(answers.first()), &text(answers.get(1))))
    }
}

fn windows(panes: &str, clients: &str) -> Vec<PaneWindow> {
    let watched: HashSet<&str> = (clients.lines())
        .filter_map(|client| client.strip_prefix("0 "))
        .collect();
    (panes.lines())
        .filter_map(|pane| {
            let mut fields = pane.split(' ');
            Some(PaneWindow {
                pane: fields.next()?.to_owned(),
                window: fields.next()?.to_owned(),
                windows: fields.next()?.parse().ok()?,
                attached: watched.contains(fields.next()?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_are_attached() {
        let found = windows("%0 @0 3 $0\n%4 @2 1 $5\nnonsense\n", "1 $0\n0 $5\n");
        let told: Vec<(&str, &str, bool, usize)> = (found.iter())
            .map(|it| {
                (
                    it.pane.as_str(),
                    it.window.as_str(),
                    it.attached,
                    it.windows,
                )
            })
            .collect();
        assert_eq!(told, [("%0", "@0", false, 3), ("%4", "@2", true, 1)]);
    }
}
