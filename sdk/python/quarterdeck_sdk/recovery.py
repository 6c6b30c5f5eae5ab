"""What is done about a broken session: kind `recovery`."""

from typing import Any, Callable, Protocol

from wit_world.exports.recover import (
    Action_Failover,
    Action_GiveUp,
    Action_Reset,
    Action_Restart,
    Action_Run,
    Action_Wait,
    Cause,
    Decision,
    Incident,
)

from .configuration import Configured, NoConfig

__all__ = [
    "Action_Failover", "Action_GiveUp", "Action_Reset", "Action_Restart", "Action_Run", "Action_Wait", "Cause",
    "Decision", "Incident", "NoConfig", "Recovery", "recovery",
]  # fmt: skip


class Recovery(Protocol):
    """Decides what is done about a session with which something went wrong."""

    def decide(self, incident: Incident) -> Decision:
        """Chooses the next step; asked again after each that did not mend it, with `attempts` one higher."""
        ...


def recovery(make: Callable[[Any], Recovery], config: type = NoConfig) -> tuple[type, type]:
    """The interfaces that the component exports: `Configuration, Recover = recovery(Policy, Config)`."""
    configured = Configured(make, config)

    class Recover:
        def decide(self, incident: Incident) -> Decision:
            return configured.policy.decide(incident)

    return configured.interface(), Recover
