//! What is told, to how many, and how fast.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quarterdeck_core::Host;
use quarterdeck_core::events::{
    AgentDelegation, AgentProcess, ClaudeOutput, ClaudeStatus, DelegationStatus, ErrorSeverity,
    Happening, HealthAlert, OutputStream, ProgressUpdate, SessionEnd, SessionRecovery, SystemError,
    TaskStatus, TaskUpdate, TicketCreated,
};
use quarterdeck_core::monitor::{Component, Severity};
use serde::{Deserialize, Serialize};

/// The types of the events, which are told in turn.
pub(crate) const TYPES: [&str; 10] = [
    "system.error",
    "ticket.created",
    "agent.delegation",
    "claude.status",
    "claude.output",
    "progress.update",
    "health.alert",
    "session.end",
    "session.recovery",
    "task.update",
];

/// Event `number`, which says when it was told.
pub(crate) fn event(number: usize) -> Happening {
    let at = format!("at {} ", now());
    let session_id = "abcdefgh".to_owned();
    match TYPES[number % TYPES.len()] {
        "system.error" => SystemError {
            error: at,
            component: "measurement".to_owned(),
            severity: ErrorSeverity::Warning,
        }
        .into(),
        "ticket.created" => TicketCreated {
            id: number.to_string(),
            title: at,
            priority: None,
            assigned_to: None,
        }
        .into(),
        "agent.delegation" => AgentDelegation {
            agent: "engineer".to_owned(),
            task: at,
            status: DelegationStatus::Started,
            duration_ms: None,
        }
        .into(),
        "claude.status" => ClaudeStatus {
            status: AgentProcess::Running,
            pid: None,
            message: at,
            session_id: None,
            program: "claude".to_owned(),
        }
        .into(),
        "claude.output" => ClaudeOutput {
            content: at,
            stream: OutputStream::Stdout,
            session_id,
        }
        .into(),
        "progress.update" => ProgressUpdate {
            session_id,
            progress: 42.0,
            milestone: Some(at),
            task_id: None,
        }
        .into(),
        "health.alert" => HealthAlert {
            severity: Severity::Warning,
            component: Component::Performance,
            message: at,
            session_id: None,
        }
        .into(),
        "session.end" => SessionEnd {
            session_id,
            end_time: at,
            duration_seconds: 1.0,
        }
        .into(),
        "session.recovery" => SessionRecovery {
            session_id,
            new_session_id: None,
            strategy: at,
            attempts: 1,
            recovered: true,
        }
        .into(),
        _ => TaskUpdate {
            id: number.to_string(),
            status: TaskStatus::Running,
            session_id: None,
            progress: 42.0,
            milestone: Some(at),
            error: None,
        }
        .into(),
    }
}

/// Tells of one event more of each type, so that every listener hears that it is over.
pub(crate) fn finish(host: &Host) {
    (0..TYPES.len()).for_each(|number| host.events().publish(event(number)));
}

/// How long ago the event was told.
pub(crate) fn age(text: &[u8]) -> Option<Duration> {
    let (_, rest) = std::str::from_utf8(text).ok()?.split_once("\"at ")?;
    let told = rest.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(now().saturating_sub(told)))
}

/// Nanoseconds, on the clock that processes share.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

/// What each listener subscribes to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Everything,
    /// One of [`TYPES`], in turn.
    OneTypeOfTen,
}

/// Listeners, and events for them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) listeners: usize,
    /// Listeners beside them that never read.
    pub(crate) dead: usize,
    pub(crate) wanted: Wanted,
    /// Events a second.
    rate: usize,
    seconds: usize,
}

impl Load {
    pub(crate) const fn new(
        listeners: usize,
        dead: usize,
        wanted: Wanted,
        rate: usize,
        seconds: usize,
    ) -> Self {
        Self {
            listeners,
            dead,
            wanted,
            rate,
            seconds,
        }
    }

    /// As long as `STREAMS_SECONDS` says.
    pub(crate) fn as_wished(self) -> Self {
        let wished = std::env::var("STREAMS_SECONDS").ok();
        Self {
            seconds: wished
                .and_then(|it| it.parse().ok())
                .unwrap_or(self.seconds),
            ..self
        }
    }

    pub(crate) fn events(&self) -> usize {
        self.rate * self.seconds
    }

    /// How many messages that makes for those who read.
    pub(crate) fn deliveries(&self) -> u64 {
        let each = match self.wanted {
            Wanted::Everything => self.events(),
            Wanted::OneTypeOfTen => self.events() / TYPES.len(),
        };
        (each * self.listeners) as u64
    }

    /// Tells of it at its pace. Looks at what `measured` says each second; returns the
    /// most.
    pub(crate) async fn publish(&self, host: &Host, measured: impl Fn() -> u64) -> u64 {
        let in_a_tick = self.rate.div_ceil(200);
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let (mut told, mut most) = (0, 0);
        while told < self.events() {
            ticks.tick().await;
            for _ in 0..in_a_tick.min(self.events() - told) {
                host.events().publish(event(told));
                told += 1;
            }
            if told % self.rate == 0 {
                most = most.max(measured());
            }
        }
        most
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            listeners, dead, ..
        } = self;
        match self.wanted {
            Wanted::Everything => write!(f, "{listeners} listeners"),
            Wanted::OneTypeOfTen => write!(f, "{listeners} listeners, to one type of ten each,"),
        }?;
        write!(f, " beside {dead} that do not read")
    }
}
