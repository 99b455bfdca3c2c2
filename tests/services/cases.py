"""What a case of the crash and fault tests is: how it begins, what it passes, how it must end.

Not here: the cases themselves (`flow_cases`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from offerhub.services.flows.registry import FLOWS
from offerhub.store import operations as operations_store
from offerhub.store.database import connection
from tests.services.world import World


@dataclass
class Subject:
    """What a case works on. `operation_id` is the operation under test."""

    id: str
    buyer: dict[str, Any] = field(default_factory=dict)
    seller: dict[str, Any] = field(default_factory=dict)
    operation_id: str = ""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """arrange makes what is there before; ask records the operation; settled looks at the end."""

    name: str
    kind: str
    arrange: Callable[[World], Subject]
    ask: Callable[[World, Subject], None]
    settled: Callable[[World, Subject], None]
    skipped: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()  # where the steps follow from the subject

    @property
    def steps(self) -> tuple[str, ...]:
        return self.planned or tuple(step.name for step in FLOWS[self.kind].steps)

    def begin(self, world: World) -> Subject:
        """Arrange and ask; the operation waits for a worker."""
        subject = self.arrange(world)
        self.ask(world, subject)
        with connection():
            pending = [
                row
                for row in operations_store.listed(status="PENDING", limit=100, cursor=None).rows
                if row.kind == self.kind
            ]
        assert len(pending) == 1, [row.kind for row in pending]
        subject.operation_id = pending[0].id
        return subject

    def check(self, world: World, subject: Subject) -> None:
        """The operation succeeded, nothing is left over, the effect happened once, books agree."""
        with connection():
            operation = operations_store.get(subject.operation_id)
            assert operation is not None
            assert operation.status == "SUCCEEDED", (operation.status, operation.last_error)
            steps = operations_store.steps_of(operation.id)
            assert operations_store.Claim.select().count() == 0, "a signer is still claimed"
        assert {step.status for step in steps} <= {"SUCCEEDED", "EXPIRED"}
        self.settled(world, subject)
        world.check()
