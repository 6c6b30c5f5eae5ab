"""Strategies for handing out tasks: kind `distributor`."""

from typing import Any, Callable, Protocol

from wit_world.exports.distribute import Assignment, Batch, Plan, Priority, Task, Waiting, Worker

from .configuration import Configured, NoConfig

__all__ = [
    "Assignment", "Batch", "Distributor", "NoConfig", "Plan", "Priority", "Task", "Waiting", "Worker", "distributor",
]  # fmt: skip


class Distributor(Protocol):
    """Decides which worker runs which task."""

    def distribute(self, batch: Batch) -> Plan:
        """Names every task of the batch once, in `assignments` or in `waits`.

        Nothing is remembered but the plan's `state`, which comes back with the next batch.
        """
        ...


def distributor(make: Callable[[Any], Distributor], config: type = NoConfig) -> tuple[type, type]:
    """The interfaces that the component exports: `Configuration, Distribute = distributor(Policy, Config)`."""
    configured = Configured(make, config)

    class Distribute:
        def distribute(self, batch: Batch) -> Plan:
            return configured.policy.distribute(batch)

    return configured.interface(), Distribute
