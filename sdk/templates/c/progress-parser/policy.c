// Reads percentages at the end of a line, such as `copying 42%`.
#include "progress_parser.h"

#include <stdlib.h>

struct qd_parser {
  // Text may be cut anywhere.
  struct qd_line line;
};

const char *policy_configure(qd_text config) { return qd_read_config(config, NULL, 0); }

qd_parser *policy_parser(const qd_session *session) {
  (void)session;
  return calloc(1, sizeof(qd_parser));
}

static void read_line(qd_text line, qd_updates *updates) {
  line = qd_trimmed(line);
  if (!qd_ends_with(line, "%")) return;
  line.len--;
  size_t blank = line.len;
  while (blank > 0 && line.ptr[blank - 1] != ' ') blank--;
  double percent;
  if (blank == 0 || !qd_number((qd_text){line.ptr + blank, line.len - blank}, &percent)) return;
  if (percent < 0 || percent > 100) return;
  qd_percent(qd_report(updates, qd_trimmed((qd_text){line.ptr, blank})), percent);
}

void policy_feed(qd_parser *parser, const qd_chunk *chunk, qd_updates *updates) {
  for (size_t at = 0; at < chunk->len; at++) {
    if (chunk->ptr[at].tag != EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_PIECE_TEXT) continue;
    qd_text rest = chunk->ptr[at].val.text, line;
    while (qd_next_line(&parser->line, &rest, &line)) read_line(line, updates);
  }
}

void policy_forget(qd_parser *parser) { free(parser); }
