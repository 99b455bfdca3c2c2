"""The one shape of every JSON answer, success or error, as the bytes that are sent and kept."""

import json
from typing import Any

from offerhub.domain.errors import OfferHubError
from offerhub.services.context import Page
from offerhub.services.representations import timestamp

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def success(result: Any, *, request_id: str, now_ms: int) -> bytes:
    """`{"data", "meta"}`, with `pagination` for a page."""
    meta = {"request_id": request_id, "timestamp": timestamp(now_ms)}
    if isinstance(result, Page):
        return to_json(
            {
                "data": result.items,
                "pagination": {
                    "has_more": result.next_cursor is not None,
                    "next_cursor": result.next_cursor,
                },
                "meta": meta,
            }
        )
    return to_json({"data": result, "meta": meta})


def failure(error: OfferHubError, *, request_id: str) -> bytes:
    """`{"error": {"code", "message", "details", "request_id"}}`."""
    return to_json(
        {
            "error": {
                "code": error.code,
                "message": error.message,
                "details": error.details,
                "request_id": request_id,
            }
        }
    )


def to_json(value: Any) -> bytes:
    return _encode(value).encode()
