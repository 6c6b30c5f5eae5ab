// Keeps each kind of task on the worker where that kind ran before, because its caches
// are warm there, and otherwise takes the worker with the most room. What it remembers
// travels in `state`, whose first byte is a version.
#include "distributor.h"

#include <stdlib.h>
#include <string.h>

enum { STATE_VERSION = 1, MOST_KINDS = 64 };

// Which worker ran each kind last. As state: after the version a kind and a worker in
// turn, each ended by a zero.
struct homes {
  qd_text kinds[MOST_KINDS], workers[MOST_KINDS];
  size_t count;
};

static bool same(qd_text a, qd_text b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

// Where the kind is at home; with room for a new one if there is any.
static qd_text *home_of(struct homes *homes, qd_text kind) {
  for (size_t at = 0; at < homes->count; at++) {
    if (same(homes->kinds[at], kind)) return &homes->workers[at];
  }
  if (homes->count == MOST_KINDS) return NULL;
  homes->kinds[homes->count] = kind;
  homes->workers[homes->count] = (qd_text){kind.ptr, 0};
  return &homes->workers[homes->count++];
}

// A text up to the next zero, and past it; false where none is left.
static bool take_text(const uint8_t **at, const uint8_t *end, qd_text *text) {
  if (*at == end) return false;
  const uint8_t *zero = memchr(*at, 0, (size_t)(end - *at));
  if (zero == NULL) return false;
  *text = (qd_text){(uint8_t *)(uintptr_t)*at, (size_t)(zero - *at)};
  *at = zero + 1;
  return true;
}

static struct homes remembered(const uint8_t *state, size_t length) {
  struct homes homes = {.count = 0};
  if (length == 0 || state[0] != STATE_VERSION) return homes;
  const uint8_t *at = state + 1, *end = state + length;
  while (homes.count < MOST_KINDS && take_text(&at, end, &homes.kinds[homes.count]) &&
         take_text(&at, end, &homes.workers[homes.count])) {
    homes.count++;
  }
  return homes;
}

static uint8_t *put(uint8_t *at, qd_text text) {
  if (text.len > 0) memcpy(at, text.ptr, text.len);
  at[text.len] = 0;
  return at + text.len + 1;
}

static void remember(qd_plan *plan, const struct homes *homes) {
  size_t length = 1;
  for (size_t at = 0; at < homes->count; at++) length += homes->kinds[at].len + homes->workers[at].len + 2;
  uint8_t *state = malloc(length), *end = state + 1;
  if (state == NULL) abort();
  state[0] = STATE_VERSION;
  for (size_t at = 0; at < homes->count; at++) end = put(put(end, homes->kinds[at]), homes->workers[at]);
  qd_remember(plan, state, length);
  free(state);
}

const char *policy_configure(qd_text config) { return qd_read_config(config, NULL, 0); }

// The worker that the kind is at home at, if it has room; else the one with the most, the
// first of equals.
static qd_worker *choose(const qd_batch *batch, const qd_text *home) {
  qd_worker *best = NULL;
  for (size_t at = 0; at < batch->workers.len; at++) {
    qd_worker *worker = &batch->workers.ptr[at];
    if (qd_room(worker) == 0) continue;
    if (home != NULL && same(worker->session_id, *home)) return worker;
    if (best == NULL || qd_room(worker) > qd_room(best)) best = worker;
  }
  return best;
}

qd_plan policy_distribute(const qd_batch *batch) {
  struct homes homes = remembered(batch->state.ptr, batch->state.len);
  qd_plan plan = {0};
  uint32_t limit = qd_room_of_all(batch);
  for (size_t at = 0; at < batch->tasks.len; at++) {
    const qd_task *task = &batch->tasks.ptr[at];
    if (!qd_is_ready(task)) {
      qd_let_wait(&plan, task, "It depends on tasks that have not completed.");
      continue;
    }
    if (limit == 0) {
      qd_let_wait(&plan, task, "As many tasks run as may.");
      continue;
    }
    qd_text *home = home_of(&homes, task->kind);
    qd_worker *worker = choose(batch, home);
    if (worker == NULL) {
      qd_let_wait(&plan, task, "Every worker is busy.");
      continue;
    }
    qd_assign(&plan, task, worker);
    worker->running++;
    limit--;
    if (home != NULL) *home = worker->session_id;
  }
  remember(&plan, &homes);
  return plan;
}
