// The conveniences of progress_parser.h.
#include "progress_parser.h"

#include <stdlib.h>
#include <string.h>

// --- lines ----------------------------------------------------------------------------

// Where to cut `text`, so that it is no longer than `room` and no character is halved.
static size_t cut(qd_text text, size_t room) {
  if (text.len <= room) return text.len;
  while (room > 0 && (text.ptr[room] & 0xc0) == 0x80) room--;
  return room;
}

bool qd_next_line(struct qd_line *line, qd_text *rest, qd_text *whole) {
  if (line->ended) line->length = 0, line->ended = false;
  qd_text part = {rest->ptr, 0};
  while (part.len < rest->len && part.ptr[part.len] != '\n' && part.ptr[part.len] != '\r') part.len++;
  line->ended = part.len < rest->len;
  const size_t taken = part.len + (line->ended ? 1 : 0);
  const size_t kept = cut(part, sizeof line->bytes - line->length);
  if (kept > 0) memcpy(line->bytes + line->length, part.ptr, kept);
  line->length += kept;
  *rest = (qd_text){rest->ptr + taken, rest->len - taken};
  *whole = (qd_text){line->bytes, line->length};
  return line->ended;
}

// --- updates --------------------------------------------------------------------------

static qd_text copied(qd_text text) {
  if (text.len == 0) return (qd_text){0};
  qd_text copy = {malloc(text.len), text.len};
  if (copy.ptr == NULL) abort();
  memcpy(copy.ptr, text.ptr, text.len);
  return copy;
}

qd_update *qd_report(qd_updates *updates, qd_text label) {
  updates->ptr = qd_grown(updates->ptr, updates->len, sizeof *updates->ptr);
  qd_update *update = &updates->ptr[updates->len++];
  *update = (qd_update){.label = copied(label), .status = EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_STATUS_RUNNING};
  return update;
}

void qd_item(qd_update *update, qd_text name) {
  free(update->item.ptr);
  update->item = copied(name);
}

void qd_percent(qd_update *update, double percent) {
  update->percent.is_some = true;
  update->percent.val = percent;
}

void qd_count(qd_update *update, uint64_t completed, uint64_t total) {
  update->completed.is_some = update->total.is_some = true;
  update->completed.val = completed;
  update->total.val = total;
  if (total > 0) qd_percent(update, (double)completed * 100 / (double)total);
}

void qd_free_updates(qd_updates *updates) {
  for (size_t at = 0; at < updates->len; at++) {
    free(updates->ptr[at].item.ptr);
    free(updates->ptr[at].label.ptr);
  }
  free(updates->ptr);
  *updates = (qd_updates){0};
}
