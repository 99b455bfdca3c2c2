"""Wake-ups between processes: a courtesy, never a record."""

from typing import Protocol


class Doorbell(Protocol):
    """Rings are lost when Redis is away; a sweep finds the work a few seconds later."""

    def ring(self, name: str) -> None:
        """There is work. Names: operations, inbox, checks, deliveries, relay.

        Never raises, never waits long.
        """
        ...
