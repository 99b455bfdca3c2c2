"""The HTTP server under the sandbox: one thread per connection, and connections that can be broken.

Werkzeug's threaded server with two changes: an aborted answer closes the connection (with RST when
asked), and stopping closes every open connection, as a killed process would.
"""

import socket
import struct
import threading
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

_REQUEST_TIMEOUT_S = 60


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_TIMEOUT_S

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The call journal has this; standard error stays quiet."""


class BreakableServer(ThreadedWSGIServer):
    """Listens at once; `serve_forever` answers until `shutdown`."""

    request_queue_size = 512

    def __init__(self, *, host: str, port: int, app: Any) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(host, port, app, handler=_Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        if _wants_reset(request):
            # A polite shutdown would send FIN first and the peer would see an ordinary end.
            self.close_request(request)
            return
        super().shutdown_request(request)

    def break_connections(self) -> None:
        """End every open connection, event streams included."""
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # It ended by itself in the meantime.


def _wants_reset(request: socket.socket) -> bool:
    try:
        raw = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.calcsize("ii"))
    except OSError:
        return False
    on, seconds = struct.unpack("ii", raw)
    return bool(on) and seconds == 0
