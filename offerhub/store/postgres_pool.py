"""The Postgres pool: what is set for each connection, and which of them the server has ended."""

from typing import Any, Final

from peewee import Psycopg3Adapter
from playhouse.pool import PooledPostgresqlDatabase
from psycopg import Error

# A process that is stopped, or a machine that sleeps, inside a transaction keeps its locks; the
# server then ends its session, so that others go on. Nothing of ours thinks that long: every call
# to the outside is made between transactions. Less than this is met on a machine with too much to
# do, more would keep a standby waiting.
ASLEEP_S: Final = 6


class _Adapter(Psycopg3Adapter):  # type: ignore[misc]
    """Sets a new connection up by a statement: connection poolers refuse start-up options."""

    def connect(self, db: Any, **params: Any) -> Any:
        conn = super().connect(db, **params)
        conn.autocommit = True
        conn.execute(f"SET idle_in_transaction_session_timeout = '{ASLEEP_S}s'")
        return conn


class PostgresPool(PooledPostgresqlDatabase):  # type: ignore[misc]
    """The pool's own check is a query for each connection taken: a round trip more each time.

    What no check can see, such as a server that lost its power, is met by the first statement
    either way.
    """

    psycopg3_adapter = _Adapter

    def _is_closed(self, conn: Any) -> bool:
        """Whether the connection has ended since it was used last.

        Reads what has arrived, without waiting: the first reading may find the server's farewell,
        the second then finds the end of the stream.
        """
        try:
            conn.pgconn.consume_input()
            conn.pgconn.consume_input()
        except Error:
            return True
        return bool(conn.closed) or not self._adapter.is_connection_reusable(conn)
