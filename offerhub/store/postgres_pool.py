"""The Postgres pool: connections that the server has ended are noticed without asking it."""

from typing import Any

from playhouse.pool import PooledPostgresqlDatabase
from psycopg import Error


class PostgresPool(PooledPostgresqlDatabase):  # type: ignore[misc]
    """The pool's own check is a query for each connection taken: a round trip more each time.

    What no check can see, such as a server that lost its power, is met by the first statement
    either way.
    """

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
