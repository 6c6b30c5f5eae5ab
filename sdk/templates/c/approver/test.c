#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "approver.h"

static qd_verdict review(const char *command_line) {
  qd_request request = {.command_line = qd_text_of(command_line)};
  return policy_review(&request);
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  assert(review("ls").tier == QUARTERDECK_POLICY_TYPES_TIER_SAFE);
  qd_verdict verdict = review("make deploy");
  assert(verdict.tier == QUARTERDECK_POLICY_TYPES_TIER_REVIEW);
  assert(verdict.span.val.start == 5 && verdict.span.val.end == 11);
  assert(policy_configure(qd_text_of("{\"word\":\"\"}")) != NULL);
  puts("ok");
  return 0;
}
