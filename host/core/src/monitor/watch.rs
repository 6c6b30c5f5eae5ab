//! The task that watches.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use quarterdeck_terminal::Status;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::health::{self, HealthFacts, HealthReport, SessionFinding};
use super::history::{Amount, History, Sample};
use super::incidents::Incidents;
use super::meter::{Meter, Table, Usage, Watched};
use super::sampling::Wishes;
use super::settings::MonitorSettings;
use super::trouble::{Observed, QuietTimes, Trouble};
use super::{OverallUsage, PerformanceReport, Reply, Request, SessionUsage};
use crate::clock::{now_ms, rfc3339};
use crate::error::HostError;
use crate::events::{HealthAlert, SystemStats};
use crate::host::Host;
use crate::session::{Session, SessionId};

/// A session's task that takes longer to answer is in trouble itself.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);

/// A process table that is younger than this is not read again: it takes milliseconds,
/// and what a program used in a shorter time is noise.
const FRESH: Duration = Duration::from_millis(100);

/// What is judged by what happened lately, such as failed commands, looks back so far.
const LATELY: Duration = Duration::from_secs(60);

/// Every session at one moment.
pub(crate) struct Measured {
    pub(crate) at: SystemTime,
    pub(crate) sessions: Vec<Measurement>,
}

/// What was seen of one of them.
pub(crate) struct Measurement {
    pub(crate) session: Arc<Session>,
    /// `None` where the session's task did not answer in time.
    pub(crate) status: Option<Status>,
    /// Over the period that was asked for.
    pub(crate) usage: Usage,
    /// Over the last minute: for what happens now and then.
    lately: Usage,
}

impl Measured {
    /// In the document's shape.
    pub(crate) fn report(&self) -> PerformanceReport {
        let sum = |figure: fn(&Usage) -> f64| -> f64 {
            let sum: f64 = self.sessions.iter().map(|it| figure(&it.usage)).sum();
            // The sum of no figures is -0 by itself; here it is 0.
            (sum * 10.0).round() / 10.0 + 0.0
        };
        let lives = |it: &&Measurement| !it.status.as_ref().is_some_and(Status::has_ended);
        PerformanceReport {
            timestamp: rfc3339(self.at),
            overall: OverallUsage {
                cpu: sum(|usage| usage.cpu_percent),
                memory: sum(|usage| usage.memory_mb),
                active_sessions: self.sessions.iter().filter(lives).count(),
                cores: cores(),
            },
            sessions: self
                .sessions
                .iter()
                .map(|measured| SessionUsage {
                    session_id: measured.session.id.to_string(),
                    name: measured.session.name.clone(),
                    metrics: Usage {
                        response_ms: measured.lately.response_ms,
                        ..measured.usage
                    },
                })
                .collect(),
        }
    }
}

/// Cores that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The task's state.
pub(crate) struct Watcher {
    inbox: mpsc::Receiver<Request>,
    wake: Arc<Notify>,
    wishes: Wishes,
    history: History,
    settings: Arc<MonitorSettings>,
    /// When a sample was last kept.
    kept: Option<Instant>,
    meter: Meter,
    /// The table that was read last, and when.
    table: Option<(std::time::Instant, Table)>,
    quiet: QuietTimes,
    incidents: Incidents,
    /// Troubles that recoveries were told of, so that each is told once.
    told: HashMap<SessionId, Trouble>,
    assessed: Option<Instant>,
    /// Facts on their way: a disk or a backend that does not answer keeps nobody waiting
    /// who only asks for figures.
    gathering: JoinSet<Gathered>,
}

/// What an assessment is made of.
struct Gathered {
    at: SystemTime,
    facts: HealthFacts,
    /// Whoever asked for it.
    reply: Option<Reply<HealthReport>>,
}

impl Watcher {
    pub(super) fn new(
        inbox: mpsc::Receiver<Request>,
        wake: Arc<Notify>,
        wishes: Wishes,
        history: History,
        settings: Arc<MonitorSettings>,
    ) -> Self {
        Self {
            inbox,
            wake,
            wishes,
            kept: None,
            incidents: Incidents::begin(history.clone(), now_ms().cast_signed()),
            history,
            settings,
            meter: Meter::default(),
            table: None,
            quiet: QuietTimes::default(),
            told: HashMap::new(),
            assessed: None,
            gathering: JoinSet::new(),
        }
    }

    /// Watches until the host is gone.
    pub(crate) async fn watch(mut self, host: Weak<Host>) {
        let mut next_sample = Instant::now() + self.interval();
        loop {
            let Some(any) = host.upgrade().map(|host| !host.registry.is_empty()) else {
                return;
            };
            // Somebody who listens is told that there is nothing, too.
            let any = any || self.wishes.any();
            tokio::select! {
                request = self.inbox.recv() => match (request, host.upgrade()) {
                    (Some(request), Some(host)) => self.answer(&host, request).await,
                    _ => return,
                },
                Some(gathered) = self.gathering.join_next() => match (gathered, host.upgrade()) {
                    (Ok(gathered), Some(host)) => self.conclude(&host, gathered),
                    (Err(error), _) => tracing::error!(%error, "health was not assessed"),
                    (_, None) => return,
                },
                () = self.wake.notified() => {
                    let soon = Instant::now() + self.interval();
                    next_sample = if any { next_sample.min(soon) } else { soon };
                }
                () = tokio::time::sleep_until(next_sample), if any => {
                    if let Some(host) = host.upgrade() {
                        self.sample(&host).await;
                    }
                    // A sample that took long does not make the next ones pile up.
                    next_sample = (next_sample + self.interval()).max(Instant::now());
                }
            }
        }
    }

    fn interval(&self) -> Duration {
        self.wishes.interval(self.settings.interval)
    }

    async fn answer(&mut self, host: &Arc<Host>, request: Request) {
        // Whoever asked may have gone.
        match request {
            Request::Look { period, reply } => {
                let _ = reply.send(self.look(host, period).await);
            }
            Request::Assess(reply) => match self.look(host, self.settings.interval).await {
                Ok(measured) => self.assess(host, &measured, Some(reply)).await,
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
        }
    }

    async fn look(&mut self, host: &Host, period: Duration) -> Result<Measured, HostError> {
        let sessions = host.registry.all();
        let statuses = futures_util::future::join_all(sessions.iter().map(|session| async {
            tokio::time::timeout(STATUS_PATIENCE, session.terminal.status())
                .await
                .ok()
        }))
        .await;
        let watched: Vec<Watched> = sessions
            .iter()
            .zip(&statuses)
            .map(|(session, status)| Watched {
                id: session.id.clone(),
                leader: session.terminal.pid(),
                commands: status
                    .as_ref()
                    .map(|status| status.commands)
                    .unwrap_or_default(),
            })
            .collect();
        let (at, table) = self.table(&watched).await?;
        self.meter.look(at, &table, &watched);
        self.table = Some((at, table));
        Ok(Measured {
            at: SystemTime::now(),
            sessions: sessions
                .into_iter()
                .zip(statuses)
                .map(|(session, status)| Measurement {
                    usage: self.meter.usage(&session.id, period),
                    lately: self.meter.usage(&session.id, LATELY),
                    session,
                    status,
                })
                .collect(),
        })
    }

    /// The process table, read anew unless it was just read with all of these sessions.
    async fn table(
        &mut self,
        watched: &[Watched],
    ) -> Result<(std::time::Instant, Table), HostError> {
        let leaders: Vec<u32> = watched.iter().map(|session| session.leader).collect();
        if let Some((at, table)) = self.table.take()
            && at.elapsed() < FRESH
            && table.covers(&leaders)
        {
            return Ok((at, table));
        }
        let table = tokio::task::spawn_blocking(move || Table::read(&leaders))
            .await
            .map_err(|error| HostError::Internal(error.to_string()))?
            .map_err(|error| {
                HostError::Internal(format!(
                    "cannot read the process table, which sessions' figures come from: {error}"
                ))
            })?;
        Ok((std::time::Instant::now(), table))
    }

    async fn sample(&mut self, host: &Arc<Host>) {
        let usual = self.settings.interval;
        // A little early counts too: timers are not exact.
        let early = usual.mul_f32(0.9);
        let is_kept = self.kept.is_none_or(|kept| kept.elapsed() >= early);
        let period = if is_kept { usual } else { self.interval() };
        let measured = match self.look(host, period).await {
            Ok(measured) => measured,
            Err(error) => {
                tracing::warn!(%error, "no sample was taken");
                return;
            }
        };
        let report = measured.report();
        if is_kept {
            self.kept = Some(Instant::now());
            self.keep(&measured);
            host.events.publish(SystemStats {
                memory_usage_mb: report.overall.memory,
                cpu_percent: report.overall.cpu,
                uptime_seconds: host.started_at.elapsed().unwrap_or_default().as_secs(),
            });
        }
        host.events.publish(report);
        let due = self
            .assessed
            .is_none_or(|assessed| assessed.elapsed() >= self.settings.health_interval);
        // Before the policies are there, a report would miss them; and one that is under
        // way for so long is enough.
        if due && self.gathering.is_empty() && host.policies_are_ready() {
            self.assess(host, &measured, None).await;
        }
    }

    fn keep(&mut self, measured: &Measured) {
        let at_ms = now_ms().cast_signed();
        self.history.keep(Sample {
            at_ms,
            sessions: measured
                .sessions
                .iter()
                .map(|it| (it.session.id.to_string(), Amount::from(&it.usage)))
                .collect(),
        });
        self.incidents.still_alive(at_ms);
    }

    /// Looks at the sessions, and has everybody else asked meanwhile.
    async fn assess(
        &mut self,
        host: &Arc<Host>,
        measured: &Measured,
        reply: Option<Reply<HealthReport>>,
    ) {
        self.assessed = Some(Instant::now());
        let mut findings = Vec::new();
        for it in &measured.sessions {
            let trouble = self.trouble(it).await;
            findings.push(SessionFinding {
                id: it.session.id.to_string(),
                name: it.session.name.clone(),
                ended: it.status.as_ref().is_some_and(Status::has_ended),
                usage: it.usage,
                lately: it.lately,
                trouble,
            });
        }
        self.quiet
            .keep(|id| measured.sessions.iter().any(|it| it.session.id == *id));
        let (host, at) = (Arc::clone(host), measured.at);
        self.gathering.spawn(async move {
            let facts = HealthFacts::gather(&host, findings).await;
            Gathered { at, facts, reply }
        });
    }

    /// Opens and closes incidents, and tells who listens.
    fn conclude(&mut self, host: &Arc<Host>, gathered: Gathered) {
        let Gathered { at, facts, reply } = gathered;
        let report = health::assess(&facts, &self.settings.thresholds, at);
        let at_ms = now_ms().cast_signed();
        for issue in self.incidents.update(&report.issues, at_ms) {
            host.events.publish(HealthAlert {
                severity: issue.severity,
                component: issue.component,
                message: issue.message.clone(),
                session_id: issue.session.clone(),
            });
        }
        self.tell_recoveries(host, &facts);
        if let Some(reply) = reply {
            // Whoever asked may have gone.
            let _ = reply.send(Ok(report));
        }
    }

    async fn trouble(&mut self, measured: &Measurement) -> Option<Trouble> {
        let Some(status) = &measured.status else {
            return Some(Trouble::unanswering(STATUS_PATIENCE));
        };
        let id = &measured.session.id;
        let quiet = self.quiet.observe(id, status, &measured.usage);
        let mut observed = Observed {
            status,
            quiet,
            cursor_line: None,
        };
        if observed.may_wait_for_a_person() {
            observed.cursor_line = Some(cursor_line(&measured.session).await);
        }
        Trouble::of(&observed, self.settings.hung_after)
    }

    /// Has each new trouble mended, where the configuration says so.
    fn tell_recoveries(&mut self, host: &Arc<Host>, facts: &HealthFacts) {
        let troubled = facts.sessions.iter().filter_map(|finding| {
            let trouble = finding.trouble.clone()?;
            Some((SessionId::found(&finding.id)?, trouble))
        });
        let now: HashMap<SessionId, Trouble> = troubled.collect();
        for (id, trouble) in &now {
            let known = self
                .told
                .get(id)
                .is_some_and(|told| told.cause == trouble.cause);
            if !known {
                host.mend_by_itself(id, trouble);
            }
        }
        self.told = now;
    }
}

/// The line that the cursor stands on.
async fn cursor_line(session: &Session) -> String {
    let screen = session.terminal.screen().await;
    let row = usize::from(screen.cursor.row);
    screen
        .rows
        .get(row)
        .map(|row| row.text.clone())
        .unwrap_or_default()
}
