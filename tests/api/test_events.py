"""The event stream over HTTP: pages, following, resuming, resets, seats, and revoked keys."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from offerhub.api import sse
from offerhub.events import relay
from offerhub.services import api_keys
from offerhub.store.database import atomic
from offerhub.store.events import Event
from tests.api.caller import BASE, Caller, code, fields, open_api
from tests.services.world import World

pytestmark = pytest.mark.timeout(20)
HOLDER = "test-relay"


def _sequence(api: Caller) -> None:
    """Give committed events their positions, as the relay does."""
    token = relay.take_lease(holder=HOLDER, now_ms=api.world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder=HOLDER, token=token):
        pass


class Reader:
    """Reads a stream message by message."""

    def __init__(self, api: Caller, query: str = "", **headers: str) -> None:
        sent = {"Authorization": f"Bearer {api.key}", "Accept": "text/event-stream"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = api.flask_app.test_client().get(
            f"{BASE}/events{query}", headers=sent, buffered=False
        )
        self._messages = self._parse()

    def _parse(self) -> Iterator[dict[str, Any]]:
        text = ""
        for chunk in self.answer.response:
            text += chunk.decode() if isinstance(chunk, bytes) else chunk
            while "\n\n" in text:
                block, text = text.split("\n\n", 1)
                message: dict[str, Any] = {}
                for line in block.split("\n"):
                    name, _, value = line.partition(": ")
                    message[name or "comment"] = value
                if "data" in message:
                    message["data"] = json.loads(message["data"])
                yield message

    def next(self) -> dict[str, Any]:
        return next(self._messages)

    def events(self, count: int) -> list[int]:
        """Positions of the next events; everything else is passed over."""
        found: list[int] = []
        while len(found) < count:
            message = self.next()
            if "sequence" in message.get("data", {}):
                assert message["id"] == str(message["data"]["sequence"])
                assert message["event"] == message["data"]["event_type"]
                found.append(message["data"]["sequence"])
        return found

    def rest(self) -> Iterator[dict[str, Any]]:
        """Everything until the server ends the stream."""
        return self._messages

    def close(self) -> None:
        self.answer.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats without the wait."""
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.3)


def _users(api: Caller, count: int) -> list[str]:
    made = [api.user(f"user-{n}") for n in range(count)]
    _sequence(api)
    return made


def test_a_page_lists_events_in_order_and_goes_on_at_its_cursor(api: Caller) -> None:
    _users(api, 5)
    seen: list[int] = []
    cursor = "0"
    while cursor:
        answer = api.get(f"/events?limit=2&cursor={cursor}").json
        seen += [event["sequence"] for event in answer["data"]]
        cursor = answer["pagination"]["next_cursor"] or ""
        assert answer["pagination"]["has_more"] is bool(cursor)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 6


def test_a_page_is_filtered_by_type_resource_and_user(api: Caller) -> None:
    ana, _ = _users(api, 2)

    def types(query: str) -> set[str]:
        return {event["event_type"] for event in api.get(f"/events?{query}").json["data"]}

    assert types("types=user.*") == {"user.created"}
    assert types("types=key.created,user.created") == {"user.created", "key.created"}
    assert types("resource_types=key") == {"key.created"}
    events = api.get(f"/events?user_id={ana}").json["data"]
    assert {event["aggregate_id"] for event in events} >= {ana}
    assert all(ana in event["metadata"]["user_ids"] for event in events)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("types=nothing.*", "types"),
        ("types=", "types"),
        ("types=order", "types"),
        ("resource_types=cat", "resource_types.0"),
        ("cursor=abc", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
    ],
)
def test_a_bad_filter_or_cursor_is_refused(api: Caller, query: str, field: str) -> None:
    answer = api.get(f"/events?{query}")
    assert (answer.status_code, set(fields(answer))) == (400, {field})


def test_a_stream_begins_with_the_position_and_goes_on_with_what_is_new(api: Caller) -> None:
    _users(api, 1)
    head = api.get("/events?limit=100").json["data"][-1]["sequence"]
    reader = Reader(api)
    assert reader.answer.mimetype == "text/event-stream"
    assert reader.answer.headers["X-Accel-Buffering"] == "no"
    assert "no-store" in reader.answer.headers["Cache-Control"]
    assert "X-Request-ID" in reader.answer.headers
    assert 1000 <= int(reader.next()["retry"]) < 2000
    hello = reader.next()
    assert (hello["event"], hello["id"]) == ("heartbeat", str(head))
    assert hello["data"]["head_sequence"] == head
    api.user("later")
    _sequence(api)
    assert reader.events(1) == [head + 1]
    reader.close()


@pytest.mark.parametrize("how", ["header", "cursor"])
def test_a_stream_resumes_after_the_position_it_is_given(api: Caller, how: str) -> None:
    _users(api, 4)
    reader = Reader(api, Last_Event_ID="2") if how == "header" else Reader(api, "?cursor=2")
    assert reader.events(3) == [3, 4, 5]
    reader.close()


def test_the_header_wins_over_the_cursor(api: Caller) -> None:
    _users(api, 4)
    reader = Reader(api, "?cursor=1", Last_Event_ID="3")
    assert reader.events(1) == [4]
    reader.close()


def test_a_position_of_nonsense_is_refused(api: Caller) -> None:
    for said in ("abc", "-1", "1.0", "9" * 30):
        answer = api.get("/events", Accept="text/event-stream", Last_Event_ID=said)
        assert (answer.status_code, set(fields(answer))) == (400, {"Last-Event-ID"})


def test_a_position_ahead_of_the_stream_is_answered_with_a_reset(api: Caller) -> None:
    _users(api, 2)
    reader = Reader(api, Last_Event_ID="4000")
    reader.next()
    reset = reader.next()
    assert (reset["event"], reset["data"]["reason"]) == ("reset", "ahead")
    assert reset["data"]["oldest_sequence"] == 1
    assert reader.events(2) == [1, 2]
    reader.close()


def test_a_position_older_than_what_is_kept_is_answered_with_a_reset(api: Caller) -> None:
    _users(api, 4)
    with atomic():
        Event.delete().where(Event.sequence <= 3).execute()
    reader = Reader(api, Last_Event_ID="1")
    reader.next()
    reset = reader.next()
    assert (reset["event"], reset["data"]["reason"]) == ("reset", "too_old")
    assert (reset["data"]["oldest_sequence"], reset["id"]) == (4, "3")
    assert reader.events(1) == [4]
    reader.close()
    fresh = Reader(api, Last_Event_ID="3")
    assert fresh.events(1) == [4]
    fresh.close()


@pytest.mark.usefixtures("quick")
def test_a_heartbeat_carries_the_position_past_what_a_filter_left_out(api: Caller) -> None:
    reader = Reader(api, "?types=topup.*&cursor=0")
    _users(api, 3)
    head = api.get("/events?limit=100").json["data"][-1]["sequence"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        message = reader.next()
        assert message.get("event") in {None, "heartbeat"}
        if message.get("id") == str(head):
            break
    else:
        pytest.fail("the position did not move")
    reader.close()


@pytest.mark.usefixtures("quick")
def test_a_revoked_key_ends_its_stream_within_a_heartbeat(api: Caller) -> None:
    other = api.with_scopes("read")
    reader = Reader(other)
    reader.next()
    api_keys.revoke_key(api.world.ctx, key_id=str(other.key_id))
    started = time.monotonic()
    for _ in reader.rest():
        pass
    assert time.monotonic() - started < 3
    reader.close()


def test_a_bound_token_streams_its_users_events_only(api: Caller) -> None:
    ana, bob = _users(api, 2)
    token = api.token(user_id=ana)
    reader = Reader(token, "?cursor=0")
    for _ in range(6):
        message = reader.next()
        if "sequence" in message.get("data", {}):
            assert ana in message["data"]["metadata"]["user_ids"]
        if message.get("event") == "user.created":
            break
    else:
        pytest.fail("the user's own event did not come")
    reader.close()
    refused = token.get(f"/events?user_id={bob}", Accept="text/event-stream")
    assert (refused.status_code, code(refused)) == (403, "INSUFFICIENT_SCOPE")


def test_a_bound_token_holds_one_stream_and_a_key_ten(api: Caller) -> None:
    ana = api.user("ana")
    token = api.token(user_id=ana)
    first = Reader(token)
    assert first.answer.status_code == 200
    second = token.get("/events", Accept="text/event-stream")
    assert (second.status_code, code(second)) == (429, "RATE_LIMITED")
    assert "Retry-After" in second.headers
    first.close()
    third = Reader(token)
    assert third.answer.status_code == 200
    third.close()
    readers = [Reader(api) for _ in range(10)]
    assert [reader.answer.status_code for reader in readers] == [200] * 10
    assert api.get("/events", Accept="text/event-stream").status_code == 429
    for reader in readers:
        reader.close()


def test_how_many_streams_may_be_open_is_a_setting(world: World) -> None:
    policy = replace(world.app.policy, streams_per_token=2, streams_per_key=1)
    api = open_api(world, app=replace(world.app, policy=policy))
    token = api.token(user_id=api.user("ana"))
    assert api.get("/config").json["data"]["limits"]["streams_per_token"] == 2
    for caller, most in ((token, 2), (api, 1)):
        readers = [Reader(caller) for _ in range(most)]
        assert [reader.answer.status_code for reader in readers] == [200] * most
        assert caller.get("/events", Accept="text/event-stream").status_code == 429
        for reader in readers:
            reader.close()


def test_a_deployment_has_so_many_streams_and_operators_come_on_top(world: World) -> None:
    operator = open_api(world, event_streams=2)
    ana, bob = (operator.with_scopes("read") for _ in range(2))
    first, second = Reader(ana), Reader(bob)
    refused = ana.get("/events", Accept="text/event-stream")
    assert (refused.status_code, code(refused)) == (429, "RATE_LIMITED")
    assert "All 2 event streams" in refused.json["error"]["message"]
    assert int(refused.headers["Retry-After"]) >= 1
    assert ana.get("/events").status_code == 200, "a page needs no place among the streams"
    watching = Reader(operator)
    assert watching.answer.status_code == 200
    second.close()
    again = Reader(ana)
    assert again.answer.status_code == 200
    for reader in (first, watching, again):
        reader.close()


def test_a_reader_that_comes_and_goes_misses_nothing(api: Caller) -> None:
    """Writers commit and the relay sequences while the reader reconnects again and again."""
    stop = threading.Event()

    def write() -> None:
        for number in range(30):
            api_keys.create_key(api.world.ctx, name=f"k{number}", scopes_wanted=["read"])
            _sequence(api)
        stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen: list[int] = []
    while len(seen) < 31:
        position = str(seen[-1]) if seen else "0"
        reader = Reader(api, Last_Event_ID=position)
        seen += reader.events(min(3, 31 - len(seen)))
        reader.close()
        api.flask_app.extensions["offerhub"].app.redis.flushall()
    thread.join(20)
    assert seen == list(range(1, 32))
    assert stop.is_set()
