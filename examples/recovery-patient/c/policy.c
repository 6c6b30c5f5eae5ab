// Restarts a session's program, waiting twice as long each time, and fails over to a
// backup with the last attempt that it is allowed.
#include "recovery.h"

// Before the second attempt; the first comes at once.
static double first_delay_ms;
// No delay is longer.
static double longest_delay_ms;

static bool is_delay(double value) { return value >= 0 && value <= 1e12 && (double)(uint64_t)value == value; }

const char *policy_configure(qd_text config) {
  first_delay_ms = 500;
  longest_delay_ms = 60000;
  const struct qd_key keys[] = {
      {"first-delay-ms", QD_NUMBER, &first_delay_ms},
      {"longest-delay-ms", QD_NUMBER, &longest_delay_ms},
  };
  const char *wrong = qd_read_config(config, keys, 2);
  if (wrong != NULL) return wrong;
  if (!is_delay(first_delay_ms)) return "`first-delay-ms` has to be a whole number of milliseconds";
  if (!is_delay(longest_delay_ms)) return "`longest-delay-ms` has to be a whole number of milliseconds";
  if (first_delay_ms > longest_delay_ms) return "`first-delay-ms` is longer than `longest-delay-ms`";
  return NULL;
}

static uint64_t delay_before(uint32_t attempts) {
  if (attempts == 0) return 0;
  double delay = first_delay_ms;
  for (uint32_t doubled = 1; doubled < attempts && delay < longest_delay_ms && delay > 0; doubled++) delay *= 2;
  return (uint64_t)(delay < longest_delay_ms ? delay : longest_delay_ms);
}

qd_decision policy_decide(const qd_incident *incident) {
  qd_decision decision;
  if (incident->cause == EXPORTS_QUARTERDECK_POLICY_RECOVER_CAUSE_AWAITS_PERSON) {
    decision = qd_wait("Only a person can answer.");
    qd_after_ms(&decision, (uint64_t)longest_delay_ms);
  } else if (incident->attempts >= incident->max_attempts) {
    decision = qd_give_up("Every attempt failed.");
  } else if (incident->attempts + 1 == incident->max_attempts && incident->backups.len > 0) {
    decision = qd_failover("Nothing else has helped.", incident->backups.ptr[0]);
  } else {
    // A shell that hangs is still there: interrupt it before replacing it.
    const bool interrupt = incident->cause == EXPORTS_QUARTERDECK_POLICY_RECOVER_CAUSE_HUNG && incident->attempts == 0;
    decision = interrupt ? qd_reset("It may only be busy.") : qd_restart("It may have been bad luck.");
    qd_after_ms(&decision, delay_before(incident->attempts));
  }
  return decision;
}
