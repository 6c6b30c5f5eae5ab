// Keeps each kind of task on the worker where that kind ran before, because its caches
// are warm there, and otherwise takes the worker with the most room. What it remembers
// travels in `state`, whose first byte is a version.

import { distributor } from "quarterdeck-sdk";

const STATE_VERSION = 1;

export const { configuration, distribute } = distributor({
  distribute(batch) {
    const homes = remembered(batch.state);
    const rooms = batch.workers.map(({ sessionId, running, capacity }) => ({ sessionId, room: capacity - running }));
    let limit = batch.limit - batch.running;
    const plan = { assignments: [], waits: [], state: new Uint8Array() };
    for (const { id: taskId, kind, openDependencies } of batch.tasks) {
      const worker = choose(rooms, homes.get(kind));
      if (openDependencies.length > 0) {
        plan.waits.push({ taskId, reason: "It depends on tasks that have not completed." });
      } else if (limit <= 0) {
        plan.waits.push({ taskId, reason: "As many tasks run as may." });
      } else if (!worker) {
        plan.waits.push({ taskId, reason: "Every worker is busy." });
      } else {
        plan.assignments.push({ taskId, sessionId: worker.sessionId });
        worker.room -= 1;
        limit -= 1;
        homes.set(kind, worker.sessionId);
      }
    }
    plan.state = written(homes);
    return plan;
  },
});

/** The worker that the kind is at home at, if it has room; else the one with the most, the first of equals. */
function choose(rooms, home) {
  const free = rooms.filter(({ room }) => room > 0);
  return (
    free.find(({ sessionId }) => sessionId === home) ??
    free.reduce((best, next) => (best && best.room >= next.room ? best : next), undefined)
  );
}

function remembered(state) {
  if (state[0] !== STATE_VERSION) return new Map();
  return new Map(JSON.parse(new TextDecoder().decode(state.subarray(1))));
}

function written(homes) {
  const json = new TextEncoder().encode(JSON.stringify([...homes]));
  return Uint8Array.of(STATE_VERSION, ...json);
}
