//! The façade of kind `distributor`: a typed call of `distribute.distribute`,
//! whose plan is checked before anybody sees it.

use std::sync::Arc;

use crate::calling::call_terms::CallTerms;
use crate::calling::callable::Callable;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::interface::bindings::distributor::DistributorIndices;
use crate::interface::bindings::distributor::exports::quarterdeck::policy::distribute as wit;
use crate::interface::bindings::types;
use crate::interface::borrowed_lists::{attributes, strings};
use crate::kinds::distributor::lawful_plan::check_plan;
use crate::kinds::presentable::presentable;
use crate::loading::prepared::Prepared;
use crate::loading::rejection::Rejection;
use crate::{Assignment, Batch, Plan, TaskFacts, TaskPriority, Waiting, WorkerFacts};

/// The longest reason to wait that is passed on, in bytes.
const LONGEST_REASON: usize = 500;
/// How many bytes of a plan each task may take, once lifted: two ids, or one
/// with a reason.
const BYTES_PER_TASK: usize = 2 << 10;
/// The largest plan, once lifted, in bytes.
const LARGEST_PLAN: usize = 16 << 20;

/// A component that answers `distribute`, ready to be asked.
pub(crate) struct Distributor(pub(crate) Callable<DistributorIndices>);

impl Distributor {
    /// Checks that a linked component has the exports of the world.
    pub(crate) fn new(prepared: Prepared) -> Result<Self, Rejection> {
        Callable::new(prepared).map(Distributor)
    }

    /// Asks it about a sound batch. A plan that breaks a rule is a fault.
    pub(crate) async fn distribute(
        &self,
        engine: &Arc<PolicyEngine>,
        terms: &Arc<CallTerms>,
        batch: &Batch,
    ) -> Result<Plan, Fault> {
        let plan_bytes = batch
            .tasks
            .len()
            .saturating_mul(BYTES_PER_TASK)
            .saturating_add(2 * Plan::MAX_STATE)
            .min(LARGEST_PLAN);
        self.0
            .call(engine, terms, async |store, exports| {
                let lent = Lent::of(batch);
                let tasks = lent.tasks();
                let workers = lent.workers();
                store.set_hostcall_fuel(plan_bytes);
                let plan = exports
                    .quarterdeck_policy_distribute()
                    .call_distribute(
                        store,
                        wit::Batch {
                            tasks: &tasks,
                            workers: &workers,
                            limit: batch.limit,
                            running: batch.running,
                            state: &batch.state,
                            time_ms: batch.time_ms,
                        },
                    )
                    .await
                    .map_err(|error| Fault::of_call(&error))?;
                let plan = Plan::clean(plan);
                match check_plan(batch, &plan) {
                    Ok(()) => Ok(plan),
                    Err(breach) => Err(Fault::Unlawful(presentable(
                        &breach.to_string(),
                        LONGEST_REASON,
                    ))),
                }
            })
            .await
    }
}

/// The lists of a batch.
struct Lent<'a> {
    tasks: Vec<LentTask<'a>>,
    workers: Vec<LentWorker<'a>>,
}

struct LentTask<'a> {
    facts: &'a TaskFacts,
    dependencies: Vec<&'a str>,
    open_dependencies: Vec<&'a str>,
    tags: Vec<&'a str>,
    attributes: Vec<types::Attribute<'a>>,
}

struct LentWorker<'a> {
    facts: &'a WorkerFacts,
    tags: Vec<&'a str>,
    attributes: Vec<types::Attribute<'a>>,
}

impl<'a> Lent<'a> {
    fn of(batch: &'a Batch) -> Self {
        Lent {
            tasks: batch
                .tasks
                .iter()
                .map(|facts| LentTask {
                    facts,
                    dependencies: strings(&facts.dependencies),
                    open_dependencies: strings(&facts.open_dependencies),
                    tags: strings(&facts.tags),
                    attributes: attributes(&facts.attributes),
                })
                .collect(),
            workers: batch
                .workers
                .iter()
                .map(|facts| LentWorker {
                    facts,
                    tags: strings(&facts.tags),
                    attributes: attributes(&facts.attributes),
                })
                .collect(),
        }
    }

    fn tasks(&'a self) -> Vec<wit::Task<'a>> {
        self.tasks
            .iter()
            .map(|lent| wit::Task {
                id: &lent.facts.id,
                kind: &lent.facts.kind,
                priority: match lent.facts.priority {
                    TaskPriority::Low => wit::Priority::Low,
                    TaskPriority::Medium => wit::Priority::Medium,
                    TaskPriority::High => wit::Priority::High,
                },
                dependencies: &lent.dependencies,
                open_dependencies: &lent.open_dependencies,
                waiting_ms: lent.facts.waiting_ms,
                estimate_ms: lent.facts.estimate_ms,
                tags: &lent.tags,
                attributes: &lent.attributes,
            })
            .collect()
    }

    fn workers(&'a self) -> Vec<wit::Worker<'a>> {
        self.workers
            .iter()
            .map(|lent| wit::Worker {
                session_id: &lent.facts.session_id,
                running: lent.facts.running,
                capacity: lent.facts.capacity,
                load: lent.facts.load,
                tags: &lent.tags,
                attributes: &lent.attributes,
            })
            .collect()
    }
}

impl Plan {
    /// Takes over a plan. Ids stay as they are: a plan with one that is not
    /// among the batch's is refused.
    fn clean(plan: wit::Plan) -> Plan {
        Plan {
            assignments: plan
                .assignments
                .into_iter()
                .map(|it| Assignment {
                    task_id: it.task_id,
                    session_id: it.session_id,
                })
                .collect(),
            waits: plan
                .waits
                .into_iter()
                .map(|it| Waiting {
                    task_id: it.task_id,
                    reason: presentable(&it.reason, LONGEST_REASON),
                })
                .collect(),
            state: plan.state,
        }
    }
}
