// Gives each task to the worker with the most room.

import { distributor } from "quarterdeck-sdk";

export const { configuration, distribute } = distributor({
  distribute(batch) {
    const rooms = batch.workers.map(({ sessionId, running, capacity }) => ({ sessionId, room: capacity - running }));
    let limit = batch.limit - batch.running;
    const plan = { assignments: [], waits: [], state: new Uint8Array() };
    for (const { id: taskId, openDependencies } of batch.tasks) {
      const worker = rooms.reduce((best, next) => (best && best.room >= next.room ? best : next), undefined);
      if (openDependencies.length > 0) {
        plan.waits.push({ taskId, reason: "It depends on tasks that have not completed." });
      } else if (limit > 0 && worker?.room > 0) {
        plan.assignments.push({ taskId, sessionId: worker.sessionId });
        worker.room -= 1;
        limit -= 1;
      } else {
        plan.waits.push({ taskId, reason: "There is no room." });
      }
    }
    return plan;
  },
});
