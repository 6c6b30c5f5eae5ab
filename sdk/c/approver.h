// What the author of an approver in C needs. Define `policy_configure` and
// `policy_review`; README.md shows a whole policy, generated/approver.h has every
// field of a request.
#ifndef QUARTERDECK_APPROVER_H
#define QUARTERDECK_APPROVER_H

#include "generated/approver.h"

typedef approver_string_t qd_text;
typedef exports_quarterdeck_policy_approve_request_t qd_request;
typedef exports_quarterdeck_policy_approve_verdict_t qd_verdict;

#include "text.h"

// --- to be defined by the policy ------------------------------------------------------

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

#endif
