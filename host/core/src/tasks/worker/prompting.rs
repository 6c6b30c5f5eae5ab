//! A task that is a prompt: handed to the agent's program in a worker, and over when
//! that is idle again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::{Cursor, Until, WaitEnd};

use super::attempt::{Attempt, WorkerAfter, not_interrupted, not_typed, result};
use crate::coding_agents::{Activity, AgentRules};
use crate::gate::Input;
use crate::host::Host;
use crate::prompts::{Delivered, PromptAgent, PromptStage};
use crate::session::Session;
use crate::tasks::fate::Fate;
use crate::tasks::task::{TaskResult, Work};

/// A program that nobody can read has answered once it is silent for so long.
pub(in crate::tasks) const SILENCE_AFTER_ANSWER: Duration = Duration::from_secs(3);

/// An agent that was interrupted is idle within this time, or goes on.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(10);

/// An agent that is to be idle is not waited for: another worker may be.
const READY_PATIENCE: Duration = Duration::from_millis(500);

/// Hands the prompt over and waits until it is done.
pub(in crate::tasks) async fn prompt(
    host: &Host,
    session: &Arc<Session>,
    attempt: &mut Attempt,
) -> (Fate, WorkerAfter) {
    let Work::Analysis { prompt } = &attempt.spec.work else {
        return (
            Fate::Impossible("only a prompt can be handed to a program".to_owned()),
            WorkerAfter::Free,
        );
    };
    let request = PromptAgent {
        id: Some(attempt.prompt_id.clone()),
        text: prompt.clone(),
        ready_within: READY_PATIENCE,
    };
    let began = Instant::now();
    let delivered = match host.deliver_prompt(session, request, &attempt.caller).await {
        Ok(delivered) => delivered,
        Err(error) => return not_typed(error, attempt),
    };
    let receipt = &delivered.receipt;
    let course = PromptCourse {
        host,
        session,
        began,
        from: delivered.began,
    };
    match &delivered.rules {
        None => course.until_silence(attempt).await,
        Some(_) if receipt.stage < PromptStage::Submitted => {
            let problem = receipt.problem.clone().unwrap_or_default();
            let said = format!("its prompt was not submitted: {problem}");
            (Fate::Impossible(said), WorkerAfter::Occupied)
        }
        Some(rules) => course.until_idle(attempt, &delivered, rules).await,
    }
}

/// A prompt that was submitted.
struct PromptCourse<'a> {
    host: &'a Host,
    session: &'a Arc<Session>,
    began: Instant,
    from: Cursor,
}

impl PromptCourse<'_> {
    async fn answer(&self) -> TaskResult {
        result(self.session, None, self.from, None, self.began.elapsed()).await
    }

    fn left(&self, attempt: &Attempt) -> Duration {
        attempt.spec.timeout.saturating_sub(self.began.elapsed())
    }

    /// Until the agent has worked and is idle. One that asks, or has reached a limit, is
    /// waited for: the queue hears of it and tells.
    async fn until_idle(
        &self,
        attempt: &mut Attempt,
        delivered: &Delivered,
        rules: &AgentRules,
    ) -> (Fate, WorkerAfter) {
        let Some(mut watch) = self.host.coding_agents.watch(&self.session.id) else {
            return (lost("the session ended under it"), WorkerAfter::Gone);
        };
        let deadline = Instant::now() + self.left(attempt).min(LONGEST_WAIT);
        loop {
            let now = watch.borrow_and_update().clone();
            if now.activity.has_ended() || now.program.is_none() {
                let gone = self.session.terminal.status().await.has_ended();
                let worker = match gone {
                    true => WorkerAfter::Gone,
                    false => WorkerAfter::Occupied,
                };
                return (
                    lost(&format!("the agent's program ended: {}", now.why)),
                    worker,
                );
            }
            let idle = now.activity == Activity::Idle && now.turns > delivered.turns;
            // It stopped in the middle: one that is told to go on has not ended yet.
            let limited = now.before == Activity::RateLimited;
            if idle && limited && !self.host.resumes_agents {
                let fate = lost("its agent had reached a usage limit, which is lifted now");
                return (fate, WorkerAfter::Free);
            }
            if idle && !limited {
                return (Fate::Finished(self.answer().await), WorkerAfter::Free);
            }
            tokio::select! {
                changed = watch.changed() => if changed.is_err() {
                    return (lost("the session ended under it"), WorkerAfter::Gone);
                },
                why = attempt.called_off.called_off() => {
                    let worker = self.interrupt(attempt, rules).await;
                    return (why.fate(Some(self.answer().await), worker), worker);
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    let worker = self.interrupt(attempt, rules).await;
                    let fate = Fate::TimedOut {
                        result: Some(self.answer().await),
                        goes_on: worker == WorkerAfter::Occupied,
                    };
                    return (fate, worker);
                }
            }
        }
    }

    /// Stops the agent's work.
    async fn interrupt(&self, attempt: &Attempt, rules: &AgentRules) -> WorkerAfter {
        let key = [Input::Bytes(vec![rules.interrupt.byte()])];
        let typed = (self.host.gate)
            .type_input(self.session, &key, &attempt.caller)
            .await;
        if let Err(error) = typed {
            return not_interrupted(&error);
        }
        let Some(mut watch) = self.host.coding_agents.watch(&self.session.id) else {
            return WorkerAfter::Gone;
        };
        let idle = watch.wait_for(|now| now.activity == Activity::Idle);
        match tokio::time::timeout(INTERRUPT_PATIENCE, idle).await {
            Ok(Ok(_)) => WorkerAfter::Free,
            _ => WorkerAfter::Occupied,
        }
    }

    /// Until a program that nobody can read is silent.
    async fn until_silence(&self, attempt: &mut Attempt) -> (Fate, WorkerAfter) {
        let silence = self.session.terminal.wait(
            Until::Quiet(SILENCE_AFTER_ANSWER),
            None,
            self.left(attempt),
        );
        let waited = tokio::select! {
            waited = silence => waited,
            why = attempt.called_off.called_off() => {
                return (why.fate(None, WorkerAfter::Occupied), WorkerAfter::Occupied);
            }
        };
        if waited.end == WaitEnd::SessionEnded {
            return (lost("the session ended under it"), WorkerAfter::Gone);
        }
        let answer = self.answer().await;
        match waited.met {
            true => (Fate::Finished(answer), WorkerAfter::Free),
            false => (
                Fate::TimedOut {
                    result: Some(answer),
                    goes_on: true,
                },
                WorkerAfter::Occupied,
            ),
        }
    }
}

fn lost(how: &str) -> Fate {
    Fate::Lost(how.to_owned())
}
