"""Time, handed in so that tests can hold it still."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The wall clock, in UTC. Order comes from sequences, never from here."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware time, as the store keeps times."""
    return int(moment.timestamp() * 1000)
