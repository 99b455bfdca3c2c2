"""gunicorn's log entries through ours: no handlers of its own, no access log."""

import logging
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class PlainLogger(Logger):  # type: ignore[misc]
    """Named in gunicorn's settings; gunicorn makes one per process."""

    def setup(self, cfg: Any) -> None:
        """Let the root logger, which `offerhub.logs` set up, do the writing."""
        self.error_log = logging.getLogger("gunicorn.error")
        self.access_log = logging.getLogger("gunicorn.access")
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
            log.setLevel(logging.NOTSET)
        self.access_log.disabled = True

    def access(self, *_: Any, **__: Any) -> None:
        """The API logs its own requests, with their ids."""
