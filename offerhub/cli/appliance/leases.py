"""Who holds each lease, for `status`: asked of the database, without the API."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offerhub.settings import Settings


def look(settings: "Settings") -> list[dict[str, Any]] | None:
    """As `GET /admin/queues` shows them; None when the database cannot be asked."""
    from offerhub.services import lease_holders
    from offerhub.store.database import close, connect_to
    from offerhub.store.errors import AnyFailure

    connect_to(settings.database_url, max_connections=1)
    try:
        return lease_holders.of_database(own_ms=time.time_ns() // 1_000_000)
    except AnyFailure:
        return None
    finally:
        close()
