"""Who does the work that one process at a time may do: relay, deposit reader, scheduler.

The first two hold a lease in the database, with a token that rises with every new holder. The
scheduler has no lease: its instances say in Redis that they live, and before each tick one takes a
lock of a moment; the one that lives longest is shown, the others as its standbys.
Holders are named machine:process:…; nothing here is for people without the scope `admin`.
"""

from decimal import Decimal
from typing import Any, Final

from offerhub.services.representations import timestamp
from offerhub.store import leases as store
from offerhub.store.database import connection

LEASES: Final = ("relay", "deposits")
SCHEDULER: Final = "scheduler"
HELD: Final = "HELD"
FREE: Final = "FREE"
UNKNOWN: Final = "UNKNOWN"

# rq-scheduler 0.14: a hash per living instance, which expires when it is gone.
_INSTANCES: Final = "rq:scheduler_instance:"
_MOST: Final = 100  # instances that are looked at

Json = dict[str, Any]


def of_database(*, own_ms: int) -> list[Json]:
    """The relay's and the deposit reader's; one never taken is FREE. own_ms: the caller's clock."""
    with connection():
        now = store.clock_ms(own_ms)
        rows = {row.name: row for row in store.Lease.select().where(store.Lease.name.in_(LEASES))}
    return [_lease(name, rows.get(name), now) for name in LEASES]


def of_scheduler(redis: Any, *, own_ms: int) -> Json:
    """The living schedulers, by what they say in Redis. Raises: RedisError."""
    living = []
    for key in redis.scan_iter(match=f"{_INSTANCES}*", count=1000):
        born, left_ms = redis.hget(key, "birth"), redis.pttl(key)
        if born is not None and left_ms > 0 and redis.hget(key, "death") is None:
            living.append((Decimal(_text(born)), _text(key).removeprefix(_INSTANCES), int(left_ms)))
        if len(living) == _MOST:
            break
    if not living:
        return _shown(SCHEDULER, FREE, standbys=0)
    born_s, name, left_ms = min(living)
    return _shown(
        SCHEDULER, HELD, holder=name, since=round(born_s * 1000), until=own_ms + left_ms,
        standbys=len(living) - 1,
    )  # fmt: skip


def unknown_scheduler() -> Json:
    """While Redis cannot be asked."""
    return _shown(SCHEDULER, UNKNOWN)


def _lease(name: str, row: store.Lease | None, now_ms: int) -> Json:
    if row is None or row.expires_at <= now_ms:
        return _shown(name, FREE, token=None if row is None else row.token)
    return _shown(
        name, HELD, holder=row.holder, token=row.token, since=row.taken_at, until=row.expires_at
    )


def _shown(
    name: str,
    state: str,
    *,
    holder: str | None = None,
    token: int | None = None,
    since: int | None = None,
    until: int | None = None,
    standbys: int | None = None,
) -> Json:
    return {
        "name": name,
        "state": state,
        "holder": holder,
        "fencing_token": token,
        "since": timestamp(since),
        "until": timestamp(until),
        "standbys": standbys,
    }


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key
