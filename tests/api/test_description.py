"""The OpenAPI document: committed, valid, complete, and true to what services answer."""

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from jsonschema_rs import meta

from offerhub.api import access, error_table, named_words
from offerhub.api.access import UndeclaredRoute, check_declarations, public
from offerhub.api.app import BASE_PATH, assemble
from offerhub.api.openapi import as_text, document
from offerhub.api.sse import HEARTBEAT_S, WRITE_TIMEOUT_S
from offerhub.domain.errors import CATALOG
from offerhub.domain.scopes import SCOPES
from tests.api.caller import Caller
from tests.api.conformance import described

COMMITTED = Path(__file__).parents[2] / "docs" / "api" / "openapi.json"

# What this milestone serves, from the contract; a route that goes missing is noticed here.
ROUTES = """
GET /health · GET /health/live · GET /health/ready · GET /me · GET /config
POST /auth/api-keys · GET /auth/api-keys · DELETE /auth/api-keys/{key_id}
POST /auth/api-keys/{key_id}/token
POST /users · GET /users · GET /users/{user_id} · POST /users/{user_id}/airtm/link
GET /users/{user_id}/balance · GET /users/{user_id}/ledger
GET /users/{user_id}/wallet · GET /users/{user_id}/wallet/deposit
POST /topups · GET /topups · GET /topups/{topup_id}
GET /topups/{topup_id}/return · GET /topups/{topup_id}/cancel
POST /orders · GET /orders · GET /orders/{order_id} · POST /orders/{order_id}/reserve
POST /orders/{order_id}/cancel · POST /orders/{order_id}/escrow
POST /orders/{order_id}/escrow/fund · POST /orders/{order_id}/release
POST /withdrawals · GET /withdrawals · GET /withdrawals/{withdrawal_id}
GET /events · POST /webhooks/airtm · GET /openapi.json · GET /docs
"""

MOVING_MONEY = """
/topups /orders /orders/{order_id}/reserve /orders/{order_id}/cancel /orders/{order_id}/escrow
/orders/{order_id}/escrow/fund /orders/{order_id}/release /withdrawals
"""


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in described()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def test_the_committed_document_is_this_versions() -> None:
    _, api = assemble()
    assert COMMITTED.read_text() == as_text(api), (
        "run `offerhub openapi --output docs/api/openapi.json`"
    )


def test_a_description_that_failed_half_way_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    _, api = assemble()
    with monkeypatch.context() as patched:
        patched.setattr(named_words, "name_all", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            as_text(api)
    assert as_text(api) == COMMITTED.read_text()


def test_the_document_is_served(api: Caller) -> None:
    answer = api.with_key(None).get("/openapi.json")
    _, described_api = assemble()
    assert answer.json == document(described_api)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_every_promised_route_is_described() -> None:
    found = {
        f"{method.upper()} {path.removeprefix(BASE_PATH)}" for path, method, _ in _operations()
    }
    assert set(re.split(r" · |\n", ROUTES.strip())) <= found


def test_every_operation_has_an_id_words_security_and_errors() -> None:
    seen: set[str] = set()
    for path, method, operation in _operations():
        where = f"{method} {path}"
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert operation["summary"], where
        assert operation["tags"], where
        assert "security" in operation, where
        statuses = set(operation["responses"])
        assert {"429", "500", "503"} <= statuses, where
        assert statuses & {"200", "201", "202", "204", "303"}, where
        if operation["security"]:
            assert {"400", "401", "403"} <= statuses, where
            assert "x-user-token" in operation, where


@pytest.mark.parametrize("path", MOVING_MONEY.split())
def test_what_moves_money_declares_its_key_as_required(path: str) -> None:
    operation = described()["paths"][BASE_PATH + path]["post"]
    (header,) = [p for p in operation["parameters"] if p["name"] == "Idempotency-Key"]
    assert header["required"] is True


def test_every_schema_is_valid_and_every_reference_leads_somewhere() -> None:
    found = described()
    for name, schema in found["components"]["schemas"].items():
        meta.validate(schema)
        assert schema.get("type") == "object" or schema["enum"], name
    text = json.dumps(found)
    for kind, name in set(re.findall(r'"#/components/(\w+)/([\w-]+)"', text)):
        assert name in found["components"][kind], f"{kind}/{name}"


def test_every_code_is_among_those_of_some_operation() -> None:
    """405 belongs to no operation, and some codes are only ever the `last_error` of long work."""
    said = {code for _, _, operation in _operations() for code in operation["x-error-codes"]}
    refusals = {code for code, entry in CATALOG.items() if entry.status >= 400}
    assert refusals - said == {
        "METHOD_NOT_ALLOWED", "ESCROW_INSUFFICIENT_FUNDS", "ESCROW_FUNDING_FAILED",
    }  # fmt: skip


def test_shown_fields_are_all_required() -> None:
    """Null fields are present: an answer always has every field."""
    requests = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        for path, _, operation in _operations()
        if "requestBody" in operation and "/webhooks/" not in path
    } | {"NewMilestone"}
    for name, schema in described()["components"]["schemas"].items():
        if name not in requests and "enum" not in schema:
            assert set(schema.get("required", ())) == set(schema["properties"]), name


def test_the_page_of_documentation_works_offline(api: Caller) -> None:
    stranger = api.with_key(None)
    page = stranger.get("/docs")
    assert page.mimetype == "text/html"
    script = stranger.get("/docs/reference.js")
    assert script.mimetype == "text/javascript"
    for text in (page.text, script.text):
        assert not re.findall(r"https?://(?!www\.w3\.org)[^\s\"'`<>]+", text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert re.findall(r'src="([^"]+)"', page.text) == ["docs/reference.js"]


def test_a_route_that_declares_nothing_stops_the_start() -> None:
    flask_app = Flask("test", static_folder=None)
    flask_app.add_url_rule("/open", view_func=lambda: "", endpoint="open")
    with pytest.raises(UndeclaredRoute, match="/open"):
        check_declarations(flask_app)


def test_a_changing_route_without_idempotency_stops_the_start() -> None:
    flask_app = Flask("test", static_folder=None)
    declared = access.require_scope("write")(lambda: "")
    flask_app.add_url_rule("/change", view_func=declared, endpoint="change", methods=["POST"])
    with pytest.raises(UndeclaredRoute, match="idempotency"):
        check_declarations(flask_app)


def test_a_public_route_may_change_things_without_keys() -> None:
    flask_app = Flask("test", static_folder=None)
    declared = public()(lambda: "")
    flask_app.add_url_rule("/hook", view_func=declared, endpoint="hook", methods=["POST"])
    check_declarations(flask_app)


def test_the_page_of_errors_is_this_versions() -> None:
    assert COMMITTED.with_name("errors.md").read_text() == error_table.page(), (
        "run `offerhub openapi --errors --output docs/api/errors.md`"
    )


def test_every_code_says_what_to_do() -> None:
    assert list(error_table.TO_DO) == list(CATALOG)
    assert all(words.endswith((".", "?")) for words in error_table.TO_DO.values())


def test_the_manual_names_every_scope_and_header_that_it_should() -> None:
    pages = {path.stem: path.read_text() for path in COMMITTED.parent.glob("*.md")}
    assert set(pages) >= {"authentication", "idempotency", "errors", "pagination", "events"}
    assert all(f"`{scope}`" in pages["authentication"] for scope in SCOPES)
    assert f"every {HEARTBEAT_S:.0f} seconds" in pages["events"]
    assert f"{WRITE_TIMEOUT_S:.0f} seconds" in pages["events"]
