// Reads steps such as `[3/7] Compiling` off the output. A piece of text may end in the
// middle of a line, so the unfinished line is kept, within bounds.
#include "progress_parser.h"

#include <stdlib.h>
#include <string.h>

// What was told last, so that nothing is told twice.
struct step {
  uint64_t completed, total;
  qd_text label;
};

struct qd_parser {
  struct qd_line line;
  bool told;
  struct step last;
  uint8_t label[QD_LONGEST_LINE];
};

const char *policy_configure(qd_text config) { return qd_read_config(config, NULL, 0); }

qd_parser *policy_parser(const qd_session *session) {
  (void)session;
  return calloc(1, sizeof(qd_parser));
}

void policy_forget(qd_parser *parser) { free(parser); }

// Takes what stands before `end` off `rest`, and `end` with it.
static bool take_until(qd_text *rest, char end, qd_text *taken) {
  uint8_t *at = rest->len == 0 ? NULL : memchr(rest->ptr, end, rest->len);
  if (at == NULL) return false;
  *taken = (qd_text){rest->ptr, (size_t)(at - rest->ptr)};
  *rest = (qd_text){at + 1, rest->len - taken->len - 1};
  return true;
}

// `[3/7] label` as a step.
static bool step_of(qd_text line, struct step *step) {
  qd_text completed, total;
  line = qd_trimmed(line);
  if (!qd_starts_with(line, "[")) return false;
  line = (qd_text){line.ptr + 1, line.len - 1};
  if (!take_until(&line, '/', &completed) || !take_until(&line, ']', &total)) return false;
  if (!qd_whole_number(qd_trimmed(completed), &step->completed)) return false;
  if (!qd_whole_number(qd_trimmed(total), &step->total)) return false;
  step->label = qd_trimmed(line);
  return step->completed <= step->total && step->total > 0;
}

static bool same(const struct step *a, const struct step *b) {
  return a->completed == b->completed && a->total == b->total && a->label.len == b->label.len &&
         memcmp(a->label.ptr, b->label.ptr, a->label.len) == 0;
}

static qd_update *tell(const struct step *step, qd_updates *updates) {
  qd_update *update = qd_report(updates, step->label);
  qd_count(update, step->completed, step->total);
  return update;
}

static void read_text(qd_parser *parser, qd_text text, qd_updates *updates) {
  qd_text line;
  // A carriage return ends a line, too: that is how bars are redrawn.
  while (qd_next_line(&parser->line, &text, &line)) {
    struct step step;
    if (!step_of(line, &step) || (parser->told && same(&step, &parser->last))) continue;
    tell(&step, updates);
    if (step.label.len > 0) memcpy(parser->label, step.label.ptr, step.label.len);
    step.label.ptr = parser->label;
    parser->last = step;
    parser->told = true;
  }
}

// The command is over, and with it what was under way.
static void end(qd_parser *parser, bool failed, qd_updates *updates) {
  parser->line.length = 0;
  if (!parser->told) return;
  parser->told = false;
  tell(&parser->last, updates)->status = failed ? EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_STATUS_FAILED
                                                : EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_STATUS_COMPLETED;
}

void policy_feed(qd_parser *parser, const qd_chunk *chunk, qd_updates *updates) {
  for (size_t at = 0; at < chunk->len; at++) {
    const qd_piece *piece = &chunk->ptr[at];
    switch (piece->tag) {
      case EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_PIECE_TEXT:
        read_text(parser, piece->val.text, updates);
        break;
      case EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_PIECE_COMMAND_END:
        end(parser, piece->val.command_end.is_some && piece->val.command_end.val != 0, updates);
        break;
      default:
        break;
    }
  }
}
