// Joins a policy to the generated bindings: only in the component, never in a test.
#include "approver.h"

// The bindings free what they are handed, so it has to be memory of its own.
static void keep(qd_text *text) { approver_string_dup_n(text, (const char *)text->ptr, text->len); }

bool exports_quarterdeck_policy_configuration_configure(approver_string_t *config, approver_string_t *err) {
  const char *wrong = policy_configure(*config);
  if (wrong == NULL) return true;
  approver_string_dup(err, wrong);
  return false;
}

void exports_quarterdeck_policy_approve_review(qd_request *request, qd_verdict *verdict) {
  *verdict = policy_review(request);
  keep(&verdict->reason);
  if (verdict->rule.is_some) keep(&verdict->rule.val);
  if (verdict->suggestion.is_some) keep(&verdict->suggestion.val);
  exports_quarterdeck_policy_approve_request_free(request);
}
