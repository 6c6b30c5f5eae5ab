// The kinds of policy, as functions: each takes what is yours and gives the
// interfaces that a component of that kind exports. README.md shows them at work,
// index.d.ts says what everything holds.

/** Judges what is about to run in a session. */
export function approver(policy) {
  const state = configurable(policy);
  return {
    configuration: state.configuration,
    approve: { review: (request) => policy.review(request, state.value) },
  };
}

/** Decides which worker runs which task. */
export function distributor(policy) {
  const state = configurable(policy);
  return {
    configuration: state.configuration,
    distribute: { distribute: (batch) => policy.distribute(batch, state.value) },
  };
}

/** Tells how far a running program is. */
export function progressParser(policy) {
  const state = configurable(policy);
  class Parser {
    #parser;
    constructor(session) {
      this.#parser = policy.parser(session, state.value);
    }
    feed(chunk) {
      return this.#parser.feed(chunk);
    }
  }
  return { configuration: state.configuration, parseProgress: { Parser } };
}

/** Decides what is done about a session with which something went wrong. */
export function recovery(policy) {
  const state = configurable(policy);
  return {
    configuration: state.configuration,
    recover: { decide: (incident) => policy.decide(incident, state.value) },
  };
}

/** It may run. */
export const safe = (reason, more) => verdict("safe", reason, more);
/** A person is to be asked. */
export const review = (reason, more) => verdict("review", reason, more);
/** It is refused. */
export const dangerous = (reason, more) => verdict("dangerous", reason, more);

function verdict(tier, reason, { rule, span, suggestion } = {}) {
  return { tier, reason, rule, span, suggestion };
}

/**
 * The span of `text` from index `start` to index `end`. Indices of a JavaScript
 * string count UTF-16 units; spans count bytes of UTF-8.
 */
export function spanOf(text, start, end) {
  const bytes = utf8Length(text.slice(0, start));
  return { start: bytes, end: bytes + utf8Length(text.slice(start, end)) };
}

function utf8Length(text) {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** What `configure` leaves behind, and `configure` itself. */
function configurable({ config: defaults = {}, prepare = (config) => config }) {
  const state = {
    value: undefined,
    configuration: {
      configure(json) {
        try {
          state.value = prepare(configured(defaults, JSON.parse(json)));
        } catch (error) {
          // In a component the text of `result<_, string>` is thrown bare.
          throw error instanceof Error ? error.message : String(error);
        }
      },
    },
  };
  return state;
}

/** `defaults` with what the sidecar says in their place; a default's type is the key's type. */
function configured(defaults, given) {
  const config = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, key)) {
      const known = Object.keys(defaults).map((name) => `\`${name}\``);
      throw new Error(
        `unknown key \`${key}\`; ${known.length ? `there is ${known.join(", ")}` : "this policy has no configuration"}`,
      );
    }
    const [wanted, found] = [typeOf(defaults[key]), typeOf(value)];
    if (wanted !== found) {
      throw new Error(`\`${key}\` has to be ${wanted}, not ${found}`);
    }
    config[key] = value;
  }
  return config;
}

function typeOf(value) {
  if (Array.isArray(value)) return "a list";
  return { boolean: "true or false", number: "a number", string: "a text" }[typeof value] ?? "a table";
}
