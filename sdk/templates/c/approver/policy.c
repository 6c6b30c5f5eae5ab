// Asks a person before anything is deployed.
#include "approver.h"

// What makes a command line worth a look.
static qd_text word;

const char *policy_configure(qd_text config) {
  word = qd_text_of("deploy");
  const struct qd_key keys[] = {{"word", QD_TEXT, &word}};
  const char *wrong = qd_read_config(config, keys, 1);
  if (wrong == NULL && word.len == 0) wrong = "`word` is empty, so that every command would match";
  return wrong;
}

qd_verdict policy_review(const qd_request *request) {
  qd_text piece;
  if (!qd_find(request->command_line, word, &piece)) return qd_safe("Nothing to look at.");
  qd_verdict verdict = qd_review("A person looks at this first.");
  qd_rule(&verdict, "{{name}}");
  qd_piece(&verdict, request, piece);
  return verdict;
}
