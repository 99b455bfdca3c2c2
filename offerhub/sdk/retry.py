"""When a request is tried again, and after how long. Pure: time and chance are passed in.

Only requests that are safe to repeat come here: reads, and mutations with an idempotency key.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from offerhub.sdk.errors import ApiError

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
RETRIED_CODES = frozenset({"IDEMPOTENCY_KEY_IN_PROGRESS"})


@dataclass(frozen=True)
class Backoff:
    """Doubling pauses with full jitter in their upper half.

    `cap_s` also bounds how long a server's Retry-After is obeyed: a longer one is not waited
    for, the error goes to the caller at once.
    """

    first_s: float = 0.25
    cap_s: float = 30.0
    chance: Callable[[], float] = field(default=random.random)
    sleep: Callable[[float], None] = field(default=time.sleep)

    def pause_s(self, attempt: int) -> float:
        """Seconds before attempt number `attempt` + 1, counted from 1."""
        whole = min(self.cap_s, self.first_s * 2.0 ** min(attempt - 1, 30))
        return whole * (0.5 + 0.5 * self.chance())


def pause_after(error: ApiError, *, attempt: int, backoff: Backoff) -> float | None:
    """Seconds to wait before the same request may be sent again; None when it should not be.

    A code that the catalogue calls final (such as a provider's refusal) is never repeated.
    """
    if error.status not in RETRIED_STATUSES and error.code not in RETRIED_CODES:
        return None
    if error.retry != "later":
        return None
    if error.retry_after_s is None:
        return backoff.pause_s(attempt)
    return error.retry_after_s if error.retry_after_s <= backoff.cap_s else None


def read_retry_after(text: str | None, *, now_s: float) -> float | None:
    """Seconds of a Retry-After header, in either of its forms; None when absent or unreadable.

    now_s: epoch seconds. Source: RFC 9110, section 10.2.3.
    """
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": UTC, and not this machine's zone
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now_s)
