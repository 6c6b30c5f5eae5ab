#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "progress_parser.h"

static qd_updates feed(qd_parser *parser, const char *text) {
  qd_piece piece = {.tag = EXPORTS_QUARTERDECK_POLICY_PARSE_PROGRESS_PIECE_TEXT, .val.text = qd_text_of(text)};
  qd_chunk chunk = {&piece, 1};
  qd_updates updates = {0};
  policy_feed(parser, &chunk, &updates);
  return updates;
}

int main(void) {
  assert(policy_configure(qd_text_of("{}")) == NULL);
  qd_session session = {.id = qd_text_of("test")};
  qd_parser *parser = policy_parser(&session);
  assert(feed(parser, "copying 4").len == 0);
  qd_updates updates = feed(parser, "2%\r");
  assert(updates.len == 1 && qd_equals(updates.ptr[0].label, "copying"));
  assert(updates.ptr[0].percent.is_some && updates.ptr[0].percent.val == 42);
  qd_free_updates(&updates);
  assert(feed(parser, "100% sure\n 300%\nhalf%\n").len == 0);
  policy_forget(parser);
  puts("ok");
  return 0;
}
