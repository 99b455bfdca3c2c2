"""gunicorn's gevent worker, sharing new connections out among the workers.

All workers listen on one socket, and one that is awake already takes connections faster than one
that has to wake up: it may end up with all of them, and the other processors serve nothing. Here a
worker that holds connections waits a moment before it takes one more, and the emptier one is first.
"""

from functools import partial
from typing import Any, Final

from gevent.server import StreamServer  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

STEP_S: Final = 0.00025  # for each connection held
MOST_S: Final = 0.002


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


class FairWorker(GeventWorker):  # type: ignore[misc]
    """Named in gunicorn's settings."""

    def server_class(self, listener: Any, *, spawn: Any, **_: Any) -> FairServer:
        """What gunicorn serves a listening socket with; it still handles the connections."""
        return FairServer(listener, handle=partial(self.handle, listener), spawn=spawn)
