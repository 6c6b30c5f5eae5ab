//! The windows that panes are in, and who looks at them.

use std::collections::{HashMap, HashSet};

use super::SESSION;
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
    /// The tmux session that it is in, one besides Quarterdeck's own if there is any,
    /// where it has no other pane.
    pub own_session: Option<String>,
    /// Whether somebody looks at that tmux session; clients that are programs, as the
    /// host is one, do not count.
    pub attached: bool,
    /// How many windows that tmux session has.
    pub windows: usize,
}

const PANES: &str = "#{pane_id} #{window_id} #{session_windows} #{session_id} #{session_name}";
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

/// A pane in a tmux session; it can be in several.
struct Place<'a> {
    pane: &'a str,
    window: &'a str,
    windows: usize,
    session: &'a str,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(5, ' ');
        Some(Self {
            pane: fields.next()?,
            window: fields.next()?,
            windows: fields.next()?.parse().ok()?,
            session: fields.next()?,
            name: fields.next()?,
        })
    }
}

fn windows(panes: &str, clients: &str) -> Vec<PaneWindow> {
    let watched: HashSet<&str> = (clients.lines())
        .filter_map(|client| client.strip_prefix("0 "))
        .collect();
    let places: Vec<Place<'_>> = panes.lines().filter_map(Place::parse).collect();
    let mut panes_of: HashMap<&str, usize> = HashMap::new();
    for place in &places {
        *panes_of.entry(place.session).or_default() += 1;
    }
    let mut found: Vec<PaneWindow> = Vec::new();
    // Ours last: of a pane, the first place counts.
    for ours in [false, true] {
        for place in places.iter().filter(|it| (it.name == SESSION) == ours) {
            let attached = watched.contains(place.session);
            if let Some(known) = found.iter_mut().find(|known| known.pane == place.pane) {
                known.attached |= attached;
                continue;
            }
            let alone = panes_of.get(place.session) == Some(&1);
            found.push(PaneWindow {
                pane: place.pane.to_owned(),
                window: place.window.to_owned(),
                own_session: (alone && !ours).then(|| place.name.to_owned()),
                attached,
                windows: place.windows,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_are_attached() {
        let found = windows(
            "%0 @0 3 $0 quarterdeck\n%4 @2 1 $5 my work\nnonsense\n",
            "1 $0\n0 $5\n",
        );
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
        assert_eq!(told, [("%4", "@2", true, 1), ("%0", "@0", false, 3)]);
        assert_eq!(found[0].own_session.as_deref(), Some("my work"));
        assert_eq!(found[1].own_session, None);
    }

    #[test]
    fn of_two_tmux_sessions_the_panes_own_one_is_told() {
        let panes = "%0 @0 2 $0 quarterdeck\n%1 @1 2 $0 quarterdeck\n%1 @1 1 $1 mcp-01\n";
        let found = windows(panes, "1 $0\n0 $0\n");
        let [shown, anchor] = &found[..] else {
            panic!("two panes: {found:?}")
        };
        assert_eq!((shown.pane.as_str(), shown.windows), ("%1", 1));
        assert_eq!(shown.own_session.as_deref(), Some("mcp-01"));
        assert!(shown.attached, "through ours, where it is, too");
        assert_eq!((anchor.pane.as_str(), anchor.windows), ("%0", 2));
    }
}
