"""`Prefer: wait=N` (RFC 7240): hold the answer of long work until it has ended, at most N seconds.

The work itself was committed before the wait begins, with the interim answer kept; a client that
goes away while it waits loses nothing. What it is told in the end replaces the kept answer.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any, Final

from flask import request

from offerhub.api import envelope
from offerhub.api.access import waits_of
from offerhub.api.edge import edge
from offerhub.api.state import current_context, state
from offerhub.services import idempotency
from offerhub.services.idempotency import Answer

MAX_WAIT_S: Final = 60
_POLL_S: Final = 0.25

# States that pass by themselves once a provider has answered, with no operation pending any more.
INTERIM: Final = frozenset({"TOPUP_CREATED", "WITHDRAWAL_COMMITTED", "WITHDRAWAL_PENDING"})
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", re.IGNORECASE)


def wanted_s(prefer: str | None) -> int:
    """Seconds that the client prefers to wait, 0 when it does not."""
    match = _WAIT.search(prefer or "")
    return min(int(match[1]), MAX_WAIT_S) if match else 0


def until_final(view: Callable[..., Any], answer: Answer) -> Answer:
    """The final answer of a view that `waits`, or the interim one when the time is over first."""
    read = waits_of(view)
    seconds = wanted_s(request.headers.get("Prefer"))
    if read is None or seconds == 0 or answer.replayed or answer.status != 202:
        return answer
    first = json.loads(answer.body)["data"]
    deadline = time.monotonic() + seconds
    now, app = state(), edge().app
    while time.monotonic() < deadline:
        shown = read(current_context(), first["id"])
        if _has_ended(shown):
            shown = {name: shown[name] for name in first}  # reading one may show more
            body = envelope.success(shown, request_id=now.request_id, now_ms=app.now_ms())
            final = Answer(200, body)
            if now.claim is not None:
                idempotency.replace(app, now.claim, final)
            return final
        time.sleep(_POLL_S)
    return answer


def _has_ended(shown: dict[str, Any]) -> bool:
    """Whether nothing more will happen by itself: done, or stuck and in need of an operator."""
    operation = shown.get("operation")
    if operation is not None and operation["status"] == "PENDING":
        return False
    return shown["status"] not in INTERIM
