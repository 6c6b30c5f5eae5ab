//! The panes that are on a server already, as it lists them.

use std::ffi::OsString;
use std::path::Path;

use super::command::Line;
use super::protocol::PaneId;
use super::{ANCHOR, HOST_OPTION, SESSION};
use crate::process;

/// A pane that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPane {
    /// Its id.
    pub pane: PaneId,
    /// The process id of its program.
    pub pid: u32,
    /// The id that the session had when it was opened through Quarterdeck.
    pub session_id: Option<String>,
    /// The pane that the host was started from.
    pub is_own: bool,
    /// tmux session and window, by name; a window of several panes with the pane's
    /// number behind a point.
    pub place: String,
    /// The process id of the host that has it as a session now, which runs.
    pub host: Option<u32>,
    /// What is written on it of that host, or of one that has ended; nothing if it was never
    /// a host's.
    host_mark: String,
    /// It is in another tmux session than Quarterdeck's, where somebody else has put it.
    pub(super) elsewhere: bool,
    /// It is in the tmux session of Quarterdeck's.
    pub(super) in_our_session: bool,
}

impl FoundPane {
    /// What tmux is asked for about each pane. Names come last: they may hold
    /// anything.
    pub(super) const FORMAT: &str = "#{pane_id} #{pane_pid} #{pane_dead} \
#{@quarterdeck-anchor},#{@quarterdeck-host},#{@quarterdeck-id},#{session_name}:#{window_name}\
#{?#{==:#{window_panes},1},,.#{pane_index}}";

    /// Reads a line in [`Self::FORMAT`]; `None` for the anchor and the dead.
    pub(super) fn parse(line: &str, own: Option<PaneId>) -> Option<Self> {
        let mut fields = line.splitn(4, ' ');
        let pane = PaneId::parse(fields.next()?)?;
        let pid = fields.next()?.parse().ok()?;
        let dead = fields.next()? == "1";
        let mut fields = fields.next()?.splitn(4, ',');
        let is_anchor = fields.next()? == "1";
        let host = fields.next()?;
        let (session_id, place) = (fields.next()?, fields.next()?);
        if dead || is_anchor || place == format!("{SESSION}:{ANCHOR}") {
            return None;
        }
        let in_our_session = place
            .strip_prefix(SESSION)
            .is_some_and(|rest| rest.starts_with(':'));
        Some(Self {
            pane,
            pid,
            session_id: Some(session_id.to_owned()).filter(|id| !id.is_empty()),
            is_own: Some(pane) == own,
            host_mark: host.to_owned(),
            host: host.parse().ok().filter(|host| process::is_running(*host)),
            in_our_session,
            elsewhere: !in_our_session && session_id.is_empty(),
            place: place.to_owned(),
        })
    }
}

impl FoundPane {
    /// Has the pane for this host, unless another one has taken it since it was listed: tmux
    /// compares and writes at once. The last answer is whose it is then.
    pub(super) fn claim(&self, host: &str) -> Line {
        let pane = self.pane.to_string();
        let was = &self.host_mark;
        // What somebody else has written there might be read as a format.
        let value = match was.bytes().all(|byte| byte.is_ascii_digit()) {
            true => format!("#{{?#{{==:#{{{HOST_OPTION}}},{was}}},{host},#{{{HOST_OPTION}}}}}"),
            false => host.to_owned(),
        };
        Line::of("set-option")
            .args(["-F", "-p", "-t", &pane, HOST_OPTION, &value])
            .then("display-message")
            .args(["-p", "-t", &pane, &format!("#{{{HOST_OPTION}}}")])
    }
}

/// The pane that this process was started from, if it is on the server that
/// listens at `server`.
pub(super) fn own_pane(server: &Path) -> Option<PaneId> {
    let tmux = std::env::var_os("TMUX")?;
    let pane = std::env::var("TMUX_PANE").ok()?;
    own_pane_of(&tmux, &pane, server)
}

fn own_pane_of(tmux: &OsString, pane: &str, server: &Path) -> Option<PaneId> {
    // Path, process id, session.
    let tmux = tmux.to_str()?;
    let path = tmux.rsplitn(3, ',').nth(2)?;
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    PaneId::parse(pane).filter(|_| same(Path::new(path), server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_is_ones_own_on_ones_own_server_only() {
        let tmux = OsString::from("/tmp/tmux-0/a,b,42,0");
        let pane = PaneId::parse("%3");
        assert_eq!(own_pane_of(&tmux, "%3", Path::new("/tmp/tmux-0/a,b")), pane);
        assert_eq!(own_pane_of(&tmux, "%3", Path::new("/tmp/tmux-0/b")), None);
    }

    #[test]
    fn panes_are_read_from_their_list() {
        let own = PaneId::parse("%2");
        let found = FoundPane::parse("%2 77 0 ,1,ab12,quarterdeck:ab12", own).expect("a pane");
        assert!(found.is_own && found.in_our_session);
        assert_eq!(found.session_id.as_deref(), Some("ab12"));
        assert_eq!(found.host, Some(1));
        assert!(!found.elsewhere);
        let found = FoundPane::parse("%3 78 0 ,,,work:vim, again", own).expect("a pane");
        assert!(!found.is_own && !found.in_our_session && found.elsewhere);
        assert_eq!((found.session_id, &*found.place), (None, "work:vim, again"));
        for anchor in [",,,quarterdeck:anchor", "1,,,quarterdeck:mine"] {
            assert_eq!(FoundPane::parse(&format!("%0 1 0 {anchor}"), own), None);
        }
        assert_eq!(FoundPane::parse("%4 1 1 ,1,ab12,quarterdeck:x", own), None);
    }
}
