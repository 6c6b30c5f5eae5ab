// The conveniences of recovery.h.
#include "recovery.h"

static qd_decision decision(uint8_t action, const char *reason) {
  qd_decision made = {.action = {.tag = action}, .reason = qd_text_of(reason)};
  return made;
}

qd_decision qd_restart(const char *reason) { return decision(EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_RESTART, reason); }
qd_decision qd_reset(const char *reason) { return decision(EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_RESET, reason); }
qd_decision qd_wait(const char *reason) { return decision(EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_WAIT, reason); }
qd_decision qd_give_up(const char *reason) { return decision(EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_GIVE_UP, reason); }

qd_decision qd_failover(const char *reason, qd_text session) {
  qd_decision made = decision(EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_FAILOVER, reason);
  made.action.val.failover = session;
  return made;
}

qd_decision qd_run(const char *reason, const char *command) {
  qd_decision made = decision(EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_RUN, reason);
  made.action.val.run = qd_text_of(command);
  return made;
}

void qd_after_ms(qd_decision *decision, uint64_t delay_ms) { decision->delay_ms = delay_ms; }
