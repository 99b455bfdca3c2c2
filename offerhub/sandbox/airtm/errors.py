"""Airtm's reason codes, and the HTTP status the sandbox gives each.

Airtm does not publish the statuses; these follow the table that the client is written against.
"""

from typing import Any

HTTP_STATUS: dict[str, int] = {
    "415003": 503,
    "415005": 404,
    "415008": 422,
    "415009": 422,
    "415016": 422,
    "415022": 422,
    "415027": 409,
    "415029": 409,
    "415030": 409,
    "415031": 404,
    "415032": 409,
    "415034": 422,
    "415035": 422,
    "415047": 422,
    "415053": 422,
    "415055": 409,
    "415056": 409,
    "415057": 422,
    "415058": 422,
    "415059": 404,
    "415060": 422,
    "415103": 422,
    "415901": 400,
    "415902": 404,
    "415903": 400,
    "415904": 401,
    "415905": 403,
    "415906": 400,
    "415998": 500,
    # Airtm names no reason code for its rate limit; the status is the only documented sign.
    "429": 429,
}


class AirtmError(Exception):
    """A refusal, answered as `{"code", "message", "data"?}`."""

    def __init__(self, code: str, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.code]

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            answer["data"] = self.data
        return answer
