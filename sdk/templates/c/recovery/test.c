#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "recovery.h"

static qd_decision decide(uint32_t attempts) {
  qd_incident incident = {.attempts = attempts, .max_attempts = 3};
  return policy_decide(&incident);
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  assert(decide(0).action.tag == EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_RESTART);
  assert(decide(0).delay_ms == 1000);
  assert(decide(3).action.tag == EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_GIVE_UP);
  assert(policy_configure(qd_text_of("{\"delay-ms\":-1}")) != NULL);
  puts("ok");
  return 0;
}
