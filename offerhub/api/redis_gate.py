"""Redis for limits and locks, with a way on when it is away.

A failed call opens a short pause in which Redis is not asked at all, so that an outage costs one
time-out now and then and not one per request.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError

from offerhub.logs import get_logger

T = TypeVar("T")
PAUSE_S: Final = 2.0
_log = get_logger(__name__)


class RedisGate:
    """`client` may be None: then Redis is always away."""

    def __init__(self, client: Any, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._away_until = 0.0
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        return self._client

    def call(self, action: Callable[[Any], T], *, away: Callable[[], T]) -> T:
        """`action(client)`, or `away()` while Redis cannot be used."""
        if self._client is None or self._monotonic() < self._away_until:
            return away()
        try:
            return action(self._client)
        except (RedisError, OSError) as error:
            with self._lock:
                first = self._monotonic() >= self._away_until
                self._away_until = self._monotonic() + PAUSE_S
            if first:
                _log.warning("redis.away", error=type(error).__name__)
            return away()
