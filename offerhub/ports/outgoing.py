"""Outgoing webhooks: one signed request to an address that somebody else chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class AddressRefused(ValueError):
    """The URL is malformed, not https, or leads to a private or reserved network."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the receiver said. `status` None: nothing came back, and `error` says why."""

    status: int | None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookSender(Protocol):
    def check(self, url: str) -> None:
        """Whether a webhook may be sent there at all, by its form and its addresses now.

        Raises: AddressRefused.
        """
        ...

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answered:
        """One attempt; never follows a redirect, never raises for the receiver's faults."""
        ...
