"""Calling the API in process, as a client would: headers, JSON, keys."""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from flask import Flask
from werkzeug.test import TestResponse

from offerhub.api.app import create_app
from offerhub.services import api_keys
from offerhub.services.context import App
from tests.api import conformance
from tests.services.world import World

BASE = "/api/v1"


@dataclass(frozen=True)
class Caller:
    """One client with one key. `send` adds an idempotency key to every POST unless told not to."""

    flask_app: Flask
    world: World
    key: str | None
    key_id: str | None = None
    address: str = "198.51.100.7"

    def with_key(self, key: str | None) -> "Caller":
        return replace(self, key=key, key_id=None)

    def with_scopes(self, *scopes: str) -> "Caller":
        """The same client with a new key that holds these scopes."""
        made = api_keys.create_key(self.world.ctx, name="test", scopes_wanted=list(scopes))
        return replace(self, key=made["key"], key_id=made["id"])

    def token(self, **body: Any) -> "Caller":
        """The same client with a token of its key."""
        made = self.post(f"/auth/api-keys/{self.key_id}/token", body)
        assert made.status_code == 201, made.text
        return replace(self, key=made.json["data"]["token"])

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, headers=headers)

    def post(
        self, path: str, body: Any = None, *, key: str | None = "", **headers: str
    ) -> TestResponse:
        """key: the idempotency key; "" makes a new one, None sends none."""
        if key == "":
            key = str(uuid4())
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.send("POST", path, body=body, headers=headers)

    def delete(self, path: str) -> TestResponse:
        return self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if self.key is not None:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if raw is None and body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        answer = self.flask_app.test_client().open(
            BASE + path,
            method=method,
            data=raw,
            headers=sent,
            environ_overrides={"REMOTE_ADDR": self.address},
        )
        if answer.mimetype != "text/event-stream" and method != "OPTIONS":
            conformance.check(answer)
        return answer

    def made(self, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The resource that a POST made. Fails the test when it was refused."""
        answer = self.post(path, body, **more)
        assert answer.status_code in {200, 201, 202}, answer.text
        return dict(answer.json["data"])

    def user(self, name: str = "ana", kind: str = "BOTH") -> str:
        made = self.made("/users", {"external_user_id": name, "type": kind})
        return str(made["id"])


def open_api(
    world: World, *, app: App | None = None, trusted_proxies: int = 0, event_streams: int = 1_000
) -> Caller:
    """The API over a world's application, called with a new admin key."""
    flask_app = create_app(
        app or world.app,
        master_key=world.environ["OFFERHUB_MASTER_KEY"],
        token_secret=world.environ["OFFERHUB_TOKEN_SECRET"],
        trusted_proxies=trusted_proxies,
        event_streams=event_streams,
    )
    made = api_keys.create_key(world.ctx, name="admin", scopes_wanted=["admin"])
    return Caller(flask_app, world, made["key"], made["id"])


def code(answer: TestResponse) -> str:
    """The error code of an answer."""
    return str(answer.json["error"]["code"])


def fields(answer: TestResponse) -> dict[str, str]:
    """Messages by field of a refused request."""
    return {bad["field"]: bad["message"] for bad in answer.json["error"]["details"]["fields"]}
