"""One attempt at one webhook, safe against being turned on our own network.

The host is resolved once, every address is checked, and the connection goes to a checked address:
a name that resolves otherwise a moment later changes nothing. Redirects are answers like any other.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import httpcore

from offerhub.ports.outgoing import AddressRefused, Answered
from offerhub.providers.deadline import DeadlineBackend, call_deadline
from offerhub.providers.outgoing.addresses import check_address, check_url

CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 20.0
ATTEMPT_TIMEOUT_S: Final = 30.0  # in all: an answer that drips in byte by byte ends here
MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_DIGITS: Final = 9  # of a Retry-After; more is nonsense, and Python refuses thousands

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host. Raises: OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class SafeSender:
    """`ports.outgoing.WebhookSender`. `allow_private`: tests and demos on this machine."""

    def __init__(self, *, allow_private: bool = False, resolve: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve

    def check(self, url: str) -> None:
        """Raises: AddressRefused."""
        host, port, _ = check_url(url, allow_private=self._allow_private)
        try:
            self._addresses(host, port)
        except OSError as exc:
            raise AddressRefused("The host cannot be resolved.") from exc

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answered:
        """One attempt; an unusable address or a broken connection is an answer without status."""
        try:
            host, port, _ = check_url(url, allow_private=self._allow_private)
            backend = DeadlineBackend(_Pinned(self._addresses(host, port)))
        except (AddressRefused, OSError) as exc:
            return Answered(None, error=str(exc)[:200] or "the host cannot be resolved")
        timeouts = {"connect": CONNECT_TIMEOUT_S, "read": READ_TIMEOUT_S,
                    "write": READ_TIMEOUT_S, "pool": CONNECT_TIMEOUT_S}  # fmt: skip
        try:
            with (
                call_deadline(ATTEMPT_TIMEOUT_S),
                httpcore.ConnectionPool(network_backend=backend, retries=0) as pool,
                pool.stream(
                    "POST", url, headers=list(headers.items()), content=body,
                    extensions={"timeout": timeouts},
                ) as answer,
            ):  # fmt: skip
                _read(answer.iter_stream())
                return Answered(answer.status, retry_after_s=_retry_after(answer.headers))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as exc:
            return Answered(None, error=type(exc).__name__)
        except OSError as exc:
            return Answered(None, error=f"{type(exc).__name__}: {exc}"[:200])

    def _addresses(self, host: str, port: int) -> list[str]:
        """Every address of the host, all of them checked. Raises: AddressRefused, OSError."""
        found = self._resolve(host, port)
        if not found:
            raise OSError("no address")
        return [check_address(text, allow_private=self._allow_private) for text in found]


class _Pinned(httpcore.SyncBackend):
    """Connects to addresses that were checked, whatever name is asked for."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__()
        self._addresses = addresses

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in self._addresses[:3]:
            try:
                return super().connect_tcp(
                    address, port, timeout, local_address=local_address,
                    socket_options=socket_options,
                )  # fmt: skip
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure or httpcore.ConnectError("no address")


def _read(parts: Iterable[bytes]) -> None:
    """Take the answer in, up to a bound; nothing of it is kept."""
    size = 0
    for part in parts:
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return


def _retry_after(headers: list[tuple[bytes, bytes]]) -> float | None:
    for name, value in headers:
        digits = value.strip()
        if name.lower() == b"retry-after" and digits.isdigit() and len(digits) <= MAX_DIGITS:
            return min(int(digits), 86_400)
    return None
