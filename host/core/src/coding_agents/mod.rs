//! Coding agents that run in sessions: which are in front, what they do, and how a
//! prompt reaches them for certain.
//!
//! The [`registry`] is what the rest of the host asks. A [`follower`] is a task for each
//! session, which owns what is known of the agent there. What a screen means is data ([`rules`]), read by [`frame`]; hooks, marks and
//! screens together make an activity ([`belief`]). All but those two is pure.

mod activity;
mod belief;
mod follower;
mod frame;
mod known_rules;
mod registry;
mod reset_time;
mod resuming;
mod rules;
mod time_limit;

pub(crate) use activity::is_processing;
pub use activity::{Activity, AgentActivity, Evidence};
pub(crate) use belief::HookTold;
pub use frame::{BoxText, Frame, Sighting};
pub use registry::AgentInFront;
pub(crate) use registry::CodingAgents;
pub use resuming::ResumeSettings;
pub(crate) use resuming::resume_when_limits_are_lifted;
pub use rules::{AgentRules, AllRules, BoxRules, InterruptKey, Rule, RulesError};
pub(crate) use time_limit::interrupt_after;
