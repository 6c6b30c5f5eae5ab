// The conveniences of approver.h.
#include "approver.h"

// --- verdicts -------------------------------------------------------------------------

static qd_verdict verdict(quarterdeck_policy_types_tier_t tier, const char *reason) {
  qd_verdict made = {.tier = tier, .reason = qd_text_of(reason)};
  return made;
}

qd_verdict qd_safe(const char *reason) { return verdict(QUARTERDECK_POLICY_TYPES_TIER_SAFE, reason); }
qd_verdict qd_review(const char *reason) { return verdict(QUARTERDECK_POLICY_TYPES_TIER_REVIEW, reason); }
qd_verdict qd_dangerous(const char *reason) { return verdict(QUARTERDECK_POLICY_TYPES_TIER_DANGEROUS, reason); }

void qd_rule(qd_verdict *verdict, const char *rule) {
  verdict->rule.is_some = true;
  verdict->rule.val = qd_text_of(rule);
}

void qd_piece(qd_verdict *verdict, const qd_request *request, qd_text piece) {
  verdict->span.is_some = true;
  verdict->span.val.start = (uint32_t)(piece.ptr - request->command_line.ptr);
  verdict->span.val.end = verdict->span.val.start + (uint32_t)piece.len;
}

void qd_suggestion(qd_verdict *verdict, const char *suggestion) {
  verdict->suggestion.is_some = true;
  verdict->suggestion.val = qd_text_of(suggestion);
}
