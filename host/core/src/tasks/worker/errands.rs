//! Errands of other hosts, carried out in sessions of this one.
//!
//! That an errand begins is kept before anything is typed, and its end before it is
//! told: asked for the same one again, this host tells what became of it and types
//! nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::sync::{broadcast, mpsc};

use super::attempt::{Attempt, WorkerAfter, carry_out_in_session};
use super::opened::{OPENED_TAG, agent_is_ready};
use crate::clock::now_ms;
use crate::error::HostError;
use crate::events::Happening;
use crate::host::Host;
use crate::operations::CreateSession;
use crate::store::{Store, StoreError};
use crate::tasks::call_off::CallOffReceiver;
use crate::tasks::errand::{Errand, ErrandKey, ErrandNews, Pending};
use crate::tasks::fate::Fate;
use crate::tasks::task::{Lane, TaskId};
use crate::tasks::until_kept::until_kept;

/// How long what was done is remembered: 30 days. No errand is ever sent under the key
/// of another one, so nobody is told of one that is not his, however long that is.
const REMEMBERED_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// What is older is forgotten this often.
const FORGETS_EVERY: Duration = Duration::from_secs(24 * 3_600);

/// So many sessions are tried for one errand, where one after the other turns out to
/// be gone or occupied.
const SESSIONS_TRIED: u32 = 3;

/// After a session could not be opened, so long until anybody tries again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What a host does for others. Owns the sessions that it opens for that; each does one
/// errand at a time and stays open for the next one.
pub struct Errands {
    host: Arc<Host>,
    idle: Mutex<Vec<Idle>>,
}

/// Told the session in which an errand is about to begin; says whether it may.
pub type Begins<'a> = dyn Fn(String) -> Pending<'a, bool> + Send + Sync + 'a;

struct Idle {
    session: String,
    /// What runs in it in place of a shell.
    agent_command: Option<String>,
}

/// What is kept of an errand.
enum KnownErrand {
    Begun,
    Ended(Fate),
}

impl Errands {
    /// A host's work for others. Call it inside a runtime.
    pub fn of(host: Arc<Host>) -> Self {
        tokio::spawn(forget_regularly(host.store.clone()));
        Self {
            host,
            idle: Mutex::default(),
        }
    }

    /// Carries out an errand, or tells what became of it when it was here before.
    ///
    /// `begins` is told the session and may take its time, before anything is typed: it
    /// says whether to go on. News of its progress go to `news`, and are dropped where
    /// nobody takes them fast enough. `called_off` interrupts it.
    /// [`Fate::NotTyped`] means that it can be given to somebody else.
    pub async fn carry_out(
        &self,
        errand: &Errand,
        begins: &Begins<'_>,
        news: &mpsc::Sender<ErrandNews>,
        called_off: CallOffReceiver,
    ) -> Fate {
        let key = errand.key.clone();
        match self.host.store.read(move |kept| known(kept, &key)).await {
            Ok(None) => {}
            Ok(Some(KnownErrand::Ended(fate))) => return fate,
            Ok(Some(KnownErrand::Begun)) => {
                return Fate::Lost("the worker there ended under it".to_owned());
            }
            Err(error) => {
                tracing::warn!(%error, "cannot tell which errands were here before");
                return Fate::NotTyped;
            }
        }
        for _ in 0..SESSIONS_TRIED {
            let session = match self.session(errand).await {
                Ok(session) => session,
                Err(error @ HostError::Refused(_)) => return Fate::Impossible(error.to_string()),
                Err(error) => {
                    tracing::warn!(%error, "no session can be opened for an errand");
                    tokio::time::sleep(TRY_AGAIN_AFTER).await;
                    return Fate::NotTyped;
                }
            };
            let mut attempt = attempt(errand, &session, called_off.clone());
            let (fate, worker) = self.in_session(errand, &mut attempt, begins, news).await;
            self.give_back(errand, session, worker).await;
            if fate != Fate::NotTyped {
                self.has_ended(errand, &fate).await;
                return fate;
            }
            if attempt.has_begun {
                self.forget(errand).await;
            }
            if worker == WorkerAfter::Free {
                // Not to be begun, for reasons that are not the session's.
                break;
            }
        }
        Fate::NotTyped
    }

    /// What became of an errand here; `None` where it was not here, or has not ended.
    pub async fn fate_of(&self, key: &ErrandKey) -> Option<Fate> {
        let wanted = key.clone();
        match self.host.store.read(move |kept| known(kept, &wanted)).await {
            Ok(Some(KnownErrand::Ended(fate))) => Some(fate),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "cannot tell which errands were here before");
                None
            }
        }
    }

    async fn in_session(
        &self,
        errand: &Errand,
        attempt: &mut Attempt,
        begins: &Begins<'_>,
        news: &mpsc::Sender<ErrandNews>,
    ) -> (Fate, WorkerAfter) {
        let (id, session) = (errand.task.id.clone(), attempt.session_id.clone());
        let mut happenings = self.host.events.subscribe();
        let keep_that_it_begins = async {
            let key = errand.key.clone();
            let write = self.host.store.write(move |kept| begun(kept, &key));
            if let Err(error) = write.await {
                tracing::warn!(%error, "an errand cannot begin");
                return false;
            }
            if begins(session.clone()).await {
                return true;
            }
            self.forget(errand).await;
            false
        };
        let run = carry_out_in_session(&self.host, attempt, keep_that_it_begins);
        tokio::pin!(run);
        loop {
            tokio::select! {
                end = &mut run => return end,
                happened = happenings.recv() => match happened.as_deref().map(|event| &event.what) {
                    Ok(happening) => tell_progress(happening, &id, &session, news),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return run.await,
                },
            }
        }
    }

    /// An idle session that fits, or a new one.
    async fn session(&self, errand: &Errand) -> Result<String, HostError> {
        let command = match errand.task.work.lane() {
            Lane::Shell => None,
            Lane::Program => errand.agent_command.clone(),
        };
        let (fitting, other) = {
            let mut idle = self.idle();
            match idle.iter().rposition(|it| it.agent_command == command) {
                Some(at) => (Some(idle.swap_remove(at)), None),
                // There are never more than errands at once.
                None => (None, idle.pop()),
            }
        };
        if let Some(idle) = fitting {
            return Ok(idle.session);
        }
        if let Some(idle) = other {
            // It may have been closed by somebody else.
            let _ = self.host.end_session(&idle.session).await;
        }
        let request = CreateSession {
            name: Some("task worker".to_owned()),
            tags: vec![OPENED_TAG.to_owned()],
            command: command.clone(),
            ..CreateSession::default()
        };
        let opened = self.host.create_session(request, &errand.caller).await?;
        if command.is_some() {
            agent_is_ready(&self.host, &opened.id).await;
        }
        Ok(opened.id.to_string())
    }

    async fn give_back(&self, errand: &Errand, session: String, worker: WorkerAfter) {
        if worker == WorkerAfter::Free {
            let agent_command = match errand.task.work.lane() {
                Lane::Shell => None,
                Lane::Program => errand.agent_command.clone(),
            };
            return self.idle().push(Idle {
                session,
                agent_command,
            });
        }
        // It may have been closed by somebody else.
        let _ = self.host.end_session(&session).await;
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn has_ended(&self, errand: &Errand, fate: &Fate) {
        let (key, fate) = (errand.key.clone(), fate.clone());
        until_kept(&self.host, move |kept| ended(kept, &key, &fate)).await;
    }

    async fn forget(&self, errand: &Errand) {
        let key = errand.key.clone();
        until_kept(&self.host, move |kept| never_begun(kept, &key)).await;
    }
}

fn attempt(errand: &Errand, session: &str, called_off: CallOffReceiver) -> Attempt {
    Attempt {
        spec: Arc::new(errand.task.clone()),
        caller: errand.caller.clone(),
        session_id: session.to_owned(),
        any_shell: false,
        prompt_id: format!("errand-{}", errand.key),
        is_errand: true,
        has_begun: false,
        called_off,
    }
}

fn tell_progress(
    happening: &Happening,
    id: &TaskId,
    session: &str,
    news: &mpsc::Sender<ErrandNews>,
) {
    if let Happening::ProgressUpdate(update) = happening
        && update.session_id == session
        && update.task_id.as_deref() == Some(id.as_str())
    {
        // Whoever is slow hears of the next step.
        let _ = news.try_send(ErrandNews::Progress {
            percent: update.progress,
            milestone: update.milestone.clone(),
        });
    }
}

/// Forgets old errands now, and again and again while the store is open.
async fn forget_regularly(store: Store) {
    let mut pace = tokio::time::interval(FORGETS_EVERY);
    loop {
        pace.tick().await;
        let before = now_ms().saturating_sub(REMEMBERED_MS);
        if let Err(error) = store.write(move |kept| forget_old(kept, before)).await {
            tracing::warn!(%error, "old errands cannot be forgotten");
            if matches!(error, StoreError::Closed { .. }) {
                return;
            }
        }
    }
}

/// Forgets what was begun before.
fn forget_old(kept: &Transaction<'_>, before_ms: u64) -> rusqlite::Result<()> {
    kept.execute(
        "DELETE FROM errands WHERE begun_ms < ?1",
        [before_ms.cast_signed()],
    )
    .map(drop)
}

fn known(kept: &Connection, key: &ErrandKey) -> rusqlite::Result<Option<KnownErrand>> {
    let fate = kept
        .prepare_cached("SELECT fate FROM errands WHERE owner = ?1 AND task = ?2 AND sending = ?3")?
        .query_row(
            params![
                key.owner.as_str(),
                key.task.cast_signed(),
                key.sending.cast_signed()
            ],
            |row| row.get::<_, Option<String>>(0),
        )
        .optional()?;
    Ok(fate.map(|fate| {
        // What cannot be read is as good as lost.
        let fate = fate.and_then(|fate| serde_json::from_str(&fate).ok());
        fate.map_or(KnownErrand::Begun, KnownErrand::Ended)
    }))
}

fn begun(kept: &Transaction<'_>, key: &ErrandKey) -> rusqlite::Result<()> {
    kept.prepare_cached(
        "INSERT INTO errands (owner, task, sending, begun_ms) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        key.owner.as_str(),
        key.task.cast_signed(),
        key.sending.cast_signed(),
        now_ms().cast_signed()
    ])
    .map(drop)
}

fn ended(kept: &Transaction<'_>, key: &ErrandKey, fate: &Fate) -> rusqlite::Result<()> {
    let fate = serde_json::to_string(fate)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    kept.prepare_cached(
        "UPDATE errands SET fate = ?4 WHERE owner = ?1 AND task = ?2 AND sending = ?3",
    )?
    .execute(params![
        key.owner.as_str(),
        key.task.cast_signed(),
        key.sending.cast_signed(),
        fate
    ])
    .map(drop)
}

fn never_begun(kept: &Transaction<'_>, key: &ErrandKey) -> rusqlite::Result<()> {
    kept.prepare_cached("DELETE FROM errands WHERE owner = ?1 AND task = ?2 AND sending = ?3")?
        .execute(params![
            key.owner.as_str(),
            key.task.cast_signed(),
            key.sending.cast_signed()
        ])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::OwnerId;

    #[tokio::test]
    async fn what_was_begun_is_known_and_what_was_not_is_not() {
        let store = Store::temporary().expect("store");
        let key = |sending| ErrandKey {
            owner: OwnerId::try_from("ab".to_owned()).expect("an id"),
            task: 1,
            sending,
        };
        let fate = Fate::Lost("under it".to_owned());
        let kept = fate.clone();
        let write = store.write(move |store| {
            for sending in 1..=3 {
                begun(store, &key(sending))?;
            }
            ended(store, &key(2), &kept)?;
            never_begun(store, &key(3))?;
            begun(store, &key(1)).expect_err("twice");
            Ok(())
        });
        write.await.expect("write");
        let known = |sending| store.read(move |store| known(store, &key(sending)));
        assert!(matches!(known(1).await, Ok(Some(KnownErrand::Begun))));
        assert!(matches!(known(2).await, Ok(Some(KnownErrand::Ended(it))) if it == fate));
        assert!(matches!(known(3).await, Ok(None)));
        let forget = store.write(|store| forget_old(store, now_ms() + 1));
        forget.await.expect("forgotten");
        assert!(matches!(known(2).await, Ok(None)));
    }
}
