// Gives each task to the worker with the most room.
#include "distributor.h"

const char *policy_configure(qd_text config) { return qd_read_config(config, NULL, 0); }

// The first of equals; NULL where nobody has room.
static qd_worker *roomiest(const qd_batch *batch) {
  qd_worker *best = NULL;
  for (size_t at = 0; at < batch->workers.len; at++) {
    qd_worker *worker = &batch->workers.ptr[at];
    if (qd_room(worker) > (best == NULL ? 0 : qd_room(best))) best = worker;
  }
  return best;
}

qd_plan policy_distribute(const qd_batch *batch) {
  qd_plan plan = {0};
  uint32_t limit = qd_room_of_all(batch);
  for (size_t at = 0; at < batch->tasks.len; at++) {
    const qd_task *task = &batch->tasks.ptr[at];
    qd_worker *worker = limit > 0 ? roomiest(batch) : NULL;
    if (!qd_is_ready(task)) {
      qd_let_wait(&plan, task, "It depends on tasks that have not completed.");
    } else if (worker != NULL) {
      qd_assign(&plan, task, worker);
      worker->running++;
      limit--;
    } else {
      qd_let_wait(&plan, task, "There is no room.");
    }
  }
  return plan;
}
