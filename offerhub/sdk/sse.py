"""Reading the text/event-stream format, byte for byte.

Lines end at LF, CR or CRLF and at nothing else: JSON may hold other line separators.
Source: WHATWG HTML, "Server-sent events", 9.2.6.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from offerhub.sdk.errors import UnexpectedAnswer

MAX_LINE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Message:
    """One dispatched message. `id` is None when the block set none."""

    event: str
    data: str
    id: str | None


@dataclass(frozen=True)
class Comment:
    """A line that starts with a colon: the server's heartbeat."""

    text: str


@dataclass(frozen=True)
class RetryHint:
    """How long the server would like clients to wait before they reconnect."""

    pause_s: float


Part = Message | Comment | RetryHint


def read_parts(chunks: Iterable[bytes]) -> Iterator[Part]:
    """What a stream of bytes says, in order. An unfinished block at its end is dropped."""
    event, data, ident = "", list[str](), None
    for line in read_lines(chunks):
        if not line:
            if data:
                yield Message(event or "message", "\n".join(data), ident)
            event, data, ident = "", [], None
        elif line.startswith(":"):
            yield Comment(line[1:].strip())
        else:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                event = value
            elif name == "id" and "\0" not in value:
                ident = value
            elif name == "retry" and value.isascii() and value.isdigit():
                yield RetryHint(int(value) / 1000)


def read_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The complete lines of a byte stream. Raises: UnexpectedAnswer for an endless line."""
    rest = b""
    first, after_cr = True, False
    for chunk in chunks:
        if not chunk:
            continue
        if after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        after_cr = chunk.endswith(b"\r") if chunk else after_cr
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise UnexpectedAnswer("the event stream sent a line without an end")
        for line in lines:
            text = line.decode("utf-8", errors="replace")
            yield text.removeprefix("\ufeff") if first else text
            first = False
