"""Asking the API of this machine how it is."""

import http.client
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from offerhub.settings import Settings

READY: Final = "/api/v1/health/ready"
REPORT: Final = "/api/v1/health"
ASK_TIMEOUT_S: Final = 3.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said. `status` 0 means that it did not answer."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status == 200


def local_address(settings: "Settings") -> tuple[str, int]:
    """Where the API can be reached from this machine."""
    host, port = settings.bind_address
    return _EVERYWHERE.get(host, host), port


def ask(settings: "Settings", path: str = READY) -> Answer:
    """One request to this machine's API; never raises for a server that is not there."""
    host, port = local_address(settings)
    connection = http.client.HTTPConnection(host, port, timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        text = answer.read(1_000_000)
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        connection.close()
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return Answer(answer.status, body if isinstance(body, dict) else {})
