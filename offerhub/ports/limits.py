"""Outbound limits that all processes share."""

from typing import Protocol


class OutboundLimiter(Protocol):
    def acquire(self, provider: str) -> None:
        """Take one call's permit, or raise `ports.errors.RateLimited` with `retry_after_s`."""
        ...
