// The parser on this machine; the component is held to ../cases.toml by tests/sdk/run.
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "progress_parser.h"

static void feed(qd_parser *parser, const char *text, size_t length, qd_updates *updates) {
  qd_piece piece = {.tag = EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_PIECE_TEXT};
  piece.val.text = (qd_text){(uint8_t *)(uintptr_t)text, length};
  policy_feed(parser, &(qd_chunk){&piece, 1}, updates);
}

static void end(qd_parser *parser, int32_t status, qd_updates *updates) {
  qd_piece piece = {.tag = EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_PIECE_COMMAND_END};
  piece.val.command_end.is_some = true;
  piece.val.command_end.val = status;
  policy_feed(parser, &(qd_chunk){&piece, 1}, updates);
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  const qd_session session = {.id = qd_text_of("test")};
  const char whole[] = "building\n[1/4] Compiling a.c\r[2/4] Compiling b.c\n";
  for (size_t cut = 0; cut < sizeof whole; cut++) {
    qd_parser *parser = policy_parser(&session);
    qd_updates updates = {0};
    feed(parser, whole, cut, &updates);
    feed(parser, whole + cut, sizeof whole - 1 - (cut < sizeof whole - 1 ? cut : sizeof whole - 1), &updates);
    assert(updates.len == 2 && updates.ptr[1].percent.val == 50);
    assert(qd_equals(updates.ptr[0].label, "Compiling a.c"));
    qd_free_updates(&updates);

    end(parser, 1, &updates);
    assert(updates.len == 1 && updates.ptr[0].status == EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_STATUS_FAILED);
    end(parser, 0, &updates);
    assert(updates.len == 1);
    qd_free_updates(&updates);
    policy_forget(parser);
  }

  // A line without end is cut, and no character is halved.
  qd_parser *parser = policy_parser(&session);
  qd_updates updates = {0};
  feed(parser, "[1/2] x", 7, &updates);
  for (size_t times = 0; times < 5000; times++) feed(parser, "é", strlen("é"), &updates);
  feed(parser, "\n", 1, &updates);
  assert(updates.len == 1 && updates.ptr[0].label.len == QD_LONGEST_LINE - strlen("[1/2] ") - 1);
  qd_free_updates(&updates);
  policy_forget(parser);
  puts("ok");
  return 0;
}
