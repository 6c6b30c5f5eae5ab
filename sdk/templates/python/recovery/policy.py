"""Restarts a session's program a few times, then gives up."""

from dataclasses import dataclass

from quarterdeck_sdk.recovery import Action_GiveUp, Action_Restart, Decision, Incident, recovery


@dataclass
class Config:
    """The sidecar's `[config]`."""

    delay_ms: int = 1000
    """Before each attempt."""


class Policy:
    """The policy."""

    def __init__(self, config: Config) -> None:
        if config.delay_ms < 0:
            raise ValueError("`delay-ms` is negative")
        self.delay_ms = config.delay_ms

    def decide(self, incident: Incident) -> Decision:
        if incident.attempts < incident.max_attempts:
            return Decision(Action_Restart(), "It may have been bad luck.", self.delay_ms)
        return Decision(Action_GiveUp(), "Every attempt failed.", 0)


Configuration, Recover = recovery(Policy, Config)
