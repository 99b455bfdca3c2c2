"""The statements that the store sends, for tests of their number and their plans."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Collecting(logging.Handler):
    def __init__(self, sent: list[tuple[str, Any]]) -> None:
        super().__init__(logging.DEBUG)
        self._sent = sent

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, tuple):
            self._sent.append((record.msg[0].lstrip(), record.msg[1]))


@contextmanager
def watched() -> Iterator[list[tuple[str, Any]]]:
    """(SQL, parameters) of everything that is sent inside, in order."""
    sent: list[tuple[str, Any]] = []
    logger, handler = logging.getLogger("peewee"), _Collecting(sent)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield sent
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
