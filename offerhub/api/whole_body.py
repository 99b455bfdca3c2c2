"""Reading the bytes of a body: whole, or refused.

A body with a length is bounded by its length. One in chunks has none: werkzeug cuts it at the limit
and says nothing, and the server raises errors of its own when the chunks make no sense. Here the
first is too large, and the second cannot be read.
"""

from typing import Any

from flask import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from offerhub.api.json_body import InvalidRequest


class WholeBody(Request):
    """The request class of the application."""

    def get_data(self, cache: bool = True, *_: Any, **__: Any) -> bytes:  # type: ignore[override]
        """The whole body. Raises: RequestEntityTooLarge, InvalidRequest."""
        try:
            raw = super().get_data(cache=cache)
            limit = self.max_content_length
            cut = limit is not None and len(raw) >= limit and self.content_length is None
            more = self.environ["wsgi.input"].read(1) if cut else b""
        except HTTPException:
            raise
        except Exception as error:
            # Each server has its own; whatever it is, it was the client's body.
            raise InvalidRequest("The body cannot be read.") from error
        if more:
            raise RequestEntityTooLarge
        return raw
