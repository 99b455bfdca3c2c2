"""Checkpoints of the audit chain: signed notes of its head, kept outside the database.

Whoever can write to the database can cut the chain short or compute it anew; nobody without the
key can make an older note of another head.
"""

from collections.abc import Callable
from typing import Protocol


class CheckpointKey(Protocol):
    """Signs with the deployment's own key, and checks signatures of any key."""

    @property
    def public_key(self) -> str:
        """What an auditor needs in order to check: no secret."""
        ...

    def sign(self, message: bytes) -> str: ...

    def verifies(self, message: bytes, *, signature: str, public_key: str) -> bool:
        """Whether this key signed the message; false also for what is no signature or no key."""
        ...


class CheckpointFile(Protocol):
    """Lines that are only ever appended, each on disk before `append` returns."""

    def lines(self) -> list[str]:
        """Every complete line, oldest first; none when there is no file yet."""
        ...

    def append(self, make: Callable[[str | None], str | None]) -> str | None:
        """Append what `make` makes of the newest line; None appends nothing.

        No other process appends meanwhile. Raises: OSError.
        """
        ...
