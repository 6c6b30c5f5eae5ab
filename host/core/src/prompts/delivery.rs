//! Prompts that are asked for: each is judged, kept, and handed to the agent once.

use std::sync::Arc;
use std::time::Instant;

use quarterdeck_terminal::Cursor;
use quarterdeck_terminal::deadline::LONGEST_WAIT;
use sha2::{Digest, Sha256};

use super::course::Course;
use super::eyes::{Eyes, NO_AGENT};
use super::kept::{self, PromptDigest};
use super::{PromptAgent, PromptReceipt, PromptStage};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::coding_agents::AgentRules;
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// The longest prompt and the longest id, in bytes.
const LONGEST_PROMPT: usize = 1024 * 1024;
const LONGEST_ID: usize = 200;

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
        self.session_is_active(&session);
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
