// What the author of an approver in C needs. Define `policy_configure` and
// `policy_review`; README.md shows a whole policy, generated/approver.h has every
// field of a request.
#ifndef QUARTERDECK_APPROVER_H
#define QUARTERDECK_APPROVER_H

#include <stdbool.h>
#include <stddef.h>

#include "generated/approver.h"

// A text: bytes of UTF-8, not ended by a zero.
typedef approver_string_t qd_text;
typedef exports_quarterdeck_policy_approve_request_t qd_request;
typedef exports_quarterdeck_policy_approve_verdict_t qd_verdict;

// --- to be defined by the policy ------------------------------------------------------

// Called once, on loading, with the sidecar's `[config]` as a JSON object: hand it to
// `qd_read_config`. NULL, or what is wrong, for the person who wrote the sidecar.
const char *policy_configure(qd_text config);

// Says how far the command may go.
qd_verdict policy_review(const qd_request *request);

// --- verdicts -------------------------------------------------------------------------

// Texts are not copied here: let them be literals, or outlive the call.
qd_verdict qd_safe(const char *reason);
qd_verdict qd_review(const char *reason);
qd_verdict qd_dangerous(const char *reason);

// Names the rule that decided, for example `git/force-push`.
void qd_rule(qd_verdict *verdict, const char *rule);
// Points at `piece`, a part of the request's command line.
void qd_piece(qd_verdict *verdict, const qd_request *request, qd_text piece);
// Says what to do instead.
void qd_suggestion(qd_verdict *verdict, const char *suggestion);

// --- configuration --------------------------------------------------------------------

enum qd_type {
  QD_BOOL,    // into a bool
  QD_NUMBER,  // into a double
  QD_TEXT,    // into a qd_text
};

// One key that a sidecar may have; what it holds stays as it is where the key is missing.
struct qd_key {
  const char *name;
  enum qd_type type;
  void *into;
};

// Reads a configuration. NULL, or a message that names the key that is unknown or of
// another type.
const char *qd_read_config(qd_text config, const struct qd_key *keys, size_t count);

// --- texts ----------------------------------------------------------------------------

bool qd_equals(qd_text text, const char *other);
bool qd_starts_with(qd_text text, const char *start);
bool qd_ends_with(qd_text text, const char *end);

// Finds `sought` in `text`; `piece` is where.
bool qd_find(qd_text text, qd_text sought, qd_text *piece);

// Takes the next piece off `rest`, up to any of the characters of `separators`. Empty
// pieces are passed over; false when nothing is left.
bool qd_next(qd_text *rest, const char *separators, qd_text *piece);

// For tests: a text of a literal.
qd_text qd_text_of(const char *literal);

#endif
