"""Cases of the proof that need a whole deployment of real processes, and break it."""

import atexit
from collections.abc import Callable

from proof.plan import Plan, Result
from proof.rig.cases import kills, postgres_restarts, redis_lost, soak, two_at_once
from proof.rig.site import close_all

CASES: dict[str, Callable[[Plan], Result]] = {
    "F1": kills,
    "F3": redis_lost,
    "F4": postgres_restarts,
    "F11": two_at_once,
    "F28": soak,
}
atexit.register(close_all)

__all__ = ["CASES", "close_all"]
