"""What the finders hand back: differences, and what was and was not looked at.

Nothing here reads or writes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from offerhub.domain.differences import Difference
from offerhub.ports.errors import ProviderFailure

GRACE_MS = 600_000  # what is younger is under way: webhooks are late, and looks take their turn


@dataclass(frozen=True, slots=True)
class Found:
    """One difference, found twice. ours, theirs: stroops, None where it is not about an amount.

    `place` says where theirs was seen. `repair` puts it right where that is provably safe, and
    answers whether it did; it commits by itself.
    """

    kind: Difference
    subject_type: str
    subject: str
    place: str
    ours: int | None = None
    theirs: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    user_ids: tuple[str, ...] = ()
    repair: Callable[[], bool] | None = None


@dataclass(slots=True)
class Section:
    """One part of a run: how many were looked at, of how many, and what could not be asked.

    `moving` are those that did not stand still while they were looked at: they prove nothing, and
    the next run looks again.
    """

    name: str
    checked: int = 0
    total: int = 0
    moving: int = 0
    unreachable: int = 0
    notes: list[str] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)

    def failed(self, what: str, failure: ProviderFailure) -> None:
        """A provider could not be asked about something."""
        self.unreachable += 1
        if len(self.notes) < 5:
            self.notes.append(f"{what}: {failure.message[:200]}")

    def shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "checked": self.checked,
            "total": self.total,
            "moving": self.moving,
            "unreachable": self.unreachable,
            "differing": len(self.found),
            "notes": list(self.notes),
        }
