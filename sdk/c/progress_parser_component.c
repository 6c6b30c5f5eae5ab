// Joins a policy to the generated bindings: only in the component, never in a test.
#include "progress_parser.h"

typedef exports_quarterdeck_policy_parse_progress_parser_t resource;

bool exports_quarterdeck_policy_configuration_configure(progress_parser_string_t *config, progress_parser_string_t *err) {
  const char *wrong = policy_configure(*config);
  if (wrong == NULL) return true;
  progress_parser_string_dup(err, wrong);
  return false;
}

exports_quarterdeck_policy_parse_progress_own_parser_t exports_quarterdeck_policy_parse_progress_constructor_parser(
    qd_session *session) {
  qd_parser *parser = policy_parser(session);
  exports_quarterdeck_policy_parse_progress_session_free(session);
  return exports_quarterdeck_policy_parse_progress_parser_new((resource *)parser);
}

void exports_quarterdeck_policy_parse_progress_method_parser_feed(resource *self, qd_chunk *chunk, qd_updates *updates) {
  *updates = (qd_updates){0};
  // The texts of updates are copies of their own: the bindings free them.
  policy_feed((qd_parser *)self, chunk, updates);
  exports_quarterdeck_policy_parse_progress_list_piece_free(chunk);
}

void exports_quarterdeck_policy_parse_progress_parser_destructor(resource *self) { policy_forget((qd_parser *)self); }
