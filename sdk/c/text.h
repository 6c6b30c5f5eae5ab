// Texts and configuration, for every kind. Included by the header of the kind, which says
// what a `qd_text` is: bytes of UTF-8, not ended by a zero.
#ifndef QUARTERDECK_TEXT_H
#define QUARTERDECK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// To be defined by the policy. Called once, on loading, with the sidecar's `[config]` as a
// JSON object: hand it to `qd_read_config`. NULL, or what is wrong, for the person who
// wrote the sidecar.
const char *policy_configure(qd_text config);

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

// Without the blanks around it.
qd_text qd_trimmed(qd_text text);

// Whether the text is a number, and nothing else. A whole number is digits alone.
bool qd_number(qd_text text, double *number);
bool qd_whole_number(qd_text text, uint64_t *number);

// A text of a literal.
qd_text qd_text_of(const char *literal);

// --- lists ----------------------------------------------------------------------------

// A list of `length` items of this size, with room for one more.
void *qd_grown(void *items, size_t length, size_t size);

#endif
