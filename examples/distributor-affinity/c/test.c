// The strategy on this machine; the component is held to ../cases.toml by tests/sdk/run.
#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "distributor.h"

static qd_plan plan(qd_plan *before, const char *kinds[], size_t count) {
  static qd_task tasks[8];
  for (size_t at = 0; at < count; at++) {
    tasks[at] = (qd_task){.id = qd_text_of("task"), .kind = qd_text_of(kinds[at])};
  }
  qd_worker workers[] = {
      {.session_id = qd_text_of("a"), .capacity = 1},
      {.session_id = qd_text_of("b"), .capacity = 2},
  };
  qd_batch batch = {.tasks = {tasks, count}, .workers = {workers, 2}, .limit = 9};
  batch.state.ptr = before->state.ptr;
  batch.state.len = before->state.len;
  qd_plan made = policy_distribute(&batch);
  qd_free_plan(before);
  return made;
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  assert(policy_configure(qd_text_of("{\"x\":1}")) != NULL);

  qd_plan none = {0};
  qd_plan first = plan(&none, (const char *[]){"build"}, 1);
  assert(first.assignments.len == 1 && qd_equals(first.assignments.ptr[0].session_id, "b"));
  qd_plan next = plan(&first, (const char *[]){"test", "build", "build", "build"}, 4);
  assert(next.assignments.len == 3 && next.waits.len == 1);
  assert(qd_equals(next.assignments.ptr[1].session_id, "b"));
  assert(qd_equals(next.waits.ptr[0].reason, "Every worker is busy."));
  qd_free_plan(&next);

  // What another version wrote, and what is cut short, is forgotten.
  qd_plan foreign = {0};
  qd_remember(&foreign, "\2build\0b", 9);
  qd_plan anew = plan(&foreign, (const char *[]){"build"}, 1);
  qd_free_plan(&anew);
  qd_remember(&foreign, "\1build\0b", 8);
  anew = plan(&foreign, (const char *[]){"build"}, 1);
  assert(anew.assignments.len == 1);
  qd_free_plan(&anew);
  puts("ok");
  return 0;
}
