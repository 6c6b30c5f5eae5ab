//! Who may bring a session to the front: one agent's focus is not taken by another
//! within seconds. Pure; the time is handed in.

use std::time::Duration;

use crate::clock::whole_ms;

/// So long an agent keeps the focus.
pub const COOL_DOWN: Duration = Duration::from_secs(5);

/// The focus, and who took it last.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    last: Option<Taken>,
}

#[derive(Clone, Debug)]
struct Taken {
    session: String,
    agent: Option<String>,
    at_ms: u64,
}

/// The focus is not to be had yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "focus cooldown active: {:.1} s remaining, last focus by agent {}; wait, or use the same agent",
    *.remaining_ms as f64 / 1000.0, .holder.as_deref().unwrap_or("unknown")
)]
pub struct CoolingDown {
    /// Who has it; nobody's name where no agent took it.
    pub holder: Option<String>,
    /// How long yet.
    pub remaining_ms: u64,
}

impl Focus {
    /// Brings `session` to the front on behalf of `agent`.
    pub fn take(
        &mut self,
        session: &str,
        agent: Option<&str>,
        now_ms: u64,
    ) -> Result<(), CoolingDown> {
        if let Some(last) = &self.last
            && last.agent.as_deref() != agent
        {
            let free_at = last.at_ms.saturating_add(whole_ms(COOL_DOWN));
            if now_ms < free_at {
                return Err(CoolingDown {
                    holder: last.agent.clone(),
                    remaining_ms: free_at - now_ms,
                });
            }
        }
        self.last = Some(Taken {
            session: session.to_owned(),
            agent: agent.map(str::to_owned),
            at_ms: now_ms,
        });
        Ok(())
    }

    /// The session in front.
    pub fn session(&self) -> Option<&str> {
        self.last.as_ref().map(|last| last.session.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_agent_waits_and_the_same_does_not() {
        let mut focus = Focus::default();
        assert_eq!(focus.take("a", Some("alice"), 0), Ok(()));
        assert_eq!(focus.take("b", Some("alice"), 10), Ok(()));
        let refused = focus
            .take("c", Some("bob"), 1_010)
            .expect_err("cooling down");
        assert_eq!(refused.remaining_ms, 4_000);
        assert!(
            refused
                .to_string()
                .contains("4.0 s remaining, last focus by agent alice")
        );
        assert_eq!(focus.session(), Some("b"));
        assert_eq!(focus.take("c", Some("bob"), 5_010), Ok(()));
    }
}
