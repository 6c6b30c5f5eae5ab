// The conveniences of text.h. Nothing here knows WebAssembly, so that a test of a policy
// can be compiled for the machine it runs on.
#ifndef QD_HEADER
#define QD_HEADER "approver.h"
#endif
#include QD_HEADER

#include <stdlib.h>
#include <string.h>

static const char BLANKS[] = " \t\r\n";

// --- texts ----------------------------------------------------------------------------

qd_text qd_text_of(const char *literal) {
  // The bindings' texts are not const; nobody writes to them.
  qd_text text = {(uint8_t *)(uintptr_t)literal, strlen(literal)};
  return text;
}

bool qd_starts_with(qd_text text, const char *start) {
  size_t length = strlen(start);
  return text.len >= length && memcmp(text.ptr, start, length) == 0;
}

bool qd_ends_with(qd_text text, const char *end) {
  size_t length = strlen(end);
  return text.len >= length && memcmp(text.ptr + text.len - length, end, length) == 0;
}

bool qd_equals(qd_text text, const char *other) { return text.len == strlen(other) && qd_starts_with(text, other); }

bool qd_find(qd_text text, qd_text sought, qd_text *piece) {
  for (size_t at = 0; at + sought.len <= text.len; at++) {
    if (memcmp(text.ptr + at, sought.ptr, sought.len) != 0) continue;
    *piece = (qd_text){text.ptr + at, sought.len};
    return true;
  }
  return false;
}

static bool is_one_of(uint8_t byte, const char *set) { return byte != 0 && strchr(set, byte) != NULL; }

bool qd_next(qd_text *rest, const char *separators, qd_text *piece) {
  while (rest->len > 0 && is_one_of(*rest->ptr, separators)) rest->ptr++, rest->len--;
  *piece = (qd_text){rest->ptr, 0};
  while (rest->len > 0 && !is_one_of(*rest->ptr, separators)) rest->ptr++, rest->len--, piece->len++;
  return piece->len > 0;
}

qd_text qd_trimmed(qd_text text) {
  while (text.len > 0 && is_one_of(*text.ptr, BLANKS)) text.ptr++, text.len--;
  while (text.len > 0 && is_one_of(text.ptr[text.len - 1], BLANKS)) text.len--;
  return text;
}

static bool take_number(qd_text *text, double *number) {
  char digits[32] = {0};
  for (size_t at = 0; at < sizeof digits - 1 && text->len > 0 && is_one_of(*text->ptr, "+-.0123456789eE"); at++) {
    digits[at] = (char)*text->ptr++;
    text->len--;
  }
  char *end = digits;
  double value = strtod(digits, &end);
  if (end == digits || *end != 0) return false;
  *number = value;
  return true;
}

bool qd_number(qd_text text, double *number) {
  double value;
  if (!take_number(&text, &value) || text.len > 0) return false;
  *number = value;
  return true;
}

bool qd_whole_number(qd_text text, uint64_t *number) {
  // More digits may not fit.
  if (text.len == 0 || text.len > 19) return false;
  uint64_t value = 0;
  for (size_t at = 0; at < text.len; at++) {
    if (text.ptr[at] < '0' || text.ptr[at] > '9') return false;
    value = value * 10 + (uint64_t)(text.ptr[at] - '0');
  }
  *number = value;
  return true;
}

// --- lists ----------------------------------------------------------------------------

void *qd_grown(void *items, size_t length, size_t size) {
  // It grows at powers of two, so that nobody has to keep how large it is.
  if ((length & (length - 1)) != 0) return items;
  void *grown = realloc(items, (length == 0 ? 1 : length * 2) * size);
  if (grown == NULL) abort();
  return grown;
}

// --- configuration --------------------------------------------------------------------

// Writes the error of `qd_read_config`, which outlives the call.
static const char *error(qd_text key, const char *before, const char *after) {
  static char message[256];
  size_t at = 0;
  const qd_text parts[] = {qd_text_of(before), {key.ptr, key.len < 100 ? key.len : 100}, qd_text_of(after)};
  for (size_t part = 0; part < 3; part++) {
    size_t room = sizeof message - 1 - at;
    size_t length = parts[part].len < room ? parts[part].len : room;
    memcpy(message + at, parts[part].ptr, length);
    at += length;
  }
  message[at] = 0;
  return message;
}

static bool take(qd_text *json, const char *token) {
  while (json->len > 0 && is_one_of(*json->ptr, BLANKS)) json->ptr++, json->len--;
  if (!qd_starts_with(*json, token)) return false;
  json->ptr += strlen(token);
  json->len -= strlen(token);
  return true;
}

static void append_utf8(qd_text *text, unsigned long code) {
  if (code < 0x80) {
    text->ptr[text->len++] = (uint8_t)code;
  } else if (code < 0x800) {
    text->ptr[text->len++] = (uint8_t)(0xc0 | code >> 6);
    text->ptr[text->len++] = (uint8_t)(0x80 | (code & 0x3f));
  } else {
    text->ptr[text->len++] = (uint8_t)(0xe0 | code >> 12);
    text->ptr[text->len++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    text->ptr[text->len++] = (uint8_t)(0x80 | (code & 0x3f));
  }
}

// A JSON string, its escapes undone, in memory that is kept. The host escapes what it
// must alone: quotes, backslashes and control characters, never halves of a pair.
static bool take_string(qd_text *json, qd_text *string) {
  if (!take(json, "\"")) return false;
  // Undoing an escape never makes a text longer.
  *string = (qd_text){malloc(json->len + 1), 0};
  if (string->ptr == NULL) return false;
  for (; json->len > 0 && *json->ptr != '"'; json->ptr++, json->len--) {
    if (*json->ptr != '\\') {
      string->ptr[string->len++] = *json->ptr;
      continue;
    }
    if (json->len < 2) return false;
    json->ptr++, json->len--;
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *escape = memchr(escapes, *json->ptr, sizeof escapes - 1);
    if (escape != NULL) {
      string->ptr[string->len++] = (uint8_t)meanings[escape - escapes];
    } else if (*json->ptr == 'u' && json->len > 4) {
      const char digits[] = {(char)json->ptr[1], (char)json->ptr[2], (char)json->ptr[3], (char)json->ptr[4], 0};
      append_utf8(string, strtoul(digits, NULL, 16));
      json->ptr += 4, json->len -= 4;
    } else {
      return false;
    }
  }
  return take(json, "\"");
}

// Reads the value of a key into where it belongs.
static const char *read_value(qd_text *json, qd_text name, const struct qd_key *key) {
  if (key == NULL) return error(name, "unknown key `", "`");
  switch (key->type) {
    case QD_BOOL:
      *(bool *)key->into = take(json, "true");
      return *(bool *)key->into || take(json, "false") ? NULL : error(name, "`", "` has to be true or false");
    case QD_NUMBER:
      return take_number(json, key->into) ? NULL : error(name, "`", "` has to be a number");
    case QD_TEXT:
      return take_string(json, key->into) ? NULL : error(name, "`", "` has to be a text");
  }
  return error(name, "`", "` is of a type that the policy made up");
}

const char *qd_read_config(qd_text config, const struct qd_key *keys, size_t count) {
  const qd_text nothing = {config.ptr, 0};
  if (!take(&config, "{")) return error(nothing, "the configuration is not a table", "");
  while (!take(&config, "}")) {
    qd_text name;
    if (!take_string(&config, &name) || !take(&config, ":")) return error(nothing, "the configuration cannot be read", "");
    const struct qd_key *key = NULL;
    for (size_t at = 0; at < count; at++) {
      if (qd_equals(name, keys[at].name)) key = &keys[at];
    }
    const char *wrong = read_value(&config, name, key);
    free(name.ptr);
    if (wrong != NULL) return wrong;
    take(&config, ",");
  }
  return NULL;
}
