//! What is believed of the agent in one session: hooks, marks and screens put
//! together, without jumping to conclusions. Pure; time is an argument.
//!
//! A hook rules. A screen refines it (a dialog within a turn), and overrides it only
//! where it has shown something else for long, because programs tell no hook of
//! everything: an interrupted turn, for example. A screen that shows an idle agent
//! counts once it has stood for a moment, because a screen may be half drawn.

use std::time::{Duration, Instant};

use super::activity::{Activity, AgentActivity, Evidence};
use super::frame::Sighting;

/// A hook's word is doubted once the screen has said something else for so long.
const HOOK_OUTLIVED: Duration = Duration::from_secs(5);

/// Work that no hook told of is believed after so long.
const UNTOLD_WORK: Duration = Duration::from_secs(1);

/// While something moved within this time, a screen that no rule knows changes nothing.
const STILL_MOVING: Duration = Duration::from_secs(2);

/// After a prompt was submitted, an idle screen counts only after so long, or once work
/// was seen: programs take a while to show that they have begun.
const FIRST_SIGN: Duration = Duration::from_millis(1_500);

/// What a hook has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HookTold {
    pub(crate) activity: Activity,
    pub(crate) why: &'static str,
    /// Whether it counts only while nothing else is known: programs tell that a session
    /// begins when the first prompt was submitted, or when they have cleared or condensed
    /// one in the middle of a turn.
    pub(crate) only_at_first: bool,
}

/// One look at the screen.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// What the rules make of it.
    pub(super) sighting: Option<Sighting>,
    /// When a limit that it shows is lifted.
    pub(super) resets_at_ms: Option<u64>,
    /// When something was last shown.
    pub(super) moved: Instant,
    pub(super) now: Instant,
    pub(super) now_ms: u64,
}

/// What is believed of one agent, from its coming to the front to its leaving.
#[derive(Debug)]
pub(super) struct Belief {
    now: AgentActivity,
    hook: Option<(HookTold, Instant)>,
    /// What the screen has shown since when.
    shown: Option<(Activity, Instant)>,
    /// When a prompt was submitted of which no sign was seen yet.
    submitted: Option<Instant>,
    settle: Duration,
}

/// What follows from a look: what it does, what says so, why, and when to look again
/// even if nothing moves.
struct Conclusion {
    activity: Activity,
    evidence: Evidence,
    why: String,
    look_again: Option<Instant>,
}

impl Belief {
    /// Of a program that has just come to the front.
    pub(super) fn of(program: &str, settle: Duration, now_ms: u64) -> Self {
        Self {
            now: AgentActivity {
                program: Some(program.to_owned()),
                activity: Activity::Unknown,
                before: Activity::Unknown,
                evidence: Evidence::Mark,
                why: format!("{program} is starting"),
                since_ms: now_ms,
                resets_at_ms: None,
                turns: 0,
            },
            hook: None,
            shown: None,
            submitted: None,
            settle,
        }
    }

    /// What is believed now.
    pub(super) fn now(&self) -> &AgentActivity {
        &self.now
    }

    /// The agent's hook has told something.
    pub(super) fn hears(&mut self, told: HookTold, now: Instant, now_ms: u64) {
        if told.only_at_first && self.now.activity != Activity::Unknown {
            return;
        }
        let conclusion = Conclusion {
            activity: told.activity,
            evidence: Evidence::Hook,
            why: told.why.to_owned(),
            look_again: None,
        };
        self.hook = Some((told, now));
        self.submitted = None;
        // What the screen showed before says nothing of what was told since.
        self.shown = None;
        self.conclude(conclusion, None, now_ms);
    }

    /// A prompt was seen to be submitted: there is work now, whatever is shown yet.
    pub(super) fn is_prompted(&mut self, now: Instant, now_ms: u64) {
        self.submitted = Some(now);
        self.shown = None;
        // The word on an earlier turn says nothing of this one.
        self.hook = None;
        let conclusion = Conclusion {
            activity: Activity::Working,
            evidence: Evidence::Mark,
            why: "a prompt was submitted".to_owned(),
            look_again: None,
        };
        if !self.now.activity.is_asking() && self.now.activity != Activity::Working {
            self.conclude(conclusion, None, now_ms);
        }
    }

    /// The program has left the front, with this exit status where it is known.
    pub(super) fn ends(&mut self, exit_status: Option<i32>, now_ms: u64) {
        let (activity, why) = match exit_status {
            Some(status) if status != 0 => (
                Activity::Crashed,
                format!("it ended with exit status {status}"),
            ),
            _ => (Activity::Ended, "it has ended".to_owned()),
        };
        let conclusion = Conclusion {
            activity,
            evidence: Evidence::Mark,
            why,
            look_again: None,
        };
        self.conclude(conclusion, None, now_ms);
    }

    /// Takes a look in. Returns when to look again, should nothing move until then.
    pub(super) fn sees(&mut self, look: Look) -> Option<Instant> {
        let lifted = look.resets_at_ms.filter(|at| *at <= look.now_ms);
        let seen = look.sighting.as_ref().map(|seen| match seen.activity {
            Activity::RateLimited if lifted.is_some() => (
                Activity::Idle,
                "the time is over that its limit was to last",
            ),
            activity => (activity, seen.why.as_str()),
        });
        let Some((activity, why)) = seen else {
            return self.sees_nothing_known(&look);
        };
        let stands_since = match self.shown {
            Some((shown, since)) if shown == activity => since,
            _ => look.now,
        };
        self.shown = Some((activity, stands_since));
        if activity != Activity::Idle {
            self.submitted = None;
        }
        let conclusion = self.weigh(activity, why, stands_since, &look);
        let again = conclusion.look_again;
        let resets = look.resets_at_ms.filter(|_| lifted.is_none());
        self.conclude(conclusion, resets, look.now_ms);
        match (self.now.activity, resets) {
            (Activity::RateLimited, Some(at)) => {
                let left = Duration::from_millis(at.saturating_sub(look.now_ms) + 1);
                Some(look.now + left)
            }
            _ => again,
        }
    }

    /// What the screen shows, against what a hook has told.
    fn weigh(&self, activity: Activity, why: &str, since: Instant, look: &Look) -> Conclusion {
        let by_screen = |look_again| Conclusion {
            activity,
            evidence: Evidence::Screen,
            why: why.to_owned(),
            look_again,
        };
        let patience = match (&self.hook, activity) {
            // The moment of a dialog is seen before any hook tells of it.
            (_, Activity::AskingPermission | Activity::AskingQuestion | Activity::RateLimited) => {
                return by_screen(None);
            }
            (Some((told, _)), _) if told.activity == activity => {
                return Conclusion {
                    activity,
                    evidence: Evidence::Hook,
                    why: told.why.to_owned(),
                    look_again: None,
                };
            }
            // A dialog that is gone was answered: no hook tells of a no.
            (_, Activity::Idle) if self.now.activity.is_asking() => FIRST_SIGN,
            (Some((told, _)), Activity::Idle) if told.activity == Activity::Working => {
                HOOK_OUTLIVED
            }
            (Some((told, _)), Activity::Working) if told.activity == Activity::Idle => UNTOLD_WORK,
            (_, Activity::Idle) if self.submitted.is_some() => FIRST_SIGN,
            (_, Activity::Idle) => self.settle,
            (_, _) => return by_screen(None),
        };
        let believed_at = since + patience;
        if believed_at <= look.now || self.now.activity == activity {
            return by_screen(None);
        }
        Conclusion {
            activity: self.now.activity,
            evidence: self.now.evidence,
            why: self.now.why.clone(),
            look_again: Some(believed_at),
        }
    }

    fn sees_nothing_known(&mut self, look: &Look) -> Option<Instant> {
        self.shown = None;
        let doubted_at = look.moved + STILL_MOVING;
        if self.hook.is_some() {
            // What it told last holds.
            return None;
        }
        if look.now < doubted_at {
            return Some(doubted_at);
        }
        let conclusion = Conclusion {
            activity: Activity::Unknown,
            evidence: Evidence::Silence,
            why: "nothing moves, and no rule knows what it shows".to_owned(),
            look_again: None,
        };
        self.conclude(conclusion, None, look.now_ms);
        None
    }

    fn conclude(&mut self, conclusion: Conclusion, resets_at_ms: Option<u64>, now_ms: u64) {
        if self.now.activity != conclusion.activity {
            if conclusion.activity != Activity::Working {
                self.submitted = None;
            }
            self.now.before = self.now.activity;
            self.now.since_ms = now_ms;
            self.now.turns += u64::from(conclusion.activity == Activity::Working);
        }
        self.now.activity = conclusion.activity;
        self.now.evidence = conclusion.evidence;
        self.now.why = conclusion.why;
        self.now.resets_at_ms = resets_at_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent that is looked at, from a beginning on.
    struct Watched {
        belief: Belief,
        begin: Instant,
    }

    impl Watched {
        fn new() -> Self {
            Self {
                belief: Belief::of("claude", Duration::from_millis(40), 0),
                begin: Instant::now(),
            }
        }

        /// At `ms`, the screen shows this, where it last moved at `moved`.
        fn sees(&mut self, ms: u64, moved: u64, activity: Option<Activity>) -> &'static str {
            self.sees_limit(ms, moved, activity, None)
        }

        fn sees_limit(
            &mut self,
            ms: u64,
            moved: u64,
            activity: Option<Activity>,
            resets_at_ms: Option<u64>,
        ) -> &'static str {
            self.belief.sees(Look {
                sighting: activity.map(|activity| Sighting {
                    activity,
                    why: String::new(),
                    resets: None,
                }),
                resets_at_ms,
                moved: self.begin + Duration::from_millis(moved),
                now: self.begin + Duration::from_millis(ms),
                now_ms: ms,
            });
            self.belief.now().activity.as_str()
        }

        fn hears(&mut self, ms: u64, activity: Activity) {
            self.hears_told(ms, activity, false);
        }

        fn hears_told(&mut self, ms: u64, activity: Activity, only_at_first: bool) {
            let told = HookTold {
                activity,
                why: "told",
                only_at_first,
            };
            self.belief
                .hears(told, self.begin + Duration::from_millis(ms), ms);
        }

        fn is_prompted(&mut self, ms: u64) {
            self.belief
                .is_prompted(self.begin + Duration::from_millis(ms), ms);
        }
    }

    #[test]
    fn an_idle_screen_counts_once_it_has_stood() {
        let mut agent = Watched::new();
        assert_eq!(agent.sees(0, 0, Some(Activity::Working)), "working");
        assert_eq!(agent.sees(10, 10, Some(Activity::Idle)), "working");
        assert_eq!(agent.sees(20, 20, Some(Activity::Working)), "working");
        assert_eq!(agent.sees(30, 30, Some(Activity::Idle)), "working");
        assert_eq!(agent.sees(70, 30, Some(Activity::Idle)), "idle");
        assert_eq!(agent.belief.now().turns, 1);
        assert_eq!(
            agent.sees(80, 80, Some(Activity::AskingPermission)),
            "asking-permission"
        );
    }

    #[test]
    fn a_screen_that_nobody_knows_changes_nothing_while_it_moves() {
        let mut agent = Watched::new();
        agent.sees(0, 0, Some(Activity::Working));
        assert_eq!(agent.sees(1_900, 1_000, None), "working");
        assert_eq!(agent.sees(3_100, 1_000, None), "unknown");
        assert_eq!(agent.belief.now().evidence, Evidence::Silence);
    }

    #[test]
    fn a_hook_rules_and_a_dialog_refines_it() {
        let mut agent = Watched::new();
        agent.hears(0, Activity::Working);
        assert_eq!(agent.sees(100, 100, Some(Activity::Idle)), "working");
        assert_eq!(
            agent.sees(200, 200, Some(Activity::AskingPermission)),
            "asking-permission"
        );
        assert_eq!(agent.sees(300, 300, Some(Activity::Working)), "working");
        assert_eq!(agent.belief.now().evidence, Evidence::Hook);
        agent.hears(400, Activity::Idle);
        assert_eq!(
            agent.sees(410, 410, Some(Activity::Working)),
            "idle",
            "the last frame"
        );
        assert_eq!(agent.sees(2_000, 2_000, Some(Activity::Working)), "working");
    }

    #[test]
    fn a_turn_that_was_interrupted_is_over_though_no_hook_says_so() {
        let mut agent = Watched::new();
        agent.hears(0, Activity::Working);
        assert_eq!(agent.sees(1_000, 1_000, Some(Activity::Idle)), "working");
        assert_eq!(agent.sees(6_100, 1_000, Some(Activity::Idle)), "idle");
        assert_eq!(agent.belief.now().evidence, Evidence::Screen);
    }

    #[test]
    fn a_dialog_that_was_answered_with_no_leaves_an_idle_agent() {
        let mut agent = Watched::new();
        agent.hears(0, Activity::Working);
        let asks = Some(Activity::AskingPermission);
        assert_eq!(agent.sees(100, 100, asks), "asking-permission");
        let idle = Some(Activity::Idle);
        assert_eq!(agent.sees(1_000, 1_000, idle), "asking-permission");
        assert_eq!(agent.sees(2_501, 1_000, idle), "idle");
    }

    #[test]
    fn after_a_prompt_an_idle_screen_means_little_until_work_was_seen() {
        let mut agent = Watched::new();
        agent.sees(0, 0, Some(Activity::Idle));
        assert_eq!(agent.sees(100, 0, Some(Activity::Idle)), "idle");
        agent.is_prompted(200);
        assert_eq!(agent.sees(300, 300, Some(Activity::Idle)), "working");
        assert_eq!(agent.sees(310, 310, Some(Activity::Working)), "working");
        assert_eq!(agent.sees(320, 320, Some(Activity::Idle)), "working");
        assert_eq!(agent.sees(361, 320, Some(Activity::Idle)), "idle");
        assert_eq!(agent.belief.now().turns, 1);
        agent.is_prompted(400);
        assert_eq!(agent.sees(450, 450, Some(Activity::Idle)), "working");
        assert_eq!(
            agent.sees(1_951, 450, Some(Activity::Idle)),
            "idle",
            "too quick to be seen"
        );
        assert_eq!(agent.belief.now().turns, 2);
    }

    #[test]
    fn what_a_hook_told_of_one_turn_says_nothing_of_the_next() {
        let mut agent = Watched::new();
        agent.hears(0, Activity::Working);
        agent.hears(100, Activity::Idle);
        assert_eq!(agent.sees(200, 100, Some(Activity::Idle)), "idle");
        agent.is_prompted(300);
        assert_eq!(agent.sees(310, 310, Some(Activity::Idle)), "working");
        assert_eq!(agent.belief.now().turns, 2);
    }

    /// Codex and Copilot tell that a session begins when its first prompt was submitted.
    #[test]
    fn the_begin_of_a_session_ends_no_turn() {
        let mut agent = Watched::new();
        agent.hears_told(0, Activity::Idle, true);
        assert_eq!(agent.belief.now().activity, Activity::Idle);
        agent.is_prompted(100);
        agent.hears_told(200, Activity::Idle, true);
        assert_eq!(agent.belief.now().activity, Activity::Working);
        agent.hears(300, Activity::Working);
        agent.hears_told(400, Activity::Idle, true);
        assert_eq!(agent.sees(500, 500, Some(Activity::Idle)), "working");
    }

    #[test]
    fn a_limit_is_over_when_its_time_is() {
        let mut agent = Watched::new();
        let limited = Some(Activity::RateLimited);
        assert_eq!(agent.sees_limit(0, 0, limited, Some(1_000)), "rate-limited");
        assert_eq!(agent.belief.now().resets_at_ms, Some(1_000));
        agent.sees_limit(1_000, 0, limited, Some(1_000));
        assert_eq!(agent.sees_limit(1_100, 0, limited, Some(1_000)), "idle");
        assert_eq!(agent.belief.now().resets_at_ms, None);
    }

    #[test]
    fn an_end_is_told_by_its_exit_status() {
        let mut agent = Watched::new();
        agent.belief.ends(Some(3), 5);
        assert_eq!(agent.belief.now().activity, Activity::Crashed);
        agent.belief.ends(None, 5);
        assert_eq!(agent.belief.now().activity, Activity::Ended);
    }
}
