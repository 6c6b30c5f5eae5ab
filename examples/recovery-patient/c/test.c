// The policy on this machine; the component is held to ../cases.toml by tests/sdk/run.
#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "recovery.h"

static qd_decision decide(uint32_t attempts, size_t backups) {
  static qd_text ids[1];
  ids[0] = qd_text_of("b");
  qd_incident incident = {.attempts = attempts, .max_attempts = 3, .backups = {ids, backups}};
  return policy_decide(&incident);
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  assert(decide(0, 0).delay_ms == 0 && decide(1, 0).delay_ms == 500 && decide(2, 0).delay_ms == 1000);
  assert(decide(3, 1).action.tag == EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_GIVE_UP);
  qd_decision decision = decide(2, 1);
  assert(decision.action.tag == EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_FAILOVER);
  assert(qd_equals(decision.action.val.failover, "b"));

  assert(policy_configure(qd_text_of("{\"first-delay-ms\":9,\"longest-delay-ms\":1}")) != NULL);
  assert(policy_configure(qd_text_of("{\"first-delay-ms\":0.5}")) != NULL);
  assert(policy_configure(qd_text_of("{\"first-delay-ms\":0}")) == NULL);
  assert(decide(2, 0).delay_ms == 0);
  puts("ok");
  return 0;
}
