"""An HTTP transport whose calls end by a total deadline, however slowly bytes drip in.

httpx has a timeout per socket operation only: a server that sends one byte at a time stays inside
it for ever. Here each operation gets what is left of the call's time, if that is less.
Not bounded: name resolution, which the system's resolver limits by itself.
"""

import contextlib
import functools
import ssl
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

_NEVER = float("inf")
_ends_at_s: ContextVar[float] = ContextVar("call_ends_at_s", default=_NEVER)


@contextlib.contextmanager
def call_deadline(deadline_s: float) -> Iterator[None]:
    """Calls made inside, in this thread or greenlet, end within `deadline_s` from now."""
    token = _ends_at_s.set(time.monotonic() + deadline_s)
    try:
        yield
    finally:
        _ends_at_s.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's transport over sockets that know the deadline of the call they serve."""

    def __init__(self, *, max_connections: int) -> None:
        limits = httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=30.0,
        )
        context = _trusted_authorities()
        super().__init__(verify=context, limits=limits)
        # httpx has no public way to hand its pool a network backend; a test with a dripping
        # server fails should this attribute ever move.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=DeadlineBackend(),
        )


@functools.cache
def _trusted_authorities() -> ssl.SSLContext:
    """Read once per process: loading the authorities takes longer than most calls."""
    return httpx.create_ssl_context()


class DeadlineBackend(httpcore.NetworkBackend):
    """Connections of `sockets` (the system's) that know the deadline of the call they serve."""

    def __init__(self, sockets: httpcore.NetworkBackend | None = None) -> None:
        self._sockets = sockets or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left_s = _left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._sockets.connect_tcp(host, port, left_s, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = _left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left_s(timeout_s: float | None, too_late: type[Exception]) -> float | None:
    ends_at_s = _ends_at_s.get()
    if ends_at_s == _NEVER:
        return timeout_s
    left_s = ends_at_s - time.monotonic()
    if left_s <= 0:
        raise too_late("the call's total deadline passed")
    return left_s if timeout_s is None else min(timeout_s, left_s)
