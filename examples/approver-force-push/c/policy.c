// The rule of examples/approver-force-push, in C.
#include "approver.h"

// Whether `--force-with-lease` is a push like any other.
static bool allow_lease;

const char *policy_configure(qd_text config) {
  allow_lease = false;
  const struct qd_key keys[] = {{"allow-lease", QD_BOOL, &allow_lease}};
  return qd_read_config(config, keys, 1);
}

static bool forces(qd_text argument) {
  if (qd_equals(argument, "--force") || qd_equals(argument, "-f")) return true;
  if (qd_starts_with(argument, "--force-with-lease")) return !allow_lease;
  // A refspec such as `+main`.
  return qd_starts_with(argument, "+");
}

// The first word after git's own options.
static bool subcommand(qd_text *words, qd_text *word) {
  while (qd_next(words, " \t", word)) {
    if (!qd_starts_with(*word, "-")) return true;
    // These take a value.
    if (qd_equals(*word, "-C") || qd_equals(*word, "-c")) qd_next(words, " \t", word);
  }
  return false;
}

// A verdict on one command; safe if it is no push.
static qd_verdict review_command(const qd_request *request, qd_text words) {
  qd_verdict verdict = qd_safe("Nothing is pushed.");
  qd_text git, push, argument;
  if (!qd_next(&words, " \t", &git)) return verdict;
  if (!qd_equals(git, "git") && !qd_ends_with(git, "/git")) return verdict;
  if (!subcommand(&words, &push) || !qd_equals(push, "push")) return verdict;

  while (qd_next(&words, " \t", &argument)) {
    if (!forces(argument)) continue;
    verdict = qd_dangerous("A forced push throws away what others pushed.");
    qd_rule(&verdict, "git/force-push");
    qd_piece(&verdict, request, argument);
    qd_suggestion(&verdict, "Pull, merge, and push without force.");
    return verdict;
  }
  verdict = qd_review("A push is seen by others.");
  qd_rule(&verdict, "git/push");
  qd_piece(&verdict, request, push);
  return verdict;
}

qd_verdict policy_review(const qd_request *request) {
  // The strictest; of equals the first.
  qd_verdict strictest = qd_safe("Nothing is pushed.");
  qd_text rest = request->command_line, command;
  while (qd_next(&rest, ";&|()\n", &command)) {
    qd_verdict next = review_command(request, command);
    if (next.tier > strictest.tier) strictest = next;
  }
  return strictest;
}
