// What the author of a progress parser in C needs. Define `struct qd_parser`,
// `policy_configure`, `policy_parser`, `policy_feed` and `policy_forget`; README.md shows a
// whole policy, generated/progress_parser.h has every field of a session and a piece.
#ifndef QUARTERDECK_PROGRESS_PARSER_H
#define QUARTERDECK_PROGRESS_PARSER_H

#include "generated/progress_parser.h"

typedef progress_parser_string_t qd_text;
typedef exports_quarterdeck_policy_parse_progress_session_t qd_session;
typedef exports_quarterdeck_policy_parse_progress_piece_t qd_piece;
typedef exports_quarterdeck_policy_parse_progress_list_piece_t qd_chunk;
typedef exports_quarterdeck_policy_parse_progress_update_t qd_update;
typedef exports_quarterdeck_policy_parse_progress_list_update_t qd_updates;

#include "text.h"

// --- to be defined by the policy ------------------------------------------------------

// What it keeps of one session.
typedef struct qd_parser qd_parser;

// Begins to read a session.
qd_parser *policy_parser(const qd_session *session);
// Reads what arrived, and adds to `updates` what is new.
void policy_feed(qd_parser *parser, const qd_chunk *chunk, qd_updates *updates);
// The session is over: frees what was kept of it.
void policy_forget(qd_parser *parser);

// --- lines ----------------------------------------------------------------------------

// Longer lines are cut.
#define QD_LONGEST_LINE 4096

// A line under way, because a piece of text may end in the middle of one. Begins as zeros;
// `length = 0` forgets what there is of it.
struct qd_line {
  size_t length;
  bool ended;
  uint8_t bytes[QD_LONGEST_LINE];
};

// Takes text off `rest` until a line ends, by a newline or, as bars are drawn again, a
// carriage return; `whole` is that line, until the next call. False when no more ends.
bool qd_next_line(struct qd_line *line, qd_text *rest, qd_text *whole);

// --- updates --------------------------------------------------------------------------

// Adds one that is `running`, about the whole and with no more than its label, which is
// copied. It may be changed until the next one is added.
qd_update *qd_report(qd_updates *updates, qd_text label);
// Tells apart several things under way at once. The name is copied.
void qd_item(qd_update *update, qd_text name);
void qd_percent(qd_update *update, double percent);
// Says that so many are done, and the percentage with it.
void qd_count(qd_update *update, uint64_t completed, uint64_t total);

// For tests: frees what updates hold.
void qd_free_updates(qd_updates *updates);

#endif
