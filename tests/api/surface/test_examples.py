"""Examples of the description: every request, answer and event has one, of its own schema."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from offerhub.api.examples import event_schema, recorded
from offerhub.api.waiting import _has_ended
from offerhub.domain.errors import CATALOG
from offerhub.domain.events import EVENT_TYPES
from offerhub.ports.outgoing import Answered
from offerhub.providers.trustlesswork.webhooks import TrustlessWorkWebhooks
from tests.api.caller import open_api
from tests.api.conformance import described, validates
from tests.api.surface import story
from tests.api.surface import test_event_catalogue as events
from tests.api.surface.market import Market
from tests.api.surface.recording import Recorder, first_of_each, tidied, whole_stream
from tests.api.surface.test_webhook_endpoints import Sink, sink  # noqa: F401 - a fixture

KEPT = Path(__file__).parents[3] / "offerhub" / "api" / "pages" / "examples.json"
HINT_SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()
OPERATIONS = [
    (method, path, operation)
    for path, item in described()["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]


def _contents(operation: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(which, media type, content) of the body and of the good answers."""
    request = operation.get("requestBody", {}).get("content", {})
    found = [("request", kind, content) for kind, content in request.items()]
    for status, response in operation["responses"].items():
        if status < "300":
            found += [
                (status, kind, content) for kind, content in response.get("content", {}).items()
            ]
    return found


def test_every_request_and_every_good_answer_has_an_example_of_its_schema() -> None:
    wrong = []
    for method, path, operation in OPERATIONS:
        if "204" in operation["responses"] or "303" in operation["responses"]:
            assert "content" not in operation["responses"].get("204", {})
            continue
        assert _contents(operation), f"{method} {path}"
        for which, kind, content in _contents(operation):
            if "example" not in content:
                wrong.append(f"{method} {path} {which}: no example")
            elif kind == "application/json":
                try:
                    validates(content["schema"], content["example"])
                except jsonschema_rs.ValidationError as error:
                    wrong.append(f"{method} {path} {which}: {error.message}")
    assert wrong == [], "record the examples anew: see tests/api/surface/recording.py"


def test_a_202_and_the_200_that_ends_it_show_different_moments() -> None:
    for method, path, operation in OPERATIONS:
        answers = {which: content for which, _, content in _contents(operation)}
        if {"200", "202"} <= set(answers):
            first, last = (answers[which]["example"]["data"] for which in ("202", "200"))
            assert first["id"] == last["id"], f"{method} {path}"
            assert first != last, f"{method} {path}"
            assert _has_ended(last), f"{method} {path}"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_has_a_schema_and_an_example_of_it(event_type: str) -> None:
    content = described()["webhooks"][event_type]["post"]["requestBody"]["content"]
    (described_event,) = content.values()
    assert described_event["schema"] == event_schema(event_type)
    example = described_event["example"]
    assert example["event_type"] == event_type
    validates(described_event["schema"], example)
    for name in ("payload", "metadata", "sequence"):
        with pytest.raises(jsonschema_rs.ValidationError):
            validates(described_event["schema"], {**example, name: None})


def test_every_refusal_of_an_operation_has_an_example_of_its_code() -> None:
    examples = described()["components"]["examples"]
    for method, path, operation in OPERATIONS:
        said = set()
        for status, response in operation["responses"].items():
            if status < "400":
                continue
            whole = response
            if "$ref" in response:
                name = response["$ref"].rsplit("/", 1)[1]
                whole = described()["components"]["responses"][name]
            for code in whole.get("content", {}).get("application/json", {}).get("examples", {}):
                assert CATALOG[code].status == int(status), f"{method} {path} {code}"
                validates({"$ref": "#/components/schemas/Problem"}, examples[code]["value"])
                said.add(code)
        assert said == set(operation["x-error-codes"]), f"{method} {path}"


def test_no_example_holds_what_a_recording_should_not_keep() -> None:
    text = KEPT.read_text(encoding="utf-8")
    assert "127.0.0.1" not in text
    assert recorded()["operations"]["create_api_key"]["answer"]["data"]["key"].endswith("x" * 43)


class _Taken:
    """A receiver of webhooks that takes everything."""

    def check(self, url: str) -> None:
        """Every address is good."""

    def post(self, url: str, **_: Any) -> Answered:
        return Answered(204)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_what_is_recorded_anew_has_the_same_operations_and_events(
    market: Market,
    sink: Sink,  # noqa: F811 - the fixture
) -> None:
    """With OFFERHUB_RECORD_EXAMPLES=1 it is kept as the new examples."""
    for part in (events._users, events._topups, events._withdrawals, events._orders):
        part(market)
    events._operator(market)
    recorder = Recorder()
    recorder.listen(market.api.flask_app)
    story.told(market, recorder, sink_url=sink.url)
    app = market.world.app
    hints = open_api(market.world, app=_with_hints(app))
    recorder.listen(hints.flask_app)
    assert story.hinted(hints.with_key(None), HINT_SECRET).status_code == 200
    whole = {
        "operations": dict(sorted(recorder.operations.items())),
        "events": first_of_each(whole_stream(market)),
    }
    hosts = {
        sink.url: "https://shop.example/offerhub",
        market.world.sandbox.url: "https://airtm.example",
    }
    new = tidied(whole, hosts=hosts)
    if os.environ.get("OFFERHUB_RECORD_EXAMPLES"):
        KEPT.write_text(json.dumps(new, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert {name: set(found) for name, found in new["operations"].items()} == {
        name: set(found) for name, found in kept["operations"].items()
    }
    assert set(new["events"]) == set(kept["events"]) == set(EVENT_TYPES)


def _with_hints(app: Any) -> Any:
    from dataclasses import replace

    return replace(app, escrow_webhooks=TrustlessWorkWebhooks(HINT_SECRET))
