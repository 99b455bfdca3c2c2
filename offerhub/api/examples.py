"""Examples of requests, answers and events for the OpenAPI document, and its webhooks.

They were recorded from a running API (tests/api/surface/recording.py) and are kept beside this
module; ids, keys and addresses in them are made up. Tests hold each to its schema.
"""

import json
from functools import cache
from importlib import resources
from typing import Any, Final

from offerhub.events.catalogue import DESCRIBED

_JSON: Final = "application/json"
# Good answers that are no resources, by operation and media type.
PLAIN: Final[dict[str, dict[str, Any]]] = {
    "list_events": {
        "text/event-stream": "retry: 1382\n\n: heartbeat\nid: 41\nevent: heartbeat\n"
        'data: {"time":"2026-01-10T12:00:00.000Z","position":41,"head_sequence":41}\n\n'
        'id: 42\nevent: order.created\ndata: {"event_id":"evt_…","sequence":42,…}\n\n'
    },
    "get_metrics": {
        "text/plain": "# HELP offerhub_redis_up Whether Redis answers.\n"
        "# TYPE offerhub_redis_up gauge\nofferhub_redis_up 1.0\n"
    },
    "get_openapi": {_JSON: {"openapi": "3.1.0", "info": {"title": "OfferHub"}, "paths": {}}},
    "get_docs": {"text/html": "<!doctype html><title>OfferHub API</title>…"},
    "get_docs_script": {"text/javascript": '"use strict";…'},
}
SIGNED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


@cache
def recorded() -> dict[str, Any]:
    """`operations` by operation id, each with `request` and `answer` where it has one; `events`."""
    text = resources.files("offerhub.api.pages").joinpath("examples.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def add_to(operation: dict[str, Any]) -> None:
    """Put the examples beside the schemas of an operation's body and of its good answers."""
    found = recorded()["operations"].get(operation["operationId"], {})
    if "request" in found and "requestBody" in operation:
        operation["requestBody"]["content"][_JSON]["example"] = found["request"]
    for status, response in operation["responses"].items():
        if status < "300" and _JSON in response.get("content", {}):
            ended = status == "200" and "202" in operation["responses"]
            example = found.get("final" if ended else "answer")
            if example is not None:
                response["content"][_JSON]["example"] = example
    for kind, text in PLAIN.get(operation["operationId"], {}).items():
        schema = {"type": "object"} if kind == _JSON else {"type": "string"}
        content = operation["responses"]["200"].setdefault("content", {})
        content[kind] = {"schema": schema, "example": text}


def webhooks() -> dict[str, Any]:
    """What is posted to webhook endpoints, by event type: schema and example of each."""
    return {name: {"post": _webhook(name)} for name in DESCRIBED}


def payload_name(event_type: str) -> str:
    """The component that describes an event type's payload."""
    from offerhub.api.schemas.event_payloads import PAYLOADS

    return PAYLOADS[event_type].__name__


def event_schema(event_type: str) -> dict[str, Any]:
    """JSON Schema of one event type: the envelope, its type, its payload."""
    payload = {"$ref": f"#/components/schemas/{payload_name(event_type)}"}
    own = {"properties": {"event_type": {"const": event_type}, "payload": payload}}
    return {"allOf": [{"$ref": "#/components/schemas/Event"}, {"type": "object", **own}]}


def _webhook(event_type: str) -> dict[str, Any]:
    return {
        "summary": DESCRIBED[event_type].when,
        "operationId": f"on_{event_type.replace('.', '_')}",
        "tags": ["webhooks-to-you"],
        "parameters": [
            {"in": "header", "name": name, "required": True, "schema": {"type": "string"}}
            for name in SIGNED
        ],
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {
                    "schema": event_schema(event_type),
                    "example": recorded()["events"].get(event_type),
                }
            },
        },
        "responses": {"2XX": {"description": "Received. Anything else is sent again."}},
    }
