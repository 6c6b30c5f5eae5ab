//! A message on its way into a session, from the moment it is claimed until it has
//! arrived or has not: also where its sender goes away in the middle.

use crate::agents::Agents;
use crate::clock::now_ms;
use crate::session::SessionId;

/// How much of a message is kept for lists.
const SHOWN_OF_MESSAGE: usize = 200;

/// A message on its way. Once this is dropped, the message is under way no more, and an
/// agent for which it was claimed may be told it again, unless it has arrived.
pub(super) struct OnItsWay<'a> {
    agents: &'a Agents,
    session: &'a SessionId,
    text: &'a str,
    claimed_for: Option<&'a str>,
}

impl<'a> OnItsWay<'a> {
    /// Sends a message off. `None` where it was claimed for the agent before, who is
    /// spared it.
    pub(super) fn begin(
        agents: &'a Agents,
        session: &'a SessionId,
        text: &'a str,
        claimed_for: Option<&'a str>,
    ) -> Option<Self> {
        if let Some(agent) = claimed_for
            && !agents.claim(agent, text)
        {
            return None;
        }
        agents.desk().session_mut(session.as_str()).under_way += 1;
        Some(Self {
            agents,
            session,
            text,
            claimed_for,
        })
    }

    /// It was typed.
    pub(super) fn was_typed(&self) {
        let mut desk = self.agents.desk();
        let on_desk = desk.session_mut(self.session.as_str());
        on_desk.messages += 1;
        on_desk.last_message_ms = Some(now_ms());
        on_desk.last_message = Some(self.text.chars().take(SHOWN_OF_MESSAGE).collect());
    }

    /// It has arrived: the claim stands.
    pub(super) fn has_arrived(mut self) {
        self.claimed_for = None;
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let mut desk = self.agents.desk();
        let on_desk = desk.session_mut(self.session.as_str());
        on_desk.under_way = on_desk.under_way.saturating_sub(1);
        drop(desk);
        if let Some(agent) = self.claimed_for {
            self.agents.unclaim(agent, self.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::caps::AgentCaps;
    use crate::store::Store;

    #[test]
    fn a_message_whose_sender_goes_away_leaves_no_mark() {
        let store = Store::temporary().expect("a store");
        let agents = Agents::open(store, None, AgentCaps::default()).expect("agents");
        let session = SessionId::random();
        let send = || OnItsWay::begin(&agents, &session, "hello", Some("ada"));
        let under_way = || agents.desk().session(session.as_str()).under_way;

        let first = send().expect("sent off");
        assert_eq!(under_way(), 1);
        assert!(send().is_none(), "claimed by the first");
        drop(first);
        assert_eq!(under_way(), 0);

        let second = send().expect("may be told again");
        second.was_typed();
        second.has_arrived();
        assert_eq!(under_way(), 0);
        assert!(send().is_none(), "it was told");
    }
}
