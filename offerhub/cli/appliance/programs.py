"""The table of processes that a deployment runs, in the order in which they start."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from offerhub.settings import Settings

MANAGER: Final = "manager"  # the process manager itself; it is not in its own table
VALKEY: Final = "valkey"
SANDBOX: Final = "sandbox"
API: Final = "api"


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process.

    command: arguments of `offerhub` (empty for Valkey, which is a program of its own).
    priority: lower starts earlier and stops later. stop_s: how long it may finish its work.
    """

    name: str
    command: tuple[str, ...]
    priority: int
    stop_s: int
    summary: str


_VALKEY: Final = Program(VALKEY, (), 10, 15, "wake-ups, locks and limits")
_SANDBOX: Final = Program(SANDBOX, ("sandbox",), 20, 10, "simulated providers")
_SERVER: Final = (
    Program(API, ("serve",), 30, 35, "the API"),
    Program("worker-critical", ("worker", "critical"), 40, 60, "money operations"),
    Program("worker-webhooks", ("worker", "webhooks"), 40, 60, "incoming webhooks"),
    Program("worker-deliveries", ("worker", "deliveries"), 40, 60, "outgoing webhooks"),
    Program("worker-maintenance", ("worker", "maintenance"), 40, 60, "sweeps, reconciliation"),
    Program("relay", ("relay",), 40, 15, "the order of events"),
    Program("deposits", ("deposits",), 40, 15, "reads the chain"),
    Program("scheduler", ("scheduler",), 50, 15, "the clock of recurring work"),
)
ALL: Final = (_VALKEY, _SANDBOX, *_SERVER)


def of(settings: "Settings") -> tuple[Program, ...]:
    """The programs that a deployment with these settings runs."""
    found = list(_SERVER)
    if settings.environment == "demo":
        found.insert(0, _SANDBOX)
    if settings.redis_embedded:
        found.insert(0, _VALKEY)
    return tuple(found)


def named(name: str) -> Program:
    """Raises: KeyError for a name that no deployment has."""
    return {program.name: program for program in ALL}[name]
