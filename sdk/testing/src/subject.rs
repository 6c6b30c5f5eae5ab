//! One component on its own, of any kind, configured anew for each case.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use policy_cases as cases;
use quarterdeck_policy::{
    AskError, Assignment, Batch, CallTimes, ComponentFacts, EngineError, IncidentCause,
    IncidentFacts, Instances, Limits, OpenError, OpenedPolicy, OutputPiece, Plan, PolicyAnswer,
    PolicyKind, PolicyRequest, ProgressStatus, PromptState, Recording, RecoveryAction,
    SessionFacts, TaskFacts, TaskPriority, Verdict, Waiting, Workbench, WorkerFacts,
};
use tokio::runtime::Runtime;

use crate::host::handed_over;
use crate::{Approver, LoadError};

/// What of a sidecar counts in a test: how the component is called. A case
/// brings its own `[config]`, and whether, when and in which order a host asks
/// is nothing that a case could show.
const OF_SIDECAR: [&str; 3] = ["limits", "grants", "instances"];

/// A component that is loaded and called as in a host, without one.
///
/// It is loaded when it is configured, and stays loaded until it is configured
/// otherwise.
pub struct Subject {
    runtime: Runtime,
    workbench: Workbench,
    name: String,
    wasm: Vec<u8>,
    sidecar: toml::Table,
    installed_config: toml::Table,
    kind: PolicyKind,
    loaded: Option<(toml::Table, OpenedPolicy)>,
}

/// The component cannot be tested at all.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The sidecar beside it is not TOML.
    #[error("the sidecar {} cannot be read: {error}", path.display())]
    Sidecar {
        /// The file.
        path: PathBuf,
        /// Why.
        error: toml::de::Error,
    },
    /// No host would take the component.
    #[error("{} would be refused by a host: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// WebAssembly cannot be run on this machine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no thread to call it from.
    #[error("no runtime could be started: {0}")]
    Runtime(io::Error),
}

impl Subject {
    /// Reads the component in `file`, and of its sidecar, if one lies beside it,
    /// `limits`, `grants` and `instances`. `cache_dir` is where compiled code is
    /// kept from one time to the next.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is nothing that a host would take.
    pub fn read(file: &Path, cache_dir: Option<&Path>) -> Result<Self, SubjectError> {
        let wasm = fs::read(file).map_err(|error| SubjectError::Read {
            path: file.to_owned(),
            error,
        })?;
        let facts = ComponentFacts::of(&wasm);
        let (None, Some(kind)) = (&facts.refusal, facts.kind) else {
            return Err(SubjectError::Refused {
                path: file.to_owned(),
                reason: facts.refusal.unwrap_or_default(),
            });
        };
        let mut sidecar = sidecar(&file.with_extension("toml"))?;
        let installed_config = match sidecar.remove("config") {
            Some(toml::Value::Table(config)) => config,
            _ => toml::Table::new(),
        };
        sidecar.retain(|key, _| OF_SIDECAR.contains(&key));
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(SubjectError::Runtime)?,
            workbench: Workbench::new(cache_dir)?,
            name: name.into_owned(),
            wasm,
            sidecar,
            installed_config,
            kind,
            loaded: None,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// Loads it with this `[config]`, unless it is loaded with it already.
    ///
    /// # Errors
    ///
    /// [`LoadError::Refused`] with the words that a user would read.
    pub fn load(&mut self, config: &toml::Table) -> Result<&OpenedPolicy, LoadError> {
        let loaded = match self.loaded.take() {
            Some((known, policy)) if known == *config => (known, policy),
            _ => (config.clone(), self.open(config)?),
        };
        Ok(&self.loaded.insert(loaded).1)
    }

    /// Loads it with the `[config]` of the sidecar beside it.
    ///
    /// # Errors
    ///
    /// As [`Subject::load`].
    pub fn load_as_installed(&mut self) -> Result<&OpenedPolicy, LoadError> {
        self.load(&self.installed_config.clone())
    }

    /// How long its sidecar lets a call take, if that says so and
    /// [`Subject::extend_limits`] was not called.
    pub fn own_deadline(&self) -> Option<Duration> {
        let limits = self.sidecar.get("limits")?;
        let deadline = ["deadline-ms", "deadline_ms"].map(|key| limits.get(key));
        let milliseconds = deadline.into_iter().flatten().next()?.as_integer()?;
        u64::try_from(milliseconds).ok().map(Duration::from_millis)
    }

    /// Lets calls that are made after it is next loaded take as long, and as much
    /// memory, as any sidecar could allow: for measurements on a busy machine, and of
    /// more work than a policy is given at once.
    pub fn extend_limits(&mut self) {
        let longest = i64::try_from(Limits::MAX_DEADLINE.as_millis()).unwrap_or(i64::MAX);
        let most = i64::try_from(Limits::MAX_MEMORY_BYTES).unwrap_or(i64::MAX);
        let limits = self.sidecar.entry("limits");
        let limits = limits.or_insert_with(|| toml::Table::new().into());
        if let toml::Value::Table(limits) = limits {
            limits.retain(|name, _| !name.starts_with("deadline") && !name.starts_with("memory"));
            limits.insert("deadline-ms".to_owned(), longest.into());
            limits.insert("memory-bytes".to_owned(), most.into());
        }
        self.loaded = None;
    }

    /// Makes `calls` calls of the policy as it is loaded, and times them.
    ///
    /// # Errors
    ///
    /// When a call fails, or it is not loaded.
    pub fn time(
        &self,
        request: &PolicyRequest,
        calls: usize,
        instances: Instances,
    ) -> Result<CallTimes, AskError> {
        let policy = self.policy()?;
        self.runtime
            .block_on(policy.time(request, calls, instances))
    }

    /// Asks the policy as it is loaded.
    ///
    /// # Errors
    ///
    /// When the call fails, or it is not loaded.
    pub fn ask(&self, request: &PolicyRequest) -> Result<PolicyAnswer, AskError> {
        let policy = self.policy()?;
        self.runtime.block_on(policy.ask(request))
    }

    fn policy(&self) -> Result<&OpenedPolicy, AskError> {
        match &self.loaded {
            Some((_, policy)) => Ok(policy),
            None => Err(AskError::Failed("is not loaded".to_owned())),
        }
    }

    fn open(&self, config: &toml::Table) -> Result<OpenedPolicy, LoadError> {
        let mut sidecar = self.sidecar.clone();
        sidecar.insert("config".to_owned(), config.clone().into());
        let sidecar = toml::to_string(&sidecar)?;
        let opened =
            self.workbench
                .open_bytes(&self.name, self.wasm.clone(), Some(sidecar.as_bytes()));
        self.runtime.block_on(opened).map_err(|error| match error {
            OpenError::Refused(reason) => LoadError::Refused(reason),
            OpenError::Read { error, .. } => LoadError::Folder(error),
        })
    }
}

fn sidecar(path: &Path) -> Result<toml::Table, SubjectError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(SubjectError::Read {
                path: path.to_owned(),
                error,
            });
        }
    };
    text.parse().map_err(|error| SubjectError::Sidecar {
        path: path.to_owned(),
        error,
    })
}

impl Approver for Subject {
    fn configure(&mut self, config: &toml::Table) -> Result<(), LoadError> {
        self.load(config).map(drop)
    }

    fn review(&mut self, command_line: &str) -> Result<Verdict, String> {
        match self.ask(&PolicyRequest::Review(handed_over(command_line))) {
            Ok(PolicyAnswer::Verdict(verdict)) => Ok(verdict),
            other => Err(unexpected(other)),
        }
    }
}

impl cases::Policy for Subject {
    fn configure(&mut self, config: &str) -> Result<(), String> {
        let config = serde_json::from_str(config).map_err(|error| error.to_string())?;
        self.load(&config)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    fn distribute(&mut self, batch: &cases::Batch) -> Result<cases::Plan, String> {
        match self.ask(&PolicyRequest::Distribute(batch_of(batch))) {
            Ok(PolicyAnswer::Plan(plan)) => Ok(plan_of(plan)),
            other => Err(unexpected(other)),
        }
    }

    fn read(&mut self, parts: &[cases::Output]) -> Result<Vec<cases::Update>, String> {
        let piece = |part: &cases::Output| match part {
            cases::Output::Text(text) => OutputPiece::Text(text.clone()),
            cases::Output::End(status) => OutputPiece::CommandEnd(Some(*status)),
        };
        let recording = Recording {
            session: session("case", PromptState::Running),
            chunks: parts.iter().map(|part| vec![piece(part)]).collect(),
        };
        match self.ask(&PolicyRequest::ParseProgress(recording)) {
            Ok(PolicyAnswer::Updates(updates)) => {
                Ok(updates.into_iter().flatten().map(update_of).collect())
            }
            other => Err(unexpected(other)),
        }
    }

    fn decide(&mut self, incident: &cases::Incident) -> Result<cases::Decision, String> {
        match self.ask(&PolicyRequest::Recover(incident_of(incident))) {
            Ok(PolicyAnswer::Decision(decision)) => Ok(cases::Decision {
                action: match decision.action {
                    RecoveryAction::Restart => cases::Action::Restart,
                    RecoveryAction::Reset => cases::Action::Reset,
                    RecoveryAction::Failover(session) => cases::Action::Failover(session),
                    RecoveryAction::Run(command) => cases::Action::Run(command),
                    RecoveryAction::Wait => cases::Action::Wait,
                    RecoveryAction::GiveUp => cases::Action::GiveUp,
                },
                reason: decision.reason,
                delay_ms: decision.delay_ms,
            }),
            other => Err(unexpected(other)),
        }
    }
}

/// An answer of the wrong kind cannot come from a request of the right one; a
/// failed call can.
fn unexpected(answer: Result<PolicyAnswer, AskError>) -> String {
    match answer {
        Ok(answer) => format!("it answered as another kind does: {answer:?}"),
        Err(error) => error.to_string(),
    }
}

fn session(id: &str, prompt: PromptState) -> SessionFacts {
    SessionFacts {
        id: id.to_owned(),
        name: id.to_owned(),
        backend: "pty".to_owned(),
        prompt,
        ..SessionFacts::default()
    }
}

fn batch_of(batch: &cases::Batch) -> Batch {
    let task = |task: &cases::Task| TaskFacts {
        id: task.id.clone(),
        kind: task.kind.clone(),
        priority: match task.priority {
            cases::Priority::Low => TaskPriority::Low,
            cases::Priority::Medium => TaskPriority::Medium,
            cases::Priority::High => TaskPriority::High,
        },
        dependencies: task.after.clone(),
        open_dependencies: task.after.clone(),
        waiting_ms: task.waiting_ms,
        estimate_ms: task.estimate_ms,
        tags: task.tags.clone(),
        attributes: Vec::new(),
    };
    let worker = |worker: &cases::Worker| WorkerFacts {
        session_id: worker.id.clone(),
        running: worker.running,
        capacity: worker.capacity,
        load: worker.load,
        tags: worker.tags.clone(),
        attributes: Vec::new(),
    };
    Batch {
        tasks: batch.tasks.iter().map(task).collect(),
        workers: batch.workers.iter().map(worker).collect(),
        limit: batch.limit,
        running: batch.running,
        state: batch.state.clone(),
        time_ms: 0,
    }
}

fn plan_of(plan: Plan) -> cases::Plan {
    let assignment = |Assignment {
                          task_id,
                          session_id,
                      }| cases::Assignment {
        task_id,
        session_id,
    };
    let waiting = |Waiting { task_id, reason }| cases::Waiting { task_id, reason };
    cases::Plan {
        assignments: plan.assignments.into_iter().map(assignment).collect(),
        waits: plan.waits.into_iter().map(waiting).collect(),
        state: plan.state,
    }
}

fn update_of(update: quarterdeck_policy::ProgressUpdate) -> cases::Update {
    cases::Update {
        item: update.item,
        label: update.label,
        status: match update.status {
            ProgressStatus::Running => cases::Status::Running,
            ProgressStatus::Waiting => cases::Status::Waiting,
            ProgressStatus::Completed => cases::Status::Completed,
            ProgressStatus::Failed => cases::Status::Failed,
        },
        completed: update.completed,
        total: update.total,
        percent: update.percent,
    }
}

fn incident_of(incident: &cases::Incident) -> IncidentFacts {
    IncidentFacts {
        id: "case".to_owned(),
        cause: match incident.cause {
            cases::Cause::Exited => IncidentCause::Exited,
            cases::Cause::Hung => IncidentCause::Hung,
            cases::Cause::BackendLost => IncidentCause::BackendLost,
            cases::Cause::AwaitsPerson => IncidentCause::AwaitsPerson,
            cases::Cause::Errors => IncidentCause::Errors,
            cases::Cause::Exhausted => IncidentCause::Exhausted,
            cases::Cause::Requested => IncidentCause::Requested,
        },
        session: session("broken", PromptState::Unknown),
        detail: incident.detail.clone(),
        exit_status: incident.exit_status,
        screen: incident.screen.clone(),
        attempts: incident.attempts,
        max_attempts: incident.max_attempts,
        age_ms: incident.age_ms,
        backups: incident.backups.clone(),
        attributes: Vec::new(),
    }
}
