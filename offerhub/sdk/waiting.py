"""Waiting until a resource reaches a state: events say when to look, a read says what is so.

Events alone are never believed: a missed or late one cannot mislead, and each reconnection
looks again. Without a stream (a proxy that blocks it, no slot left) it polls.
"""

import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from offerhub.sdk.errors import UnexpectedState, WaitTimeout
from offerhub.sdk.models import Event
from offerhub.sdk.stream import EventStream, Reconnecting

FINAL_STATES = {
    "order": frozenset({"CLOSED"}),
    "dispute": frozenset({"RESOLVED"}),
    "topup": frozenset({"TOPUP_SUCCEEDED", "TOPUP_FAILED", "TOPUP_CANCELED"}),
    "withdrawal": frozenset({"WITHDRAWAL_COMPLETED", "WITHDRAWAL_FAILED", "WITHDRAWAL_CANCELED"}),
}
"""Where nothing more is expected. A canceled top-up may yet succeed late; waiting ends there."""

LOOK_AGAIN_S = 2.0


class _Resource(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...


R = TypeVar("R", bound=_Resource)


def wait_for(
    read: Callable[[], R],
    *,
    kind: str,
    states: Collection[str],
    timeout_s: float,
    open_stream: Callable[[], EventStream],
) -> R:
    """The resource, once its status is one of `states`.

    Blocks for at most `timeout_s` and the time of one read.
    Raises: WaitTimeout; UnexpectedState when it ended elsewhere; what the reads raise.
    """
    wanted = frozenset(states)
    deadline = time.monotonic() + timeout_s
    resource = read()
    if _done(resource, kind=kind, wanted=wanted):
        return resource
    stream = open_stream()
    timer = threading.Timer(max(0.0, timeout_s), stream.close)
    timer.daemon = True
    timer.start()
    try:
        for item in stream:
            if isinstance(item, Event) and item.aggregate_id != resource.id:
                continue
            resource = read()
            if _done(resource, kind=kind, wanted=wanted):
                return resource
            if isinstance(item, Reconnecting):
                break
    finally:
        timer.cancel()
        stream.close()
    while True:  # the time is up, or there is no stream to be had: look now and then
        pause_s = min(LOOK_AGAIN_S, deadline - time.monotonic())
        if pause_s > 0:
            time.sleep(pause_s)
        resource = read()
        if _done(resource, kind=kind, wanted=wanted):
            return resource
        if time.monotonic() >= deadline:
            break
    raise WaitTimeout(
        f"{kind} {resource.id} is {resource.status} after {timeout_s:g} s, "
        f"not {' or '.join(sorted(wanted))}",
        resource=resource,
    )


def _done(resource: _Resource, *, kind: str, wanted: frozenset[str]) -> bool:
    if resource.status in wanted:
        return True
    if resource.status in FINAL_STATES[kind]:
        raise UnexpectedState(
            f"{kind} {resource.id} ended as {resource.status}, not {' or '.join(sorted(wanted))}",
            resource=resource,
        )
    return False
