"""The changes that the console can ask for, as frozen targets: a list that moves cannot move them.

The idempotency key is made when the dialog opens, so a double submit has one effect.
"""

from dataclasses import dataclass, field
from uuid import uuid4


def _fresh_key() -> str:
    return f"tui-{uuid4()}"


@dataclass(frozen=True, kw_only=True)
class CreateKey:
    """Make an API key."""

    name: str
    scopes: tuple[str, ...]
    idempotency_key: str = field(default_factory=_fresh_key)

    @property
    def title(self) -> str:
        return f"create key {self.name}"


@dataclass(frozen=True, kw_only=True)
class RevokeKey:
    """End an API key and its tokens."""

    key_id: str
    name: str
    idempotency_key: str = field(default_factory=_fresh_key)

    @property
    def title(self) -> str:
        return f"revoke key {self.name}"


Change = CreateKey | RevokeKey
