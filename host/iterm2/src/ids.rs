//! What iTerm2 calls its windows, tabs and sessions.

use std::fmt;

macro_rules! id {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) String);

        impl $name {
            /// The id as iTerm2 writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A session: a GUID in capitals. Restarting a session gives it another; a restart of
    /// iTerm2 usually does not.
    SessionId
}

id! {
    /// A window: `pty-` and a UUID.
    WindowId
}

id! {
    /// A tab: a decimal number from 1. A restart of iTerm2 gives it another.
    TabId
}

impl SessionId {
    /// From what iTerm2 writes, also in the environment of a pane (`ITERM_SESSION_ID`), where
    /// its place stands before the id: `w0t0p0:<GUID>`.
    pub fn new(text: &str) -> Self {
        let id = match text.split_once(':') {
            Some((place, id)) if place.starts_with('w') => id,
            _ => text,
        };
        Self(id.to_owned())
    }
}

impl WindowId {
    /// From what iTerm2 writes.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl TabId {
    /// From what iTerm2 writes.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_before_a_session_id_is_taken_off() {
        assert_eq!(SessionId::new("w0t12p3:AB-C").as_str(), "AB-C");
        assert_eq!(SessionId::new("AB-C"), SessionId::new("w1t0p0:AB-C"));
    }
}
