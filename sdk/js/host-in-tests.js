// Stands in for the host where there is none: in tests that run in Node.
export const log = (level, message) => console.error(`${level}: ${message}`);
export const nowMs = () => BigInt(Date.now());
