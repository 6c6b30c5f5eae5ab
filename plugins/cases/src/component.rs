//! Policies as components, asked through wasmtime alone: no limits, no grants, no
//! imports. For the bundled policies, which need none; a host asks through its
//! own façades.

use anyhow::{Result, anyhow};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use crate::{
    Action, Assignment, Batch, Cause, Decision, Incident, Kind, Output, Plan, Policy, Priority,
    Status, Update, Waiting,
};

mod distributor {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    wasmtime::component::bindgen!({ path: "../../wit", world: "distributor" });
}

mod progress_parser {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    wasmtime::component::bindgen!({ path: "../../wit", world: "progress-parser" });
}

mod recovery {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    wasmtime::component::bindgen!({ path: "../../wit", world: "recovery" });
}

use distributor::exports::quarterdeck::policy::distribute;
use progress_parser::exports::quarterdeck::policy::parse_progress;
use recovery::exports::quarterdeck::policy::recover;

/// A component that is instantiated anew each time it is configured.
pub struct ComponentPolicy {
    kind: Kind,
    engine: Engine,
    component: Component,
    live: Option<Live>,
}

/// An instance, configured.
struct Live {
    store: Store<()>,
    instance: Instance,
}

enum Instance {
    Distributor(distributor::Distributor),
    ProgressParser(progress_parser::ProgressParser),
    Recovery(recovery::Recovery),
}

impl ComponentPolicy {
    /// Compiles a component that is a policy of that kind.
    ///
    /// # Errors
    ///
    /// When it is no component, or not of that kind.
    pub fn new(kind: Kind, bytes: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.concurrency_support(false);
        let engine = Engine::new(&config).map_err(readable)?;
        let component = Component::new(&engine, bytes).map_err(readable)?;
        let policy = Self {
            kind,
            engine,
            component,
            live: None,
        };
        policy.instantiate()?;
        Ok(policy)
    }

    fn instantiate(&self) -> Result<Live> {
        let mut store = Store::new(&self.engine, ());
        let (linker, component) = (Linker::new(&self.engine), &self.component);
        let instance = match self.kind {
            Kind::Distributor => {
                distributor::Distributor::instantiate(&mut store, component, &linker)
                    .map(Instance::Distributor)
            }
            Kind::ProgressParser => {
                progress_parser::ProgressParser::instantiate(&mut store, component, &linker)
                    .map(Instance::ProgressParser)
            }
            Kind::Recovery => recovery::Recovery::instantiate(&mut store, component, &linker)
                .map(Instance::Recovery),
        };
        let instance = instance.map_err(readable)?;
        Ok(Live { store, instance })
    }

    fn live(&mut self) -> Result<&mut Live, String> {
        self.live
            .as_mut()
            .ok_or_else(|| "the policy is not configured".to_owned())
    }
}

impl Policy for ComponentPolicy {
    fn configure(&mut self, config: &str) -> Result<(), String> {
        self.live = None;
        let mut live = self.instantiate().map_err(|error| format!("{error:#}"))?;
        let store = &mut live.store;
        match &live.instance {
            Instance::Distributor(instance) => instance
                .quarterdeck_policy_configuration()
                .call_configure(store, config),
            Instance::ProgressParser(instance) => instance
                .quarterdeck_policy_configuration()
                .call_configure(store, config),
            Instance::Recovery(instance) => instance
                .quarterdeck_policy_configuration()
                .call_configure(store, config),
        }
        .map_err(told)??;
        self.live = Some(live);
        Ok(())
    }

    fn distribute(&mut self, batch: &Batch) -> Result<Plan, String> {
        let Live { store, instance } = self.live()?;
        let Instance::Distributor(instance) = instance else {
            return Err("this policy is no distributor".to_owned());
        };
        let plan = instance
            .quarterdeck_policy_distribute()
            .call_distribute(store, &batch.into())
            .map_err(told)?;
        Ok(plan.into())
    }

    fn read(&mut self, parts: &[Output]) -> Result<Vec<Update>, String> {
        let Live { store, instance } = self.live()?;
        let Instance::ProgressParser(instance) = instance else {
            return Err("this policy is no progress parser".to_owned());
        };
        let interface = instance.quarterdeck_policy_parse_progress();
        let parser = interface.parser();
        let resource = parser
            .call_constructor(&mut *store, &progress_session())
            .map_err(told)?;
        let mut updates = Vec::new();
        for part in parts {
            let piece = match part {
                Output::Text(text) => parse_progress::Piece::Text(text.clone()),
                Output::End(status) => parse_progress::Piece::CommandEnd(Some(*status)),
            };
            let told_now = parser
                .call_feed(&mut *store, resource, &[piece])
                .map_err(told)?;
            updates.extend(told_now.into_iter().map(Update::from));
        }
        resource.resource_drop(store).map_err(told)?;
        Ok(updates)
    }

    fn decide(&mut self, incident: &Incident) -> Result<Decision, String> {
        let Live { store, instance } = self.live()?;
        let Instance::Recovery(instance) = instance else {
            return Err("this policy is no recovery".to_owned());
        };
        let decision = instance
            .quarterdeck_policy_recover()
            .call_decide(store, &incident.into())
            .map_err(told)?;
        Ok(decision.into())
    }
}

fn told(error: wasmtime::Error) -> String {
    format!("the call failed: {error:#}")
}

/// wasmtime has an error type of its own.
fn readable(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

impl From<&Batch> for distribute::Batch {
    fn from(batch: &Batch) -> Self {
        Self {
            tasks: batch
                .tasks
                .iter()
                .map(|task| distribute::Task {
                    id: task.id.clone(),
                    kind: task.kind.clone(),
                    priority: match task.priority {
                        Priority::Low => distribute::Priority::Low,
                        Priority::Medium => distribute::Priority::Medium,
                        Priority::High => distribute::Priority::High,
                    },
                    dependencies: task.after.clone(),
                    open_dependencies: task.after.clone(),
                    waiting_ms: task.waiting_ms,
                    estimate_ms: task.estimate_ms,
                    tags: task.tags.clone(),
                    attributes: Vec::new(),
                })
                .collect(),
            workers: batch
                .workers
                .iter()
                .map(|worker| distribute::Worker {
                    session_id: worker.id.clone(),
                    running: worker.running,
                    capacity: worker.capacity,
                    load: worker.load,
                    tags: worker.tags.clone(),
                    attributes: Vec::new(),
                })
                .collect(),
            limit: batch.limit,
            running: batch.running,
            state: batch.state.clone(),
            time_ms: 0,
        }
    }
}

impl From<distribute::Plan> for Plan {
    fn from(plan: distribute::Plan) -> Self {
        Self {
            assignments: plan
                .assignments
                .into_iter()
                .map(|one| Assignment {
                    task_id: one.task_id,
                    session_id: one.session_id,
                })
                .collect(),
            waits: plan
                .waits
                .into_iter()
                .map(|one| Waiting {
                    task_id: one.task_id,
                    reason: one.reason,
                })
                .collect(),
            state: plan.state,
        }
    }
}

impl From<parse_progress::Update> for Update {
    fn from(update: parse_progress::Update) -> Self {
        Self {
            item: update.item,
            label: update.label,
            status: match update.status {
                parse_progress::Status::Running => Status::Running,
                parse_progress::Status::Waiting => Status::Waiting,
                parse_progress::Status::Completed => Status::Completed,
                parse_progress::Status::Failed => Status::Failed,
            },
            completed: update.completed,
            total: update.total,
            percent: update.percent,
        }
    }
}

fn progress_session() -> progress_parser::quarterdeck::policy::types::Session {
    use progress_parser::quarterdeck::policy::types::{PromptState, Session};

    Session {
        id: "case".to_owned(),
        name: "case".to_owned(),
        backend: "pty".to_owned(),
        cwd: None,
        program: None,
        prompt: PromptState::Running,
        full_screen: false,
        tags: Vec::new(),
        role: None,
        team: None,
        attributes: Vec::new(),
    }
}

impl From<&Incident> for recover::Incident {
    fn from(incident: &Incident) -> Self {
        use recovery::quarterdeck::policy::types::{PromptState, Session};

        Self {
            id: "case".to_owned(),
            cause: match incident.cause {
                Cause::Exited => recover::Cause::Exited,
                Cause::Hung => recover::Cause::Hung,
                Cause::BackendLost => recover::Cause::BackendLost,
                Cause::AwaitsPerson => recover::Cause::AwaitsPerson,
                Cause::Errors => recover::Cause::Errors,
                Cause::Exhausted => recover::Cause::Exhausted,
                Cause::Requested => recover::Cause::Requested,
            },
            session: Session {
                id: "broken".to_owned(),
                name: "broken".to_owned(),
                backend: "pty".to_owned(),
                cwd: None,
                program: None,
                prompt: PromptState::Unknown,
                full_screen: false,
                tags: Vec::new(),
                role: None,
                team: None,
                attributes: Vec::new(),
            },
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
}

impl From<recover::Decision> for Decision {
    fn from(decision: recover::Decision) -> Self {
        Self {
            action: match decision.action {
                recover::Action::Restart => Action::Restart,
                recover::Action::Reset => Action::Reset,
                recover::Action::Failover(session) => Action::Failover(session),
                recover::Action::Run(command) => Action::Run(command),
                recover::Action::Wait => Action::Wait,
                recover::Action::GiveUp => Action::GiveUp,
            },
            reason: decision.reason,
            delay_ms: decision.delay_ms,
        }
    }
}
