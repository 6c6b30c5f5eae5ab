//! The course of one prompt: ready, judged, kept, pasted, seen, submitted, seen again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::{Cursor, Until};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::kept::{self, PromptDigest};
use super::{PromptAgent, PromptReceipt, PromptStage};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::coding_agents::{Activity, AgentActivity, AgentRules, BoxText, Evidence, Frame};
use crate::error::HostError;
use crate::gate::PromptTyping;
use crate::host::Host;
use crate::session::{Session, SessionId};
use crate::store::Store;

/// The longest prompt and the longest id, in bytes.
const LONGEST_PROMPT: usize = 1024 * 1024;
const LONGEST_ID: usize = 200;

/// A prompt that does not show in the box within this time is asked after.
const ARRIVAL_PATIENCE: Duration = Duration::from_secs(3);

/// Typed after a prompt that does not show: no program has a use for it by itself.
const KEY: char = '.';

/// A key that does not show within this time may be lost like the prompt: another one
/// follows, and a program that shows none of so many takes no input at all.
const KEY_PATIENCE: Duration = Duration::from_secs(2);
const MOST_KEYS: usize = 6;

/// What was typed to find out is taken away within this time.
const ERASURE_PATIENCE: Duration = Duration::from_secs(3);

/// A prompt still in the box after so long was not submitted by that Enter.
const SUBMISSION_PATIENCE: Duration = Duration::from_millis(1_500);

/// So often it is pasted, and so often Enter is pressed, at most.
const MOST_PASTES: u32 = 2;
const MOST_ENTERS: u32 = 3;

/// Work that is not seen within this time is left to the next look.
const START_PATIENCE: Duration = Duration::from_millis(250);

/// Where nobody can see it arrive: a paste is taken for one, and not for keys, when
/// Enter comes after a pause.
const PAUSE_BEFORE_ENTER: Duration = Duration::from_millis(100);

/// A screen is looked at again after so long, should no change of it be told.
const NEXT_LOOK: Duration = Duration::from_millis(50);

/// A program in front that is not known to be an agent's by then is none.
const UNKNOWN_AFTER: Duration = Duration::from_secs(3);

const NO_AGENT: &str =
    "its shell is in front, and no agent's program: start one there, or run a command instead";

const LEFT_ALONE: &str =
    "its sender went away while it was being typed: look at the screen before you send it again";

/// A prompt that was typed, with where its answer begins.
pub(crate) struct Delivered {
    pub(crate) receipt: PromptReceipt,
    pub(crate) began: Cursor,
    /// How often the program had gone to work before.
    pub(crate) turns: u64,
    /// How its screen is read; none where nobody knows.
    pub(crate) rules: Option<Arc<AgentRules>>,
}

impl Host {
    /// Hands a prompt to the agent's program in front of a session.
    ///
    /// An error means that nothing was typed. Everything else is in the receipt.
    pub async fn prompt_agent(
        &self,
        session: &SessionId,
        request: PromptAgent,
        caller: &Caller,
    ) -> Result<PromptReceipt, HostError> {
        let session = self.registry.get(session.as_str())?;
        let deadline = Instant::now() + request.ready_within.min(LONGEST_WAIT);
        if let Some(known) = self.known_prompt(&request).await? {
            return Ok(known);
        }
        let turn = tokio::time::timeout_at(deadline.into(), session.run_turn.lock());
        let _turn = turn.await.map_err(|_| HostError::AgentNotReady {
            session: session.id.clone(),
            why: "somebody else's command or prompt is under way there".to_owned(),
        })?;
        // Another request with this id may have been first.
        if let Some(known) = self.known_prompt(&request).await? {
            return Ok(known);
        }
        self.session_is_active(&session.id);
        let delivered = Box::pin(self.deliver_prompt(&session, request, caller)).await?;
        Ok(delivered.receipt)
    }

    /// The receipt of a prompt that was typed already.
    async fn known_prompt(
        &self,
        request: &PromptAgent,
    ) -> Result<Option<PromptReceipt>, HostError> {
        check(request)?;
        let Some(id) = request.id.clone() else {
            return Ok(None);
        };
        let asked = id.clone();
        let known = self.store.read(move |kept| kept::known(kept, &asked));
        match known.await.map_err(HostError::from_store)? {
            Some((digest, _)) if digest != digest_of(&request.text) => {
                Err(HostError::InvalidParameters(format!(
                    "the prompt id {id:?} was used for another text: choose a new id for a new prompt"
                )))
            }
            Some((_, receipt)) => Ok(Some(PromptReceipt {
                repeated: true,
                ..receipt
            })),
            None => Ok(None),
        }
    }

    /// As [`prompt_agent`](Self::prompt_agent), for whoever has the session's turn.
    pub(crate) async fn deliver_prompt(
        &self,
        session: &Arc<Session>,
        request: PromptAgent,
        caller: &Caller,
    ) -> Result<Delivered, HostError> {
        check(&request)?;
        let began = Instant::now();
        let mut eyes = Eyes::on(self, session, request.ready_within).await?;
        let left = request.ready_within.saturating_sub(began.elapsed());
        let ready = eyes.ready(left).await?;
        let Some(mut typing) = (self.gate)
            .begin_prompt(session, &request.text, caller)
            .await?
        else {
            return Err(HostError::AgentNotReady {
                session: session.id.clone(),
                why: NO_AGENT.to_owned(),
            });
        };
        let digest = digest_of(&request.text);
        let receipt = PromptReceipt {
            id: request.id.unwrap_or_else(random_id),
            session_id: session.id.to_string(),
            program: ready.program.clone(),
            stage: PromptStage::Typing,
            problem: None,
            pastes: 0,
            enters: 0,
            typed_at_ms: now_ms(),
            delivered_after_ms: None,
            submitted_after_ms: None,
            started_after_ms: None,
            activity: ready.activity,
            repeated: false,
        };
        self.prompt_begins(&receipt, digest).await?;
        let began = typing.began;
        let mut course = Course {
            text: &request.text,
            receipt,
            since: Instant::now(),
            left_alone: Some(&self.store),
        };
        let ended = match eyes.rules.clone() {
            Some(rules) => course.seen(self, &mut eyes, &rules, &mut typing).await,
            None => course.unseen(&eyes, &mut typing).await,
        };
        drop(typing);
        if let Err(error) = ended {
            course.receipt.problem = Some(error.to_string());
        }
        course.receipt.activity = eyes.now().activity;
        let receipt = course.ends();
        let written = receipt.clone();
        let kept = self.store.write(move |kept| kept::came_to(kept, &written));
        if let Err(error) = kept.await {
            tracing::warn!(%error, prompt = %receipt.id, "what became of a prompt is not kept: asked again, nobody will know");
        }
        Ok(Delivered {
            receipt,
            began,
            turns: ready.turns,
            rules: eyes.rules,
        })
    }

    async fn prompt_begins(
        &self,
        receipt: &PromptReceipt,
        digest: PromptDigest,
    ) -> Result<(), HostError> {
        let written = receipt.clone();
        let begins = self
            .store
            .write(move |kept| kept::begins(kept, &written, &digest));
        match begins.await.map_err(HostError::from_store)? {
            true => Ok(()),
            false => Err(HostError::InvalidParameters(format!(
                "a prompt with the id {:?} is being typed into another session: choose another id",
                receipt.id
            ))),
        }
    }
}

fn check(request: &PromptAgent) -> Result<(), HostError> {
    let wrong = |what: String| Err(HostError::InvalidParameters(what));
    if request.text.trim().is_empty() {
        return wrong("the prompt is empty: give a text".to_owned());
    }
    if request.text.len() > LONGEST_PROMPT {
        return wrong(format!(
            "the prompt has {} bytes, more than the {LONGEST_PROMPT} that are typed at once: write it to a file and name that in the prompt",
            request.text.len()
        ));
    }
    let possible = |id: &String| {
        !id.trim().is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_control)
    };
    match request.id.as_ref().filter(|id| !possible(id)) {
        Some(id) => wrong(format!(
            "{id:?} cannot be a prompt's id: give 1 to {LONGEST_ID} bytes without control characters"
        )),
        None => Ok(()),
    }
}

fn digest_of(text: &str) -> PromptDigest {
    Sha256::digest(text.as_bytes()).into()
}

fn random_id() -> String {
    format!("p-{:016x}", rand::random::<u64>())
}

/// What can be seen of a session while a prompt is on its way.
struct Eyes {
    session: Arc<Session>,
    activity: watch::Receiver<AgentActivity>,
    changes: watch::Receiver<u64>,
    rules: Option<Arc<AgentRules>>,
}

impl Eyes {
    /// Opens them once a program is in front, within this time.
    async fn on(host: &Host, session: &Arc<Session>, within: Duration) -> Result<Self, HostError> {
        let activity = host.coding_agents.watch(&session.id);
        let activity =
            activity.ok_or_else(|| HostError::SessionNotFound(session.id.to_string()))?;
        let mut eyes = Self {
            changes: session.terminal.changes(),
            session: Arc::clone(session),
            activity,
            rules: None,
        };
        if let Some(program) = eyes.program_in_front(host, within).await? {
            eyes.rules = host.coding_agents.rules(&program).await;
        }
        Ok(eyes)
    }

    /// The agent's program in front; `None` for one that nobody knows.
    async fn program_in_front(
        &mut self,
        host: &Host,
        within: Duration,
    ) -> Result<Option<String>, HostError> {
        let began = Instant::now();
        loop {
            if let now = self.now()
                && !now.activity.has_ended()
                && let Some(program) = now.program
            {
                return Ok(Some(program));
            }
            let status = self.session.terminal.status().await;
            if let Some(how) = status.ending() {
                return Err(HostError::SessionEnded {
                    session: self.session.id.clone(),
                    how,
                });
            }
            let runs = status.is_running() || status.full_screen;
            let waited = began.elapsed();
            // An agent that is known by its name is never typed into unseen.
            match runs {
                true if waited < UNKNOWN_AFTER => {}
                true if !host.coding_agents.know(&status) => return Ok(None),
                true if waited >= within => return Err(self.not_ready("it is starting")),
                false if waited >= within => return Err(self.not_ready(NO_AGENT)),
                _ => {}
            }
            tokio::select! {
                // An error means that the session is over, which its status tells.
                _ = self.activity.changed() => {}
                () = tokio::time::sleep(NEXT_LOOK) => {}
            }
        }
    }

    fn now(&self) -> AgentActivity {
        self.activity.borrow().clone()
    }

    /// Waits until a prompt can be taken.
    async fn ready(&mut self, within: Duration) -> Result<AgentActivity, HostError> {
        if self.rules.is_none() {
            // Nobody can tell when such a program is ready.
            return Ok(self.now());
        }
        let ready = tokio::time::timeout(within, self.idle()).await;
        match ready {
            Ok(Some(now)) if now.activity == Activity::Idle => self.with_empty_box(now).await,
            Ok(_) => Err(self.not_ready("its program is not in front any more")),
            Err(_) => Err(self.busy()),
        }
    }

    /// Waits until the program is idle, or over.
    async fn idle(&mut self) -> Option<AgentActivity> {
        let idle = self.activity.wait_for(|now| {
            now.activity == Activity::Idle || now.activity.has_ended() || now.program.is_none()
        });
        let now = idle.await.ok()?.clone();
        now.program.is_some().then_some(now)
    }

    /// Why nothing is typed into a program that is not idle.
    fn busy(&self) -> HostError {
        let now = self.now();
        self.not_ready(&match now.activity.is_asking() {
            true => format!("{}: look at its screen and answer that first", now.why),
            false => format!(
                "it is {} ({}); wait until it is idle",
                now.activity.as_str(),
                now.why
            ),
        })
    }

    async fn with_empty_box(&self, now: AgentActivity) -> Result<AgentActivity, HostError> {
        match self.box_text().await {
            Some(text) if !text.is_empty() => Err(self.not_ready(&format!(
                "something was typed there before and not submitted ({:?}): submit it or clear it first",
                text.text.chars().take(80).collect::<String>()
            ))),
            _ => Ok(now),
        }
    }

    fn not_ready(&self, why: &str) -> HostError {
        HostError::AgentNotReady {
            session: self.session.id.clone(),
            why: why.to_owned(),
        }
    }

    async fn box_text(&self) -> Option<BoxText> {
        let frame = Frame::of_screen(&self.session.terminal.screen().await);
        frame.box_text(self.rules.as_ref()?)
    }

    /// Looks at the box, and again whenever something is shown, until `found` finds what
    /// it looks for or time is over; then what was seen last is the error.
    async fn look_until<T>(
        &mut self,
        patience: Duration,
        found: impl Fn(Option<&BoxText>, &AgentActivity) -> Option<T>,
    ) -> Result<T, Option<BoxText>> {
        let deadline = Instant::now() + patience;
        loop {
            self.changes.mark_unchanged();
            let text = self.box_text().await;
            if let Some(found) = found(text.as_ref(), &self.now()) {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Err(text);
            }
            tokio::select! {
                // An error means that the session is over: then the clock decides.
                _ = self.changes.changed() => {}
                () = tokio::time::sleep(NEXT_LOOK) => {}
            }
        }
    }
}

/// What became of a paste.
enum Arrival {
    /// It stands in the box.
    Once,
    /// It stands there so often.
    Times(usize),
    /// It was thrown away.
    Lost,
    /// It may be read yet.
    Pending,
    /// The program asks something, or is over.
    Interrupted,
    /// Something else stands in the box, or none is shown.
    Unseen,
}

impl Arrival {
    fn of(times: usize) -> Self {
        match times {
            0 => Self::Interrupted,
            1 => Self::Once,
            times => Self::Times(times),
        }
    }
}

/// What became of a prompt, by a box that is shown after so many keys were typed after
/// it; `None` where the box does not tell yet.
fn what_became(text: &str, shown: &BoxText, keys: usize) -> Option<Arrival> {
    match shown.times(text) {
        0 => {
            let alone = shown.text.trim();
            (!alone.is_empty() && alone.chars().all(|c| c == KEY)).then_some(Arrival::Lost)
        }
        // All keys came after it, so all of them follow.
        times => (keys_after(text, shown) == keys).then_some(Arrival::of(times)),
    }
}

/// How many of the keys that find out stand behind a prompt in its box.
fn keys_after(prompt: &str, shown: &BoxText) -> usize {
    let at_end = |text: &str| {
        let keys = text.trim_end().chars().rev().take_while(|c| *c == KEY);
        keys.count()
    };
    let own = match shown.pastes {
        0 => at_end(prompt),
        // A word stands for it.
        _ => 0,
    };
    at_end(&shown.text).saturating_sub(own)
}

/// One prompt on its way.
struct Course<'a> {
    text: &'a str,
    receipt: PromptReceipt,
    since: Instant,
    /// Where the receipt is kept should the course not come to its end, because
    /// whoever sent the prompt goes away in the middle.
    left_alone: Option<&'a Store>,
}

impl Drop for Course<'_> {
    fn drop(&mut self) {
        let Some(store) = self.left_alone else {
            return;
        };
        let mut receipt = self.receipt.clone();
        receipt.problem = Some(LEFT_ALONE.to_owned());
        store.write_later("what became of a prompt", move |kept| {
            kept::came_to(kept, &receipt)
        });
    }
}

impl Course<'_> {
    /// The receipt, for whoever keeps it now.
    fn ends(mut self) -> PromptReceipt {
        self.left_alone = None;
        self.receipt.clone()
    }

    fn elapsed_ms(&self) -> Option<u64> {
        u64::try_from(self.since.elapsed().as_millis()).ok()
    }

    /// Into a program whose box can be read.
    async fn seen(
        &mut self,
        host: &Host,
        eyes: &mut Eyes,
        rules: &AgentRules,
        typing: &mut PromptTyping<'_>,
    ) -> Result<(), HostError> {
        if rules.prompt_box.is_none() {
            return self.unseen(eyes, typing).await;
        }
        if !self.arrives(eyes, typing).await? {
            return Ok(());
        }
        self.receipt.stage = PromptStage::Delivered;
        self.receipt.delivered_after_ms = self.elapsed_ms();
        if !self.is_submitted(eyes, typing).await? {
            return Ok(());
        }
        self.receipt.stage = PromptStage::Submitted;
        self.receipt.submitted_after_ms = self.elapsed_ms();
        host.coding_agents.is_prompted(&eyes.session.id).await;
        let begun = eyes.activity.wait_for(|now| {
            let told = matches!(now.evidence, Evidence::Screen | Evidence::Hook);
            now.activity.has_ended() || (told && now.activity != Activity::Idle)
        });
        if let Ok(Ok(_)) = tokio::time::timeout(START_PATIENCE, begun).await {
            self.receipt.stage = PromptStage::Started;
            self.receipt.started_after_ms = self.elapsed_ms();
        }
        Ok(())
    }

    /// Pastes until it stands in the box, once. A second time only where the first was
    /// seen to be lost: a program that was starting has thrown it away.
    async fn arrives(
        &mut self,
        eyes: &mut Eyes,
        typing: &mut PromptTyping<'_>,
    ) -> Result<bool, HostError> {
        loop {
            typing.paste().await?;
            self.receipt.pastes += 1;
            self.receipt.stage = PromptStage::Typed;
            let text = self.text;
            let seen = eyes.look_until(ARRIVAL_PATIENCE, |shown, now| {
                let times = shown.map_or(0, |shown| shown.times(text));
                (times > 0 || now.activity.is_asking() || now.activity.has_ended()).then_some(times)
            });
            let seen = match seen.await {
                Err(Some(shown)) if shown.is_empty() => self.asked_after(eyes, typing).await?,
                Ok(times) => Arrival::of(times),
                Err(_) => Arrival::Unseen,
            };
            let problem = match seen {
                Arrival::Once if !self.is_alone(eyes).await => {
                    "something else stands in the prompt box with it: nothing was submitted"
                        .to_owned()
                }
                Arrival::Once => return Ok(true),
                Arrival::Times(times) => {
                    format!("it stands {times} times in the prompt box: nothing was submitted")
                }
                Arrival::Lost if self.receipt.pastes < MOST_PASTES => continue,
                Arrival::Lost => "the prompt box stayed empty: nothing was submitted".to_owned(),
                Arrival::Pending => "the program shows nothing of what is typed, so the prompt may appear later: nothing was submitted; look at the screen".to_owned(),
                Arrival::Interrupted => {
                    "the program asked something meanwhile, or ended: nothing was submitted"
                        .to_owned()
                }
                Arrival::Unseen => "it was not seen in the prompt box, so it was not submitted: look at the screen".to_owned(),
            };
            self.receipt.problem = Some(problem);
            return Ok(false);
        }
    }

    /// Finds out what became of a prompt that does not show, by keys after it: what is
    /// typed is read in order, so a key that shows alone tells that the prompt was lost,
    /// and none that shows that all may be read yet. A program that throws away what it
    /// was given throws keys away with it, so more than one is tried. They are taken away
    /// again.
    async fn asked_after(
        &mut self,
        eyes: &mut Eyes,
        typing: &mut PromptTyping<'_>,
    ) -> Result<Arrival, HostError> {
        let mut typed = 0;
        let seen = loop {
            if typed == MOST_KEYS {
                break Arrival::Pending;
            }
            typing.key(KEY).await?;
            typed += 1;
            let text = self.text;
            let looked = eyes.look_until(KEY_PATIENCE, |shown, now| {
                if now.activity.is_asking() || now.activity.has_ended() {
                    return Some(Arrival::Interrupted);
                }
                what_became(text, shown?, typed)
            });
            if let Ok(seen) = looked.await {
                break seen;
            }
        };
        if matches!(seen, Arrival::Interrupted) {
            return Ok(seen);
        }
        for _ in 0..typed {
            typing.erase().await?;
        }
        let text = self.text;
        let lost = matches!(seen, Arrival::Lost);
        let gone = eyes.look_until(ERASURE_PATIENCE, |shown, _| {
            let shown = shown?;
            let left = match lost {
                true => shown.is_empty(),
                false => keys_after(text, shown) == 0,
            };
            left.then_some(())
        });
        match (seen, gone.await) {
            (Arrival::Pending, _) | (_, Err(_)) => Ok(Arrival::Pending),
            (seen, Ok(())) => Ok(seen),
        }
    }

    /// Whether nothing stands in the box but the prompt.
    async fn is_alone(&self, eyes: &Eyes) -> bool {
        let shown = eyes.box_text().await;
        shown.is_none_or(|shown| shown.holds_no_more_than(self.text))
    }

    /// Presses Enter until the prompt has left the box, and again only while it stands
    /// there and the program does not ask.
    async fn is_submitted(
        &mut self,
        eyes: &mut Eyes,
        typing: &mut PromptTyping<'_>,
    ) -> Result<bool, HostError> {
        let text = self.text;
        while self.receipt.enters < MOST_ENTERS {
            typing.enter().await?;
            self.receipt.enters += 1;
            let seen = eyes.look_until(SUBMISSION_PATIENCE, |shown, now| {
                let left = shown.is_none_or(|shown| shown.times(text) == 0);
                (left || now.activity.is_asking() || now.activity.has_ended()).then_some(())
            });
            if seen.await.is_ok() {
                return Ok(true);
            }
        }
        self.receipt.problem = Some(format!(
            "it stands in the prompt box still, after {} Enters: look at the screen, and submit it with Enter",
            self.receipt.enters
        ));
        Ok(false)
    }

    /// Into a program that nobody can read: pasted, and submitted after a pause.
    async fn unseen(
        &mut self,
        eyes: &Eyes,
        typing: &mut PromptTyping<'_>,
    ) -> Result<(), HostError> {
        typing.paste().await?;
        self.receipt.pastes = 1;
        self.receipt.stage = PromptStage::Typed;
        eyes.session
            .terminal
            .wait(
                Until::Quiet(PAUSE_BEFORE_ENTER),
                None,
                Duration::from_secs(1),
            )
            .await;
        typing.enter().await?;
        self.receipt.enters = 1;
        self.receipt.problem = Some(
            "there are no rules for this program's screen, so nobody can tell whether it arrived"
                .to_owned(),
        );
        Ok(())
    }
}
