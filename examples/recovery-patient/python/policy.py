"""Restarts a session's program, waiting twice as long each time, the last one going to a backup."""

from dataclasses import dataclass

from quarterdeck_sdk.recovery import (
    Action_Failover,
    Action_GiveUp,
    Action_Reset,
    Action_Restart,
    Action_Wait,
    Cause,
    Decision,
    Incident,
    recovery,
)


@dataclass
class Config:
    """The sidecar's `[config]`."""

    first_delay_ms: int = 500
    """Before the second attempt; the first comes at once."""
    longest_delay_ms: int = 60_000
    """No delay is longer."""


class Patient:
    """The policy."""

    def __init__(self, config: Config) -> None:
        if config.first_delay_ms < 0:
            raise ValueError("`first-delay-ms` is negative")
        if config.first_delay_ms > config.longest_delay_ms:
            raise ValueError("`first-delay-ms` is longer than `longest-delay-ms`")
        self.config = config

    def decide(self, incident: Incident) -> Decision:
        if incident.cause == Cause.AWAITS_PERSON:
            return Decision(Action_Wait(), "Only a person can answer.", self.config.longest_delay_ms)
        if incident.attempts >= incident.max_attempts:
            return Decision(Action_GiveUp(), "Every attempt failed.", 0)
        if incident.attempts + 1 == incident.max_attempts and incident.backups:
            return Decision(Action_Failover(incident.backups[0]), f"{incident.attempts} attempts did not help.", 0)
        return self.try_again(incident)

    def try_again(self, incident: Incident) -> Decision:
        # A shell that hangs is still there: interrupt it before replacing it.
        interrupt = incident.cause == Cause.HUNG and incident.attempts == 0
        reason = f"Attempt {incident.attempts + 1} of {incident.max_attempts}."
        return Decision(Action_Reset() if interrupt else Action_Restart(), reason, self.delay_before(incident.attempts))

    def delay_before(self, attempts: int) -> int:
        if attempts == 0:
            return 0
        # Sixty-three doublings pass any delay.
        return min(self.config.first_delay_ms << min(attempts - 1, 63), self.config.longest_delay_ms)


Configuration, Recover = recovery(Patient, Config)
