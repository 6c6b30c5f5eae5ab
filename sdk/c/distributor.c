// The conveniences of distributor.h.
#include "distributor.h"

#include <stdlib.h>
#include <string.h>

// --- batches --------------------------------------------------------------------------

bool qd_is_ready(const qd_task *task) { return task->open_dependencies.len == 0; }

static uint32_t room(uint32_t may_run, uint32_t running) { return running < may_run ? may_run - running : 0; }

uint32_t qd_room(const qd_worker *worker) { return room(worker->capacity, worker->running); }

uint32_t qd_room_of_all(const qd_batch *batch) { return room(batch->limit, batch->running); }

// --- plans ----------------------------------------------------------------------------

void qd_assign(qd_plan *plan, const qd_task *task, const qd_worker *worker) {
  plan->assignments.ptr = qd_grown(plan->assignments.ptr, plan->assignments.len, sizeof *plan->assignments.ptr);
  plan->assignments.ptr[plan->assignments.len++] =
      (exports_quarterdeck_policy_distribute_assignment_t){.task_id = task->id, .session_id = worker->session_id};
}

void qd_let_wait(qd_plan *plan, const qd_task *task, const char *reason) {
  plan->waits.ptr = qd_grown(plan->waits.ptr, plan->waits.len, sizeof *plan->waits.ptr);
  plan->waits.ptr[plan->waits.len++] =
      (exports_quarterdeck_policy_distribute_waiting_t){.task_id = task->id, .reason = qd_text_of(reason)};
}

void qd_remember(qd_plan *plan, const void *bytes, size_t length) {
  free(plan->state.ptr);
  plan->state.ptr = NULL;
  plan->state.len = length;
  if (length == 0) return;
  plan->state.ptr = malloc(length);
  if (plan->state.ptr == NULL) abort();
  memcpy(plan->state.ptr, bytes, length);
}

void qd_free_plan(qd_plan *plan) {
  free(plan->assignments.ptr);
  free(plan->waits.ptr);
  free(plan->state.ptr);
  *plan = (qd_plan){0};
}
