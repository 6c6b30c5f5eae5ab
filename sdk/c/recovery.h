// What the author of a recovery in C needs. Define `policy_configure` and `policy_decide`;
// README.md shows a whole policy, generated/recovery.h has every field of an incident.
#ifndef QUARTERDECK_RECOVERY_H
#define QUARTERDECK_RECOVERY_H

#include "generated/recovery.h"

typedef recovery_string_t qd_text;
typedef exports_quarterdeck_policy_recover_incident_t qd_incident;
typedef exports_quarterdeck_policy_recover_decision_t qd_decision;

#include "text.h"

// --- to be defined by the policy ------------------------------------------------------

// Says what is done about the incident.
qd_decision policy_decide(const qd_incident *incident);

// --- decisions ------------------------------------------------------------------------

// Texts are not copied here: let them be literals, parts of the incident, or outlive the
// call.

// Starts the session's program again.
qd_decision qd_restart(const char *reason);
// Brings the terminal and its shell back to a clean prompt.
qd_decision qd_reset(const char *reason);
// Moves the work to another session, one of the incident's backups.
qd_decision qd_failover(const char *reason, qd_text session);
// Runs a command in the session, through the gate.
qd_decision qd_run(const char *reason, const char *command);
// Does nothing for now, and is asked again after the delay.
qd_decision qd_wait(const char *reason);
// Does nothing more; a person is told.
qd_decision qd_give_up(const char *reason);

// Has it done after so many milliseconds.
void qd_after_ms(qd_decision *decision, uint64_t delay_ms);

#endif
