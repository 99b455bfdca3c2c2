"""A server that answers what a test tells it to, for answers that no sandbox gives."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Request, Response

from tests.providers.network_world import served


@dataclass
class Script:
    """Answers by "METHOD /path"; a list is used up one by one, its last one for ever."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, list[str]], bytes]] = field(default_factory=list)

    def on(self, call: str, *answers: tuple[int, Any]) -> None:
        """An answer is a status and a body: JSON, or text that is sent as it is."""
        self.answers[call] = list(answers)

    def calls(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.seen]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        query = parse_qs(request.query_string.decode())
        self.seen.append((request.method, request.path, query, request.get_data()))
        left = self.answers.get(f"{request.method} {request.path}")
        if left is None:
            return Response("no such address", status=404)(environ, start_response)
        status, body = left.pop(0) if len(left) > 1 else left[0]
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        return Response(text, status=status, mimetype=kind)(environ, start_response)


@contextmanager
def scripted() -> Iterator[Script]:
    """A running server without any answers yet."""
    script = Script()
    with served(script) as url:
        script.url = url
        yield script
