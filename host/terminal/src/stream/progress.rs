//! How far a program says that it is: OSC 9;4, as ConEmu defined it.

/// How far a program says that it is (OSC 9;4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What the program says about its state.
    pub state: ProgressState,
    /// Between 0 and 100; none where the state has no such thing.
    pub percent: Option<u8>,
}

/// The state in an OSC 9;4. State 0, "none", is the absence of [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressState {
    /// State 1.
    Normal,
    /// State 2.
    Error,
    /// State 3: busy, nobody knows how far.
    Indeterminate,
    /// State 4.
    Paused,
}

impl Progress {
    /// Reads the parameters after `9;4`; `None` for the absence of progress, and for
    /// what makes no sense.
    pub(super) fn read(state: &[u8], percent: Option<&[u8]>) -> Option<Self> {
        let percent = percent
            .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
            .filter(|percent: &u8| *percent <= 100);
        let (state, percent) = match state {
            b"1" => (ProgressState::Normal, percent),
            b"2" => (ProgressState::Error, percent),
            b"3" => (ProgressState::Indeterminate, None),
            b"4" => (ProgressState::Paused, percent),
            _ => return None,
        };
        Some(Progress { state, percent })
    }
}
