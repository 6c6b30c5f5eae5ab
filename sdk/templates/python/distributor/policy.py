"""Gives each task to the worker with the most room."""

from quarterdeck_sdk.distributor import Assignment, Batch, NoConfig, Plan, Waiting, distributor


class Policy:
    """The strategy."""

    def __init__(self, _config: NoConfig) -> None:
        pass

    def distribute(self, batch: Batch) -> Plan:
        room = {worker.session_id: worker.capacity - worker.running for worker in batch.workers}
        limit = batch.limit - batch.running
        plan = Plan(assignments=[], waits=[], state=b"")
        for task in batch.tasks:
            roomiest = max(room, key=room.__getitem__, default="")
            if task.open_dependencies:
                plan.waits.append(Waiting(task.id, "It depends on tasks that have not completed."))
            elif limit > 0 and room.get(roomiest, 0) > 0:
                plan.assignments.append(Assignment(task.id, roomiest))
                room[roomiest] -= 1
                limit -= 1
            else:
                plan.waits.append(Waiting(task.id, "There is no room."))
        return plan


Configuration, Distribute = distributor(Policy)
