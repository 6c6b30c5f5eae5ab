// Restarts a session's program a few times, then gives up.
#include "recovery.h"

// Before each attempt, in milliseconds.
static double delay_ms;

const char *policy_configure(qd_text config) {
  delay_ms = 1000;
  const struct qd_key keys[] = {{"delay-ms", QD_NUMBER, &delay_ms}};
  const char *wrong = qd_read_config(config, keys, 1);
  if (wrong == NULL && (delay_ms < 0 || delay_ms > 1e9)) wrong = "`delay-ms` has to be between 0 and 1000000000";
  return wrong;
}

qd_decision policy_decide(const qd_incident *incident) {
  if (incident->attempts >= incident->max_attempts) return qd_give_up("Every attempt failed.");
  qd_decision decision = qd_restart("It may have been bad luck.");
  qd_after_ms(&decision, (uint64_t)delay_ms);
  return decision;
}
