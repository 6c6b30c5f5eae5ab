// The rule on this machine; the component is held to ../cases.toml by tests/sdk/run.
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "approver.h"

static qd_verdict review(const char *command_line) {
  qd_request request = {.command_line = qd_text_of(command_line)};
  return policy_review(&request);
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  assert(review("git status").tier == QUARTERDECK_POLICY_TYPES_TIER_SAFE);
  assert(review("git -C app push").tier == QUARTERDECK_POLICY_TYPES_TIER_REVIEW);
  qd_verdict verdict = review("ls; git push -f");
  assert(verdict.tier == QUARTERDECK_POLICY_TYPES_TIER_DANGEROUS);
  assert(verdict.span.val.start == 13 && verdict.span.val.end == 15);

  assert(policy_configure(qd_text_of("{\"allow-lease\":true}")) == NULL);
  assert(review("git push --force-with-lease").tier == QUARTERDECK_POLICY_TYPES_TIER_REVIEW);
  assert(strcmp(policy_configure(qd_text_of("{\"allow-leese\":true}")), "unknown key `allow-leese`") == 0);
  assert(strcmp(policy_configure(qd_text_of("{\"allow-lease\":1}")), "`allow-lease` has to be true or false") == 0);
  puts("ok");
  return 0;
}
