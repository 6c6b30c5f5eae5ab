#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "distributor.h"

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  qd_task tasks[4] = {0};
  for (size_t at = 0; at < 4; at++) tasks[at].id = qd_text_of((const char *[]){"1", "2", "3", "4"}[at]);
  qd_worker workers[] = {
      {.session_id = qd_text_of("a"), .capacity = 1},
      {.session_id = qd_text_of("b"), .capacity = 2},
  };
  qd_batch batch = {.tasks = {tasks, 4}, .workers = {workers, 2}, .limit = 9};

  qd_plan plan = policy_distribute(&batch);
  assert(plan.assignments.len == 3 && plan.waits.len == 1);
  assert(qd_equals(plan.assignments.ptr[0].session_id, "b"));
  assert(qd_equals(plan.waits.ptr[0].task_id, "4"));
  qd_free_plan(&plan);
  puts("ok");
  return 0;
}
