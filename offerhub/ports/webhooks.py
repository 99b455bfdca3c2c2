"""Incoming webhooks: proof of origin, and what they point at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class SignatureInvalid(Exception):
    """Missing, malformed, stale, future or forged; `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerifiedWebhook:
    """A webhook that its sender signed. `code` is our id of the subject, when the body has one."""

    event_id: str
    event_type: str
    code: str | None


class WebhookVerifier(Protocol):
    """`configured` is false without a secret: then nothing is ever accepted."""

    @property
    def configured(self) -> bool: ...

    def verify(self, headers: Mapping[str, str], body: bytes, *, now_s: int) -> VerifiedWebhook:
        """Check the raw bytes. Raises: SignatureInvalid; ValueError for an unreadable body."""
        ...
