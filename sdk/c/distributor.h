// What the author of a distributor in C needs. Define `policy_configure` and
// `policy_distribute`; README.md shows a whole policy, generated/distributor.h has every
// field of a batch.
#ifndef QUARTERDECK_DISTRIBUTOR_H
#define QUARTERDECK_DISTRIBUTOR_H

#include "generated/distributor.h"

typedef distributor_string_t qd_text;
typedef exports_quarterdeck_policy_distribute_task_t qd_task;
typedef exports_quarterdeck_policy_distribute_worker_t qd_worker;
typedef exports_quarterdeck_policy_distribute_batch_t qd_batch;
typedef exports_quarterdeck_policy_distribute_plan_t qd_plan;

#include "text.h"

// --- to be defined by the policy ------------------------------------------------------

// Says which worker runs which task. Every task is assigned or let wait, once.
qd_plan policy_distribute(const qd_batch *batch);

// --- batches --------------------------------------------------------------------------

// Whether everything that the task depends on has completed.
bool qd_is_ready(const qd_task *task);
// How many more tasks the worker may run.
uint32_t qd_room(const qd_worker *worker);
// How many more tasks may run over all workers.
uint32_t qd_room_of_all(const qd_batch *batch);

// --- plans ----------------------------------------------------------------------------

// A plan begins as `qd_plan plan = {0}`. Texts are not copied here: let them be literals,
// parts of the batch, or outlive the call.

void qd_assign(qd_plan *plan, const qd_task *task, const qd_worker *worker);
void qd_let_wait(qd_plan *plan, const qd_task *task, const char *reason);
// Has bytes handed in with the next batch, as its `state`: at most 64 KiB, the first byte a
// version of yours. They are copied.
void qd_remember(qd_plan *plan, const void *bytes, size_t length);

// For tests: frees what a plan holds.
void qd_free_plan(qd_plan *plan);

#endif
