//! What tmux tells when it is asked which panes there are. Pure.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::pane::Room;
use super::place;
use super::protocol::PaneId;

/// A pane in a census.
pub(super) struct Counted {
    /// The process id of its program.
    pub(super) pid: u32,
    pub(super) room: Room,
    /// We are not the only client of its tmux session.
    pub(super) others_look: bool,
    /// Somebody has closed the tmux session that showed it.
    pub(super) let_go: bool,
    pub(super) fate: Fate,
}

impl Counted {
    /// A pane of ours is dead when its hook says so: tmux's own `pane_dead` comes
    /// earlier than the status.
    pub(super) const FORMAT: &str = "#{pane_id} #{pane_pid} #{pane_width} #{pane_height} #{window_panes} #{session_attached} \
#{&&:#{@quarterdeck-shown},#{==:#{window_linked_sessions},1}} \
#{?@quarterdeck-id,1,0},#{?@quarterdeck-id,#{@quarterdeck-dead},#{pane_dead}},\
#{pane_dead_status},#{pane_dead_signal}";

    /// Reads a line in [`Self::FORMAT`].
    pub(super) fn parse(line: &str) -> Option<(PaneId, Self)> {
        let mut fields = line.splitn(8, ' ');
        let pane = PaneId::parse(fields.next()?)?;
        let pid = fields.next()?.parse().ok()?;
        let size = place::size(fields.next()?, fields.next()?)?;
        let alone = fields.next()? == "1";
        let others_look = fields.next()? != "1";
        let let_go = fields.next()? == "1";
        let fate = Fate::parse(fields.next()?);
        let room = Room { size, alone };
        Some((
            pane,
            Self {
                pid,
                room,
                others_look,
                let_go,
                fate,
            },
        ))
    }
}

/// What has become of a pane's program.
pub(super) enum Fate {
    Alive,
    Dead {
        /// How it ended; tmux before 3.3 does not tell a signal.
        status: Option<ExitStatus>,
        /// The pane stays for the sake of its status alone.
        kept_by_us: bool,
    },
}

impl Fate {
    /// Reads `ours,dead,status,signal`; what does not apply is empty.
    fn parse(text: &str) -> Self {
        let mut fields = text.split(',');
        let kept_by_us = fields.next() == Some("1");
        if fields.next() != Some("1") {
            return Self::Alive;
        }
        let mut number = || fields.next().and_then(|field| field.parse::<i32>().ok());
        let status = match (number(), number()) {
            (_, Some(signal)) if signal > 0 => Some(ExitStatus::from_raw(signal & 0x7f)),
            (Some(status), _) => Some(ExitStatus::from_raw((status & 0xff) << 8)),
            _ => None,
        };
        Self::Dead { status, kept_by_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_beside_others() {
        let (pane, counted) = Counted::parse("%3 77 80 24 2 1 0 1,,,").expect("a pane");
        assert_eq!((pane.to_string().as_str(), counted.pid), ("%3", 77));
        assert_eq!(
            counted.room.size,
            crate::Size::new(80, 24).expect("possible")
        );
        assert!(!counted.room.alone && !counted.others_look && !counted.let_go);
        assert!(matches!(counted.fate, Fate::Alive));
        let (_, counted) = Counted::parse("%3 77 80 24 1 1 1 1,,,").expect("a pane");
        assert!(counted.let_go);
        assert!(Counted::parse("%3 77 80 24 2").is_none());
    }

    #[test]
    fn a_dead_panes_status() {
        let dead = |text: &str| match Fate::parse(text) {
            Fate::Dead { status, .. } => Some(status),
            Fate::Alive => None,
        };
        assert_eq!(dead("1,1,3,"), Some(Some(ExitStatus::from_raw(3 << 8))));
        assert_eq!(dead("1,1,,9"), Some(Some(ExitStatus::from_raw(9))));
        assert_eq!(dead("0,1,,"), Some(None));
        assert_eq!(dead("1,,,"), None);
        assert_eq!(dead("0,0,,"), None);
    }
}
