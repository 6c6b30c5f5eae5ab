// The records are those of the WIT package `quarterdeck:policy@0.1.0`: names in camel
// case, `option` as a value or `undefined`, 64-bit integers as `bigint`, a variant as
// `{ tag, val }`.

/** One named fact that this version of the package has no field for. */
export interface Attribute {
  name: string;
  value: string;
}

/** One terminal that the host owns or has attached to. */
export interface Session {
  /** Stable for the life of the session. */
  id: string;
  name: string;
  /** `pty`, `tmux` or `iterm2`. */
  backend: string;
  /** The shell's working directory, where the host knows it. */
  cwd?: string;
  /** Name of the program in the foreground, without its folder. */
  program?: string;
  prompt: "at-prompt" | "running" | "unknown";
  fullScreen: boolean;
  tags: string[];
  role?: string;
  team?: string;
  attributes: Attribute[];
}

/** Who asks. */
export interface Caller {
  /** `agent`, `human`, `task`, `recovery`, `playbook` or `hook`. */
  kind: string;
  agent?: string;
  client?: string;
  role?: string;
  /** The door it came through. */
  transport: string;
}

/** How far a command may go without being asked about. */
export type Tier = "safe" | "review" | "dangerous";

/** A piece of a text, in bytes of UTF-8, end exclusive: see `spanOf`. */
export interface Span {
  start: number;
  end: number;
}

/** What the sidecar's `[config]` may hold: every key with its default, whose type is the key's type. */
export type Defaults = Record<string, boolean | number | string | unknown[] | object>;

/** `false` as a default stands for a boolean, not for `false` alone. */
export type Configured<C> = {
  [K in keyof C]: C[K] extends boolean ? boolean : C[K] extends number ? number : C[K] extends string ? string : C[K];
};

interface Policy<C, S> {
  /** Leave out for a policy without configuration. */
  config?: C;
  /**
   * Called once, on loading; what it returns is handed to every call in place of
   * the configuration. Throw an `Error` to refuse a configuration: its message is
   * what the person who wrote the sidecar reads.
   */
  prepare?(config: Configured<C>): S;
}

/** The interface that every kind exports. */
export interface Configuration {
  configure(json: string): void;
}

// --- approver --------------------------------------------------------------------

export interface Request {
  /** What will run, or what is typed into a program; may span lines. */
  commandLine: string;
  entry: "command" | "typed" | "pasted" | "keys" | "hook";
  /** How sure the host is that `commandLine` is what will run. */
  certainty: "exact" | "typed" | "unknown";
  session: Session;
  caller: Caller;
  /** Command lines accepted in this session before, oldest first. */
  recent: string[];
  timeMs: bigint;
  attributes: Attribute[];
}

export interface Verdict {
  tier: Tier;
  /** One sentence for the person or agent whose command it is. */
  reason: string;
  /** A stable name of the rule that decided. */
  rule?: string;
  /** The piece of the command line that caused it. */
  span?: Span;
  /** What to do instead. */
  suggestion?: string;
}

export function approver<C extends Defaults = {}, S = Configured<C>>(
  policy: Policy<C, S> & { review(request: Request, state: S): Verdict },
): { configuration: Configuration; approve: { review(request: Request): Verdict } };

type More = Pick<Verdict, "rule" | "span" | "suggestion">;
/** It may run. */
export function safe(reason: string, more?: More): Verdict;
/** A person is to be asked. */
export function review(reason: string, more?: More): Verdict;
/** It is refused. */
export function dangerous(reason: string, more?: More): Verdict;

/** The span from index `start` to index `end` of a JavaScript string. */
export function spanOf(text: string, start: number, end: number): Span;

// --- distributor -----------------------------------------------------------------

export interface Task {
  id: string;
  /** `command`, `script` or `analysis`. */
  kind: string;
  priority: "low" | "medium" | "high";
  dependencies: string[];
  /** Of those, the ones that have not completed yet. */
  openDependencies: string[];
  waitingMs: bigint;
  estimateMs?: bigint;
  tags: string[];
  attributes: Attribute[];
}

/** A session that can run tasks. */
export interface Worker {
  sessionId: string;
  running: number;
  capacity: number;
  /** Between 0 (idle) and 1 (saturated). */
  load: number;
  tags: string[];
  attributes: Attribute[];
}

export interface Batch {
  /** Tasks not yet assigned, in order of submission. */
  tasks: Task[];
  workers: Worker[];
  /** How many tasks may run at once over all workers, running ones included. */
  limit: number;
  running: number;
  /** What the former call handed back; empty at first. */
  state: Uint8Array;
  timeMs: bigint;
}

/** Every task of the batch is in `assignments` or in `waits`, once. */
export interface Plan {
  assignments: { taskId: string; sessionId: string }[];
  waits: { taskId: string; reason: string }[];
  /** Handed in with the next batch. At most 64 KiB; let the first byte be a version of yours. */
  state: Uint8Array;
}

export function distributor<C extends Defaults = {}, S = Configured<C>>(
  policy: Policy<C, S> & { distribute(batch: Batch, state: S): Plan },
): { configuration: Configuration; distribute: { distribute(batch: Batch): Plan } };

// --- progress parser -------------------------------------------------------------

/** What arrived. */
export type Piece =
  /** Output without escape sequences; may end in the middle of a line. */
  | { tag: "text"; val: string }
  | { tag: "prompt-start" }
  /** A command begins; its command line where known. */
  | { tag: "command-start"; val?: string }
  /** A command ended; its exit status where known. */
  | { tag: "command-end"; val?: number }
  /** OSC 9;4: state 0 none, 1 normal, 2 error, 3 indeterminate, 4 paused. */
  | { tag: "reported"; val: { state: number; percent?: number } };

export interface Update {
  /** Tells apart several things under way at once; empty for the whole. */
  item: string;
  label: string;
  status: "running" | "waiting" | "completed" | "failed";
  completed?: bigint;
  total?: bigint;
  /** Between 0 and 100. */
  percent?: number;
}

/** Reads the output of one session, from its first piece to its last. */
export interface SessionParser {
  feed(chunk: Piece[]): Update[];
}

export function progressParser<C extends Defaults = {}, S = Configured<C>>(
  policy: Policy<C, S> & { parser(session: Session, state: S): SessionParser },
): { configuration: Configuration; parseProgress: { Parser: new (session: Session) => SessionParser } };

// --- recovery --------------------------------------------------------------------

export interface Incident {
  id: string;
  cause: "exited" | "hung" | "backend-lost" | "awaits-person" | "errors" | "exhausted" | "requested";
  session: Session;
  detail: string;
  exitStatus?: number;
  /** The last lines on the screen. */
  screen: string[];
  /** Steps already taken for this incident. */
  attempts: number;
  maxAttempts: number;
  ageMs: bigint;
  /** Ids of sessions that could take over. */
  backups: string[];
  attributes: Attribute[];
}

export type Action =
  | { tag: "restart" }
  | { tag: "reset" }
  | { tag: "failover"; val: string }
  | { tag: "run"; val: string }
  | { tag: "wait" }
  | { tag: "give-up" };

export interface Decision {
  action: Action;
  reason: string;
  /** To wait before the action. */
  delayMs: bigint;
}

export function recovery<C extends Defaults = {}, S = Configured<C>>(
  policy: Policy<C, S> & { decide(incident: Incident, state: S): Decision },
): { configuration: Configuration; recover: { decide(incident: Incident): Decision } };
