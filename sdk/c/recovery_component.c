// Joins a policy to the generated bindings: only in the component, never in a test.
#include "recovery.h"

// The bindings free what they are handed, so it has to be memory of its own.
static void keep(qd_text *text) { recovery_string_dup_n(text, (const char *)text->ptr, text->len); }

bool exports_quarterdeck_policy_configuration_configure(recovery_string_t *config, recovery_string_t *err) {
  const char *wrong = policy_configure(*config);
  if (wrong == NULL) return true;
  recovery_string_dup(err, wrong);
  return false;
}

void exports_quarterdeck_policy_recover_decide(qd_incident *incident, qd_decision *decision) {
  *decision = policy_decide(incident);
  keep(&decision->reason);
  switch (decision->action.tag) {
    case EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_FAILOVER:
      keep(&decision->action.val.failover);
      break;
    case EXPORTS_QUARTERDECK_POLICY_RECOVER_ACTION_RUN:
      keep(&decision->action.val.run);
      break;
    default:
      break;
  }
  exports_quarterdeck_policy_recover_incident_free(incident);
}
