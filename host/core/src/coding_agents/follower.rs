//! A task for each session: woken by what the session shows, it looks who has the
//! terminal and what that agent does, and tells. It owns the [`Belief`] of its session;
//! others see it through a channel. Nothing is looked at while nothing happens.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quarterdeck_terminal::deadline::sleep_until;
use quarterdeck_terminal::{Cursor, ShellState, Status};
use tokio::sync::{mpsc, watch};

use super::activity::{Activity, AgentActivity};
use super::belief::{Belief, Look};
use super::frame::{Frame, Sighting};
use super::registry::{AgentInFront, Followed, Followers, Told};
use super::reset_time::reset_time;
use super::rules::AgentRules;
use crate::clock::now_ms;
use crate::events::{AgentActivityChanged, AgentProcess, ClaudeOutput, ClaudeStatus, OutputStream};
use crate::life::tell_end;
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

/// The shell has its terminal back a moment before it tells how its command has ended.
const TELLING_OF_ITS_END: Duration = Duration::from_millis(100);

/// Bytes of output in one event.
const OUTPUT_BYTES: usize = 16 * 1024;

/// Events for the output of one look. Of more, the end is told and the middle left out, and
/// said to be.
const OUTPUTS_AT_ONCE: usize = 16;

/// The task of one session.
pub(super) struct Follower {
    agents: Arc<Followers>,
    id: SessionId,
    /// Output up to here was there before the agent, or has been told.
    read: Cursor,
    /// Whether the agent has shown anything.
    shown: bool,
    agent: Option<AgentInFront>,
    /// Which of the shell's commands has brought it to the front, where marks tell.
    command: Option<u64>,
    /// Since when it is not in front, though its command has not ended.
    left_at: Option<Instant>,
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
    /// Of a session that nobody has looked at yet.
    pub(super) fn new(agents: Arc<Followers>, id: SessionId, followed: Arc<Followed>) -> Self {
        Self {
            agents,
            id,
            read: Cursor::START,
            shown: false,
            agent: None,
            command: None,
            left_at: None,
            rules: None,
            belief: None,
            limit: None,
            moved: Instant::now(),
            seen_cursor: Cursor::START,
            seen_rows: Vec::new(),
            told_at: Instant::now(),
            followed,
        }
    }

    /// Looks whenever something is shown or told, until the session is over.
    pub(super) async fn follow(
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
                () = sleep_until(look_again) => {}
            }
            let Some(session) = session.upgrade() else {
                break;
            };
            let status = session.terminal.status().await;
            look_again = self.look(&session, &status).await;
            if status.has_ended() {
                tell_end(&session, &self.agents.events);
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
            self.tell_output(session, self.end_of_output(status)).await;
        }
        let program = |agent: &Option<AgentInFront>| agent.as_ref().map(|it| it.program.clone());
        let over = self.its_command_is_over(status);
        if program(&now) != program(&self.agent) || over {
            if now.is_none() && self.command.is_some() && !over {
                let until = *self.left_at.get_or_insert_with(Instant::now) + TELLING_OF_ITS_END;
                if Instant::now() < until {
                    return Some(until);
                }
            }
            self.gone(self.exit_status(status));
            if let Some(agent) = now {
                self.comes(session, status, agent).await;
            }
        }
        self.left_at = None;
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
        let command = status.command_output.filter(|output| output.end.is_none());
        self.command = command.map(|output| output.number);
        self.tell_activity();
        // What stands before is the prompt, and the line that started it.
        let start = status
            .command_output
            .map_or(self.read, |output| output.start);
        self.read = self.read.max(start);
        self.tell_output(session, self.end_of_output(status)).await;
    }

    /// The shell has something else to do than the command that brought the agent. Nobody
    /// may have looked since, so another one of the same name may be in front.
    fn its_command_is_over(&self, status: &Status) -> bool {
        self.command.is_some_and(|number| {
            (status.output_of_command(number)).is_none_or(|output| output.end.is_some())
        })
    }

    /// How far the output of the agent's command reaches, else that of what runs, or ran
    /// last: the next prompt is no part of it.
    fn end_of_output(&self, status: &Status) -> Cursor {
        let end = match self.command {
            Some(number) => match status.output_of_command(number) {
                Some(output) => output.end,
                None => Some(self.read),
            },
            None => status.command_output.and_then(|output| output.end),
        };
        end.unwrap_or(status.cursor)
    }

    /// How the agent's command has ended; none while it goes on with something else.
    fn exit_status(&self, status: &Status) -> Option<i32> {
        match self.command {
            Some(number) => status.output_of_command(number)?.exit_status,
            None => status.last_exit_status,
        }
    }

    /// Tells what was shown since the last look, up to `end`.
    async fn tell_output(&mut self, session: &Session, end: Cursor) {
        for _ in 0..OUTPUTS_AT_ONCE {
            if !self.tell_piece(session, end).await {
                return;
            }
        }
        let last_piece = end.back(OUTPUT_BYTES as u64);
        let left_out = last_piece.offset().saturating_sub(self.read.offset());
        if left_out > 0 {
            self.tell_content(format!(
                "[… {left_out} bytes of output are left out here …]"
            ));
            self.read = last_piece;
        }
        while self.tell_piece(session, end).await {}
    }

    /// Tells the next of it, and whether there is more.
    async fn tell_piece(&mut self, session: &Session, end: Cursor) -> bool {
        let terminal = &session.terminal;
        let output = terminal.read_until(self.read, end, OUTPUT_BYTES).await;
        if output.text.is_empty() {
            return false;
        }
        self.read = output.next;
        self.tell_content(inert(&output.text));
        output.more
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
        self.command = None;
        self.left_at = None;
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
