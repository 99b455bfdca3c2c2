"""Who holds each lease, for `status`: asked of the database and of Redis, without the API."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offerhub.settings import Settings


def look(settings: "Settings") -> list[dict[str, Any]] | None:
    """As `GET /admin/queues` shows them; None when the database cannot be asked."""
    from redis.exceptions import RedisError

    from offerhub.services import lease_holders
    from offerhub.store.database import close, connect_to
    from offerhub.store.errors import AnyFailure
    from offerhub.worker.queues import connect

    now_ms = time.time_ns() // 1_000_000
    connect_to(settings.database_url, max_connections=1)
    try:
        found = lease_holders.of_database(own_ms=now_ms)
    except AnyFailure:
        return None
    finally:
        close()
    try:
        scheduler = lease_holders.of_scheduler(
            connect(settings.redis_url, timeout_s=2.0), own_ms=now_ms
        )
    except RedisError:
        scheduler = lease_holders.unknown_scheduler()
    return [*found, scheduler]
