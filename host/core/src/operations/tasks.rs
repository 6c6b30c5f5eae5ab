//! Handing in tasks, asking after them, calling them off.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::tasks::{
    Ask, DistributeOutcome, DistributeTasks, TaskReport, ended_tasks, ended_tasks_named,
};

/// What was called off ends within this time, or is said to go on ending.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// Whoever hands in tasks for machines waits so long for the first connection.
const REACH_PATIENCE: Duration = Duration::from_secs(6);

impl Host {
    /// Goes on with the tasks that an earlier host has left.
    pub async fn resume_tasks(self: &Arc<Self>) {
        self.tasks.resume(self).await;
    }

    /// Takes tasks, all or none, and has workers do them.
    pub async fn distribute_tasks(
        self: &Arc<Self>,
        request: DistributeTasks,
        caller: &Caller,
    ) -> Result<DistributeOutcome, HostError> {
        if request.workers.machines {
            self.reach_machines().await?;
        }
        let caller = caller.clone();
        self.tasks
            .ask(self, |reply| Ask::Distribute {
                request: Box::new(request),
                caller,
                reply,
            })
            .await?
    }

    /// Fails where machines are asked for and cannot be.
    async fn reach_machines(&self) -> Result<(), HostError> {
        let Some(machines) = &self.machines else {
            return Err(HostError::InvalidParameters(
                "machines are asked for, but this host has no way to them: a person sets nats.url in its configuration (or QUARTERDECK_NATS_URL) and starts it again".to_owned(),
            ));
        };
        let reached = machines.reach(REACH_PATIENCE).await;
        reached.map_err(|error| HostError::InvalidParameters(error.to_string()))
    }

    /// What is known of these tasks, once all of them have ended or after `wait`;
    /// without names, of those that have not ended and of the last that have.
    pub async fn task_reports(
        self: &Arc<Self>,
        ids: Option<Vec<String>>,
        session: Option<String>,
        wait: Duration,
    ) -> Result<Vec<TaskReport>, HostError> {
        let asked = ids.clone();
        let ended = self
            .tasks
            .ask(self, |reply| Ask::Ended { ids: asked, reply });
        // Time that runs out is no failure: what is known then is told.
        if !wait.is_zero()
            && let Ok(Err(stopped)) = tokio::time::timeout(wait, ended).await
        {
            return Err(stopped);
        }
        let mut reports = match ids {
            Some(ids) => self.reports_of(ids).await?,
            None => {
                // In this order, so that none is missed that ends in between.
                let open = self.open_tasks(None).await?;
                let mut reports = ended_tasks(self, session.clone()).await?;
                reports.retain(|ended| !open.iter().any(|task| task.id == ended.id));
                reports.extend(open);
                reports
            }
        };
        if let Some(session) = session {
            reports.retain(|report| report.session_id.as_ref() == Some(&session));
        }
        Ok(reports)
    }

    /// Calls tasks off, and waits a while for those that run to end.
    pub async fn cancel_tasks(
        self: &Arc<Self>,
        ids: Vec<String>,
    ) -> Result<Vec<TaskReport>, HostError> {
        let asked = ids.clone();
        self.tasks
            .ask(self, |reply| Ask::Cancel { ids: asked, reply })
            .await?;
        self.task_reports(Some(ids), None, CANCEL_PATIENCE).await
    }

    async fn open_tasks(
        self: &Arc<Self>,
        ids: Option<Vec<String>>,
    ) -> Result<Vec<TaskReport>, HostError> {
        self.tasks
            .ask(self, |reply| Ask::Report { ids, reply })
            .await
    }

    async fn reports_of(self: &Arc<Self>, ids: Vec<String>) -> Result<Vec<TaskReport>, HostError> {
        let open = self.open_tasks(Some(ids.clone())).await?;
        let mut known: HashMap<String, TaskReport> = open
            .into_iter()
            .map(|report| (report.id.to_string(), report))
            .collect();
        let ended = ids
            .iter()
            .filter(|id| !known.contains_key(*id))
            .cloned()
            .collect();
        known.extend(ended_tasks_named(self, ended).await?);
        ids.into_iter()
            .map(|id| {
                let report = known.get(&id).cloned();
                report.ok_or(HostError::TaskNotFound(id))
            })
            .collect()
    }
}
