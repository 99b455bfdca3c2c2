"""gunicorn's gevent worker, sharing new connections out, and rid of clients that never finish.

All workers listen on one socket, and one that is awake already takes connections faster than one
that has to wake up: it may end up with all of them, and the other processors serve nothing. Here a
worker that holds connections waits a moment before it takes one more, and the emptier one is first.

gunicorn gives the head of a request a few seconds, but its body and the answer all the time there
is: a thousand strangers that send a webhook's body byte by byte, or ask for a large page and read
none of it, would hold all places of a worker. Here both have a time, too.
"""

import errno
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
from gevent.server import StreamServer  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

STEP_S: Final = 0.00025  # for each connection held
MOST_S: Final = 0.002
BODY_S: Final = 20.0  # for a whole body, of at most 1 MiB
PIECE_S: Final = 20.0  # until the client has taken one piece of the answer; most are one piece


class FairServer(StreamServer):  # type: ignore[misc]
    """Takes one connection at a time, the later the more it holds."""

    max_accept = 1

    def _do_read(self) -> None:
        """A connection is waiting: gevent calls this as long as nobody has taken it."""
        held = self.pool.size - self.pool.free_count()
        if held == 0:
            super()._do_read()
            return
        self.stop_accepting()
        self._pause = self.loop.timer(min(held * STEP_S, MOST_S))
        self._pause.start(self._after_pause)

    def _after_pause(self) -> None:
        self._pause.close()
        if self.started:
            super()._do_read()  # takes nothing when another worker was first
            self._start_accepting_if_started()


class Hurried:
    """A client's socket for one request, with little time: a body that takes too long is cut, and
    a client that does not read is as good as gone."""

    def __init__(self, client: Any, *, body_s: float, piece_s: float = PIECE_S) -> None:
        self._client = client
        self._end_s = time.monotonic() + body_s
        self._piece_s = piece_s
        self.late = False

    def recv(self, size: int) -> bytes:
        """What has come; nothing, as from a client that has gone, once it took too long."""
        left_s = self._end_s - time.monotonic()
        if left_s > 0:
            with gevent.Timeout(left_s, False):
                return bytes(self._client.recv(size))
        self.late = True
        return b""

    def sendall(self, data: bytes) -> None:
        """Raises: BrokenPipeError, which servers take for what it is, when it takes too long."""
        with gevent.Timeout(self._piece_s, False):
            self._client.sendall(data)
            return
        raise BrokenPipeError(errno.EPIPE, "the client does not read its answer")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class FairWorker(GeventWorker):  # type: ignore[misc]
    """Named in gunicorn's settings."""

    body_s, piece_s = BODY_S, PIECE_S

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer one request. A body that did not come in time is a cut one, and the last."""
        hurried = Hurried(sock, body_s=self.body_s, piece_s=self.piece_s)
        req.unreader.sock = hurried
        try:
            super().handle_request(listener_name, req, hurried, addr)
        finally:
            req.unreader.sock = sock
            if hurried.late:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RD)

    def server_class(self, listener: Any, *, spawn: Any, **_: Any) -> FairServer:
        """What gunicorn serves a listening socket with; it still handles the connections."""
        return FairServer(listener, handle=partial(self.handle, listener), spawn=spawn)
