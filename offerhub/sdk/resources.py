"""What the groups of routes share."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from offerhub.sdk.http import Answer, Http
from offerhub.sdk.stream import EventStream
from offerhub.sdk.waiting import R, wait_for

WAIT_SILENCE_S = 20.0
T = TypeVar("T")


class Resources:
    """A group of routes. Made by the client; holds nothing but the connection."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def _asking(self, path: str) -> Callable[[Mapping[str, Any]], Answer]:
        return lambda params: self._http.get(path, params)

    def _wait(
        self, read: Callable[[], R], *, kind: str, states: Collection[str], timeout_s: float
    ) -> R:
        return wait_for(
            read,
            kind=kind,
            states=states,
            timeout_s=timeout_s,
            open_stream=lambda: EventStream(
                self._http,
                after=None,
                filters={"types": f"{kind}.*"},
                silence_s=WAIT_SILENCE_S,
                max_attempts=None,
            ),
        )


def path_of(*parts: str) -> str:
    """A path of literal and id segments; ids are checked so that none can change the route.

    Raises: ValueError for an empty id or one with characters outside the URL-safe alphabet.
    """
    for part in parts:
        if not part or not all(c.isalnum() or c in "_-" for c in part) or not part.isascii():
            raise ValueError(f"{part!r} is not an id")
    return "/" + "/".join(parts)
