"""Who does the work that one process at a time may do: relay, deposit reader, scheduler.

Each holds a lease in the database, with a token that rises with every new holder; processes that
wait for one say so there as well.
Holders are named machine:process:…; nothing here is for people without the scope `admin`.
"""

from typing import Any, Final

from offerhub.services.representations import timestamp
from offerhub.store import leases as store
from offerhub.store.database import connection

LEASES: Final = ("relay", "deposits", "scheduler")
HELD: Final = "HELD"
FREE: Final = "FREE"

Json = dict[str, Any]


def of_database(*, own_ms: int) -> list[Json]:
    """All of them; one never taken is FREE. own_ms: the caller's clock."""
    with connection():
        now = store.clock_ms(own_ms)
        rows = {row.name: row for row in store.Lease.select().where(store.Lease.name.in_(LEASES))}
        waiting = store.standbys(LEASES, now=now)
    return [_lease(name, rows.get(name), now, standbys=waiting[name]) for name in LEASES]


def _lease(name: str, row: store.Lease | None, now_ms: int, *, standbys: int) -> Json:
    held = row if row is not None and row.expires_at > now_ms else None
    return {
        "name": name,
        "state": FREE if held is None else HELD,
        "holder": None if held is None else held.holder,
        "fencing_token": None if row is None else row.token,
        "since": timestamp(None if held is None else held.taken_at),
        "until": timestamp(None if held is None else held.expires_at),
        "standbys": standbys,
    }
