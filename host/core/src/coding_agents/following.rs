//! A task for each session: woken by what the session shows, it looks who has the
//! terminal and what that agent does, and tells. It owns the [`Belief`] of its session;
//! others see it through a channel. Nothing is looked at while nothing happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quarterdeck_terminal::{Cursor, ShellState, Status};
use tokio::sync::{Notify, mpsc, watch};

use super::activity::{Activity, AgentActivity, Evidence};
use super::belief::{Belief, HookTold, Look};
use super::frame::{Frame, Sighting};
use super::known_rules::KnownRules;
use super::reset_time::reset_time;
use super::rules::AgentRules;
use crate::clock::now_ms;
use crate::events::{
    AgentActivityChanged, AgentProcess, ClaudeOutput, ClaudeStatus, EventBus, OutputStream,
};
use crate::session::{Session, SessionId};
use crate::text::inert;

/// What is shown within this time is looked at once, if nobody waits for it.
const LOOK_AFTER: Duration = Duration::from_millis(200);

/// The same while somebody waits.
const LOOK_WATCHED: Duration = Duration::from_millis(40);

/// The same while somebody waits and something has happened lately.
const LOOK_SOON: Duration = Duration::from_millis(4);
const LATELY: Duration = Duration::from_secs(2);

/// Who is in front of a command is looked at again during this time.
const JUST_STARTED: Duration = Duration::from_secs(3);

/// Bytes of output in one event.
const OUTPUT_BYTES: usize = 4 * 1024;

/// Events for the output of one look; what is beyond is left out, and said to be.
const OUTPUTS_AT_ONCE: usize = 8;

/// What one follower is told may wait.
const TOLD_WAITING: usize = 16;

/// The coding agents of a host.
#[derive(Clone)]
pub(crate) struct CodingAgents {
    inner: Arc<Inner>,
}

struct Inner {
    programs: Vec<String>,
    rules: KnownRules,
    events: Arc<EventBus>,
    in_front: Mutex<BTreeMap<SessionId, AgentInFront>>,
    followed: Mutex<BTreeMap<SessionId, Arc<Followed>>>,
}

/// The way to a follower.
struct Followed {
    activity: watch::Sender<AgentActivity>,
    told: mpsc::Sender<Told>,
    /// Somebody has begun to wait.
    hurry: Notify,
}

/// What a follower is told from outside.
enum Told {
    /// By a hook of its agent.
    Hook(HookTold),
    /// A prompt was submitted.
    Prompted,
}

/// A coding agent that has a session's terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentInFront {
    /// The program's name.
    pub program: String,
    /// Its process.
    pub pid: Option<u32>,
}

impl CodingAgents {
    /// Looks for programs with these names, and for those that `rules_folder` or the
    /// bundled rules know.
    pub(crate) fn new(
        programs: Vec<String>,
        rules_folder: Option<PathBuf>,
        events: Arc<EventBus>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                programs,
                rules: KnownRules::in_folder(rules_folder),
                events,
                in_front: Mutex::default(),
                followed: Mutex::default(),
            }),
        }
    }

    /// Follows a session until it is over.
    pub(crate) fn follow(&self, session: &Arc<Session>) {
        let (told, telling) = mpsc::channel(TOLD_WAITING);
        let followed = Arc::new(Followed {
            activity: watch::channel(AgentActivity::of_shell(Activity::Unknown, now_ms())).0,
            told,
            hurry: Notify::new(),
        });
        self.inner
            .followed()
            .insert(session.id.clone(), Arc::clone(&followed));
        let follower = Follower {
            agents: Arc::clone(&self.inner),
            id: session.id.clone(),
            read: Cursor::START,
            shown: false,
            agent: None,
            rules: None,
            belief: None,
            limit: None,
            moved: Instant::now(),
            seen_cursor: Cursor::START,
            seen_rows: Vec::new(),
            told_at: Instant::now(),
            followed,
        };
        let changes = session.terminal.changes();
        tokio::spawn(follower.follow(Arc::downgrade(session), changes, telling));
    }

    /// Forgets a session that is over.
    pub(crate) fn forget(&self, id: &SessionId) {
        self.inner.followed().remove(id);
    }

    /// Those that are in front now.
    pub(crate) fn in_front(&self) -> Vec<AgentInFront> {
        self.inner.in_front().values().cloned().collect()
    }

    /// Whether a session runs a program that is known to be an agent's.
    pub(crate) fn know(&self, status: &Status) -> bool {
        self.inner.agent_in(status).is_some()
    }

    /// What goes on in a session, from now on. While this is held, looks are frequent.
    pub(crate) fn watch(&self, id: &SessionId) -> Option<watch::Receiver<AgentActivity>> {
        let followed = self.inner.followed().get(id).cloned()?;
        let receiver = followed.activity.subscribe();
        followed.hurry.notify_one();
        Some(receiver)
    }

    /// What was believed of a session when it was looked at last.
    pub(crate) fn activity(&self, id: &SessionId) -> Option<AgentActivity> {
        let followed = self.inner.followed().get(id).cloned()?;
        let activity = followed.activity.borrow().clone();
        Some(activity)
    }

    /// The rules for the agent that a session runs.
    pub(crate) async fn rules(&self, program: &str) -> Option<Arc<AgentRules>> {
        self.inner.rules.of(program).await
    }

    /// A hook of the agent in this session has told something.
    pub(crate) async fn hears(&self, id: &SessionId, told: HookTold) {
        self.tell(id, Told::Hook(told)).await;
    }

    /// A prompt was seen to be submitted in this session.
    pub(crate) async fn is_prompted(&self, id: &SessionId) {
        self.tell(id, Told::Prompted).await;
    }

    async fn tell(&self, id: &SessionId, told: Told) {
        let followed = self.inner.followed().get(id).cloned();
        if let Some(followed) = followed {
            // A follower that has ended need not be told.
            let _ = followed.told.send(told).await;
        }
    }
}

impl AgentActivity {
    /// Of a session in which a shell is in front.
    fn of_shell(activity: Activity, since_ms: u64) -> Self {
        Self {
            program: None,
            activity,
            before: Activity::Unknown,
            evidence: Evidence::Mark,
            why: match activity {
                Activity::Idle => "the shell waits for a command",
                Activity::Working => "a command runs",
                Activity::Ended | Activity::Crashed => "the session has ended",
                _ => "nobody can tell what its program does",
            }
            .to_owned(),
            since_ms,
            resets_at_ms: None,
            turns: 0,
        }
    }
}

impl Inner {
    fn in_front(&self) -> std::sync::MutexGuard<'_, BTreeMap<SessionId, AgentInFront>> {
        self.in_front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self) -> std::sync::MutexGuard<'_, BTreeMap<SessionId, Arc<Followed>>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coding agent that a session runs, by the program in front or, where
    /// that is an interpreter, by the command that was given.
    fn agent_in(&self, status: &Status) -> Option<AgentInFront> {
        let known = |name: &str| {
            let named = self.programs.iter().any(|program| program == name);
            (named || self.rules.know(name)).then(|| name.to_owned())
        };
        let command = match &status.shell {
            ShellState::Running {
                command: Some(command),
                ..
            } => command.split_whitespace().next(),
            _ => None,
        };
        let by_command = || {
            let program = Path::new(command?).file_name()?;
            known(program.to_str()?)
        };
        let foreground = status.foreground.as_ref();
        foreground
            .and_then(|foreground| known(&foreground.name))
            .or_else(by_command)
            .map(|program| AgentInFront {
                program,
                pid: foreground.map(|foreground| foreground.pid),
            })
    }
}

struct Follower {
    agents: Arc<Inner>,
    id: SessionId,
    /// Output up to here was there before the agent, or has been told.
    read: Cursor,
    /// Whether the agent has shown anything.
    shown: bool,
    agent: Option<AgentInFront>,
    /// How its screens are read; none where nobody knows.
    rules: Option<Arc<AgentRules>>,
    belief: Option<Belief>,
    /// The words of a limit, after so many turns, and when it is lifted: words such as
    /// "in 5 minutes" are understood once.
    limit: Option<(String, u64, Option<u64>)>,
    /// When something was shown last, what then.
    moved: Instant,
    seen_cursor: Cursor,
    seen_rows: Vec<String>,
    /// When another activity was told last, or somebody began to wait.
    told_at: Instant,
    followed: Arc<Followed>,
}

impl Follower {
    async fn follow(
        mut self,
        session: Weak<Session>,
        mut changes: watch::Receiver<u64>,
        mut telling: mpsc::Receiver<Told>,
    ) {
        let mut look_again = Some(Instant::now());
        loop {
            let followed = Arc::clone(&self.followed);
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.pause().await;
                    changes.mark_unchanged();
                }
                Some(told) = telling.recv() => self.hears(told),
                () = followed.hurry.notified() => self.told_at = Instant::now(),
                () = until(look_again) => {}
            }
            let Some(session) = session.upgrade() else {
                break;
            };
            let status = session.terminal.status().await;
            look_again = self.look(&session, &status).await;
            if status.has_ended() {
                break;
            }
        }
        self.gone(None);
    }

    fn hears(&mut self, told: Told) {
        let Some(belief) = &mut self.belief else {
            return;
        };
        match told {
            Told::Hook(told) => belief.hears(told, Instant::now(), now_ms()),
            Told::Prompted => belief.is_prompted(Instant::now(), now_ms()),
        }
        self.tell_activity();
    }

    /// Lets things come together, unless somebody waits.
    async fn pause(&self) {
        if self.followed.activity.receiver_count() > 0 {
            let lately = self.told_at.elapsed() < LATELY;
            let pause = if lately { LOOK_SOON } else { LOOK_WATCHED };
            return tokio::time::sleep(pause).await;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AFTER) => {}
            () = self.followed.hurry.notified() => {}
        }
    }

    /// Looks once. Returns when to look again even if nothing is shown.
    async fn look(&mut self, session: &Session, status: &Status) -> Option<Instant> {
        let now = self.agents.agent_in(status);
        if self.agent.is_some() {
            self.tell_output(session, status.cursor).await;
        }
        let program = |agent: &Option<AgentInFront>| agent.as_ref().map(|it| it.program.clone());
        if program(&now) != program(&self.agent) {
            self.gone(status.last_exit_status);
            if let Some(agent) = now {
                self.comes(session, status, agent).await;
            }
        }
        self.read = status.cursor;
        if self.agent.is_none() {
            self.tell_of_shell(status);
            return self.unsure_until(status);
        }
        let (rules, belief) = (self.rules.clone(), self.belief.as_mut()?);
        let rules = rules?;
        let frame = Frame::of_screen(&session.terminal.screen().await);
        let instant = Instant::now();
        if status.cursor != self.seen_cursor || frame.rows != self.seen_rows {
            self.moved = instant;
            self.seen_cursor = status.cursor;
            self.seen_rows.clone_from(&frame.rows);
        }
        let sighting = frame.sighting(&rules);
        let turns = belief.now().turns;
        let resets_at_ms = (sighting.as_ref()).and_then(|it| lifted_at(&mut self.limit, it, turns));
        let again = belief.sees(Look {
            sighting,
            resets_at_ms,
            moved: self.moved,
            now: instant,
            now_ms: now_ms(),
        });
        self.tell_activity();
        again
    }

    /// A program that has just been started goes by its shell's name for a moment: looks
    /// again soon, a few times.
    fn unsure_until(&self, status: &Status) -> Option<Instant> {
        match &status.shell {
            ShellState::Running { since, .. }
                if since.elapsed().is_ok_and(|elapsed| elapsed < JUST_STARTED) =>
            {
                Some(Instant::now() + LOOK_AFTER)
            }
            _ => None,
        }
    }

    /// An agent has come to the front.
    async fn comes(&mut self, session: &Session, status: &Status, agent: AgentInFront) {
        self.tell(&agent, AgentProcess::Starting, "is starting");
        self.agents
            .in_front()
            .insert(self.id.clone(), agent.clone());
        self.rules = self.agents.rules.of(&agent.program).await;
        let settle = self.rules.as_ref().map_or(Duration::ZERO, |it| it.settle);
        self.belief = Some(Belief::of(&agent.program, settle, now_ms()));
        self.moved = Instant::now();
        self.agent = Some(agent);
        self.tell_activity();
        self.tell_output(session, status.cursor).await;
    }

    /// Tells what was shown since the last look, up to `end`.
    async fn tell_output(&mut self, session: &Session, end: Cursor) {
        for _ in 0..OUTPUTS_AT_ONCE {
            let output = session
                .terminal
                .read_until(self.read, end, OUTPUT_BYTES)
                .await;
            if output.text.is_empty() {
                return;
            }
            self.read = output.next;
            self.tell_content(inert(&output.text));
            if !output.more {
                return;
            }
        }
        let left_out = end.offset().saturating_sub(self.read.offset());
        if left_out > 0 {
            self.tell_content(format!(
                "[… {left_out} bytes of output are left out here …]"
            ));
            self.read = end;
        }
    }

    fn tell_content(&mut self, content: String) {
        if !std::mem::replace(&mut self.shown, true)
            && let Some(agent) = self.agent.clone()
        {
            self.tell(&agent, AgentProcess::Running, "is running");
        }
        self.agents.events.publish(ClaudeOutput {
            content,
            stream: OutputStream::Stdout,
            session_id: self.id.to_string(),
        });
    }

    /// Shows what is believed now, and tells if that has changed.
    fn tell_activity(&mut self) {
        let Some(belief) = &self.belief else {
            return;
        };
        let now = belief.now();
        let before = self.followed.activity.borrow().clone();
        if before == *now {
            return;
        }
        let changed = before.activity != now.activity || before.program != now.program;
        if changed {
            self.told_at = Instant::now();
        }
        self.followed.activity.send_replace(now.clone());
        if changed {
            self.agents.events.publish(AgentActivityChanged {
                session_id: self.id.to_string(),
                program: now.program.clone().unwrap_or_default(),
                activity: now.activity,
                before: before.activity,
                evidence: now.evidence,
                why: now.why.clone(),
                resets_at: now.resets_at_ms.map(crate::clock::rfc3339_of_ms),
            });
        }
    }

    /// A shell is in front. That an agent has ended there is told until something else
    /// runs.
    fn tell_of_shell(&self, status: &Status) {
        let activity = match &status.shell {
            ShellState::Exited(exit) => match exit.is_some_and(|exit| !exit.success()) {
                true => Activity::Crashed,
                false => Activity::Ended,
            },
            _ if status.is_running() => Activity::Working,
            ShellState::AtPrompt { .. } => Activity::Idle,
            _ => Activity::Unknown,
        };
        self.followed.activity.send_if_modified(|now| {
            let of_an_agent = now.program.is_some() && now.activity.has_ended();
            let keeps = of_an_agent && matches!(activity, Activity::Idle | Activity::Unknown);
            if keeps || (now.program.is_none() && now.activity == activity) {
                return false;
            }
            *now = AgentActivity::of_shell(activity, now_ms());
            true
        });
    }

    fn gone(&mut self, exit_status: Option<i32>) {
        let Some(agent) = self.agent.take() else {
            return;
        };
        if let Some(belief) = &mut self.belief {
            belief.ends(exit_status, now_ms());
        }
        self.tell_activity();
        self.belief = None;
        self.rules = None;
        self.limit = None;
        self.shown = false;
        self.agents.in_front().remove(&self.id);
        match exit_status {
            Some(status) if status != 0 => {
                let ended = format!("ended with exit status {status}");
                self.tell(&agent, AgentProcess::Error, &ended);
            }
            _ => self.tell(&agent, AgentProcess::Stopped, "has stopped"),
        }
    }

    fn tell(&self, agent: &AgentInFront, status: AgentProcess, what: &str) {
        self.agents.events.publish(ClaudeStatus {
            status,
            pid: agent.pid,
            message: format!("{} {what}", agent.program),
            session_id: Some(self.id.to_string()),
            program: agent.program.clone(),
        });
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// When the limit is lifted that a screen shows after so many turns.
fn lifted_at(
    known: &mut Option<(String, u64, Option<u64>)>,
    sighting: &Sighting,
    turns: u64,
) -> Option<u64> {
    let words = sighting.resets.as_ref()?;
    match known {
        Some((known, then, at)) if known == words && *then == turns => *at,
        _ => {
            let at = reset_time(words, Timestamp::now(), &TimeZone::system());
            *known = Some((words.clone(), turns, at));
            at
        }
    }
}
