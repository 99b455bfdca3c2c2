"""Receivers of webhooks that try to hold a worker for ever, or to make it fall over."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from offerhub.providers.outgoing import SafeSender, sender

pytestmark = pytest.mark.proves("F17")

Answer = Callable[[socket.socket], None]


@pytest.fixture
def endpoint() -> Iterator[Callable[[Answer], str]]:
    """The URL of a server that answers one connection as it is told."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(answer: Answer) -> str:
        def once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                answer(connection)

        threading.Thread(target=once, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/hooks"

    yield serve
    listening.close()


def _dripping(connection: socket.socket) -> None:
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)
    except OSError:
        return


def test_an_answer_that_drips_in_ends_by_the_attempts_own_time(
    endpoint: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_TIMEOUT_S", 0.5)
    began_s = time.monotonic()
    answered = SafeSender(allow_private=True).post(endpoint(_dripping), headers={}, body=b"{}")
    assert (answered.status, answered.error) == (None, "ReadTimeout")
    assert time.monotonic() - began_s < 5


@pytest.mark.parametrize(
    ("text", "seconds"), [(b"9" * 5000, None), (b"7", 7), (b"999999999", 86_400), (b"-1", None)]
)
def test_a_retry_after_of_any_length_is_an_answer(
    endpoint: Callable[[Answer], str], text: bytes, seconds: int | None
) -> None:
    head = b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nRetry-After: " + text + b"\r\n\r\n"
    url = endpoint(lambda connection: connection.sendall(head))
    answered = SafeSender(allow_private=True).post(url, headers={}, body=b"{}")
    assert (answered.status, answered.retry_after_s) == (503, seconds)
