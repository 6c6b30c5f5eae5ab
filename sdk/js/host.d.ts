/** What a policy other than an approver may ask of the host. An approver that imports this is refused. */

/** Writes a line to the host's log, under the policy's name. */
export function log(level: "debug" | "info" | "warn" | "error", message: string): void;

/** Milliseconds since the Unix epoch. */
export function nowMs(): bigint;
