//! The way of one prompt into a program: pasted, seen in its box, submitted, seen again.

use std::time::{Duration, Instant};

use quarterdeck_terminal::Until;

use super::eyes::Eyes;
use super::kept;
use super::{PromptReceipt, PromptStage};
use crate::coding_agents::{Activity, AgentActivity, AgentRules, BoxText, Evidence};
use crate::error::HostError;
use crate::gate::PromptTyping;
use crate::host::Host;
use crate::store::Store;

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

/// A box that is away for less was being drawn anew.
const REDRAWN_WITHIN: Duration = Duration::from_millis(100);

/// A program that is busy with something else, its start for example, may take no Enter:
/// the next one waits so long for it.
const BUSY_PATIENCE: Duration = Duration::from_secs(15);

/// So often it is pasted, and so often Enter is pressed, at most.
const MOST_PASTES: u32 = 2;
const MOST_ENTERS: u32 = 3;

/// Work that is not seen within this time is left to the next look.
const START_PATIENCE: Duration = Duration::from_millis(250);

/// Where nobody can see it arrive: a paste is taken for one, and not for keys, when
/// Enter comes after a pause.
const PAUSE_BEFORE_ENTER: Duration = Duration::from_millis(100);

/// So much of a box is told of in a receipt, in characters.
const MOST_SHOWN: usize = 200;

const LEFT_ALONE: &str =
    "its sender went away while it was being typed: look at the screen before you send it again";

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

/// A prompt that is expected to leave its box.
struct Leaving<'a> {
    text: &'a str,
    /// Since when no box is shown.
    away_since: Option<Instant>,
}

impl<'a> Leaving<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            away_since: None,
        }
    }

    /// Whether it has left, or will not by Enter: the program asks something, or is over.
    fn is_over(&mut self, shown: Option<&BoxText>, now: &AgentActivity) -> bool {
        let left = match shown {
            Some(shown) => {
                self.away_since = None;
                shown.times(self.text) == 0
            }
            None => self.away_since.get_or_insert_with(Instant::now).elapsed() >= REDRAWN_WITHIN,
        };
        left || now.activity.is_asking() || now.activity.has_ended()
    }
}

/// One prompt on its way.
pub(super) struct Course<'a> {
    pub(super) text: &'a str,
    pub(super) receipt: PromptReceipt,
    pub(super) since: Instant,
    /// Where the receipt is kept should the course not come to its end, because
    /// whoever sent the prompt goes away in the middle.
    pub(super) left_alone: Option<&'a Store>,
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
    pub(super) fn ends(mut self) -> PromptReceipt {
        self.left_alone = None;
        self.receipt.clone()
    }

    fn elapsed_ms(&self) -> Option<u64> {
        u64::try_from(self.since.elapsed().as_millis()).ok()
    }

    /// Into a program whose box can be read.
    pub(super) async fn seen(
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
                Arrival::Once => match self.company(eyes).await {
                    None => return Ok(true),
                    Some(company) => format!(
                        "something else stands in the prompt box with it: nothing was submitted; the box holds {company:?}"
                    ),
                },
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

    /// What the box holds where that is more than the prompt, and stays so: a frame that
    /// is half drawn shows rows of its own.
    async fn company(&self, eyes: &mut Eyes) -> Option<String> {
        let text = self.text;
        let alone = eyes.look_until(REDRAWN_WITHIN, |shown, _| {
            let alone = shown.is_none_or(|shown| shown.holds_no_more_than(text));
            alone.then_some(())
        });
        let shown = alone.await.err()??;
        Some(shown.text.trim().chars().take(MOST_SHOWN).collect())
    }

    /// Presses Enter until the prompt has left the box, and again only while it stands
    /// there and the program neither asks nor works.
    async fn is_submitted(
        &mut self,
        eyes: &mut Eyes,
        typing: &mut PromptTyping<'_>,
    ) -> Result<bool, HostError> {
        let mut leaving = Leaving::of(self.text);
        while self.receipt.enters < MOST_ENTERS {
            typing.enter().await?;
            self.receipt.enters += 1;
            let seen = eyes.look_until(SUBMISSION_PATIENCE, |shown, now| {
                leaving.is_over(shown, now).then_some(())
            });
            if seen.await.is_ok() {
                return Ok(true);
            }
            let seen = eyes.look_until(BUSY_PATIENCE, |shown, now| {
                let over = leaving.is_over(shown, now);
                (over || now.activity != Activity::Working).then_some(over)
            });
            if let Ok(true) = seen.await {
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
    pub(super) async fn unseen(
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
