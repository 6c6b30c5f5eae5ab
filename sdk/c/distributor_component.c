// Joins a policy to the generated bindings: only in the component, never in a test.
#include "distributor.h"

// The bindings free what they are handed, so it has to be memory of its own.
static void keep(qd_text *text) { distributor_string_dup_n(text, (const char *)text->ptr, text->len); }

bool exports_quarterdeck_policy_configuration_configure(distributor_string_t *config, distributor_string_t *err) {
  const char *wrong = policy_configure(*config);
  if (wrong == NULL) return true;
  distributor_string_dup(err, wrong);
  return false;
}

void exports_quarterdeck_policy_distribute_distribute(qd_batch *batch, qd_plan *plan) {
  *plan = policy_distribute(batch);
  for (size_t at = 0; at < plan->assignments.len; at++) {
    keep(&plan->assignments.ptr[at].task_id);
    keep(&plan->assignments.ptr[at].session_id);
  }
  for (size_t at = 0; at < plan->waits.len; at++) {
    keep(&plan->waits.ptr[at].task_id);
    keep(&plan->waits.ptr[at].reason);
  }
  exports_quarterdeck_policy_distribute_batch_free(batch);
}
