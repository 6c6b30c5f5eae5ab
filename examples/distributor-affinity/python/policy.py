"""Keeps each kind of task on the worker where that kind ran before, because its caches are warm there.

Otherwise it takes the worker with the most room. What it remembers travels in `state`, whose first byte is a version.
"""

import json

from quarterdeck_sdk.distributor import Assignment, Batch, NoConfig, Plan, Waiting, distributor

STATE_VERSION = 1


class Affinity:
    """The strategy."""

    def __init__(self, _config: NoConfig) -> None:
        pass

    def distribute(self, batch: Batch) -> Plan:
        homes = remembered(batch.state)
        room = {worker.session_id: worker.capacity - worker.running for worker in batch.workers}
        limit = batch.limit - batch.running
        plan = Plan(assignments=[], waits=[], state=b"")
        for task in batch.tasks:
            worker = choose(room, homes.get(task.kind))
            if task.open_dependencies:
                plan.waits.append(Waiting(task.id, "It depends on tasks that have not completed."))
            elif limit <= 0:
                plan.waits.append(Waiting(task.id, "As many tasks run as may."))
            elif worker is None:
                plan.waits.append(Waiting(task.id, "Every worker is busy."))
            else:
                plan.assignments.append(Assignment(task.id, worker))
                room[worker] -= 1
                limit -= 1
                homes[task.kind] = worker
        plan.state = bytes([STATE_VERSION]) + json.dumps(homes).encode()
        return plan


def choose(room: dict[str, int], home: str | None) -> str | None:
    """The worker that the kind is at home at, if it has room; else the one with the most, the first of equals."""
    if home is not None and room.get(home, 0) > 0:
        return home
    roomiest = max(room, key=room.__getitem__, default=None)
    return roomiest if roomiest is not None and room[roomiest] > 0 else None


def remembered(state: bytes) -> dict[str, str]:
    """What an earlier plan left; what another version wrote is forgotten."""
    if state[:1] != bytes([STATE_VERSION]):
        return {}
    return json.loads(state[1:])


Configuration, Distribute = distributor(Affinity)
