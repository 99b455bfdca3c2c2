"""The event stream over a real socket: resuming, reconnecting, ending."""

import json
import threading
import time

import pytest

from offerhub.sdk import (
    Connected,
    Event,
    EventsLost,
    Heartbeat,
    InvalidApiKey,
    Reconnecting,
    Reset,
    UnexpectedAnswer,
)
from offerhub.sdk.sse import Comment, Message, RetryHint, read_parts
from tests.sdk.samples import event


def sent(sequence: int, **changes) -> str:
    data = json.dumps(event(sequence, **changes))
    return f"id: {sequence}\nevent: order.created\ndata: {data}\n\n"


def streaming(*texts: str, hold: threading.Event | None = None):
    def act(handler) -> None:
        handler.start_stream()
        for text in texts:
            handler.push(text)
        if hold is not None:
            hold.wait(10)

    return act


@pytest.fixture
def hold():
    gate = threading.Event()
    yield gate
    gate.set()


def take(stream, count: int) -> list:
    items = []
    for item in stream:
        items.append(item)
        if len(items) == count:
            break
    return items


def test_events_and_heartbeats_arrive_in_order(script, client, hold) -> None:
    script.do(streaming(sent(5), ": hb\n\n", sent(6), hold=hold))
    with client.events.stream(after=4, types=["order.*"], user_id="usr_1") as stream:
        items = take(stream, 4)
    assert [type(item) for item in items] == [Connected, Event, Heartbeat, Event]
    assert [item.sequence for item in items if isinstance(item, Event)] == [5, 6]
    assert stream.last_sequence == 6
    seen = script.seen[0]
    assert seen.headers["last-event-id"] == "4"
    assert seen.headers["accept"] == "text/event-stream"
    assert seen.query == {"types": "order.*", "user_id": "usr_1"}


def test_from_now_on_sends_no_position(script, client, hold) -> None:
    script.do(streaming(hold=hold))
    with client.events.stream() as stream:
        assert take(stream, 1) == [Connected(None)]
    assert "last-event-id" not in script.seen[0].headers


def test_a_link_cut_before_any_event_resumes_at_the_position_it_was_told(
    script, client, hold
) -> None:
    beat = 'id: 41\nevent: heartbeat\ndata: {"position": 41, "head_sequence": 41}\n\n'
    script.do(streaming(beat)).do(streaming(sent(42), hold=hold))
    with client.events.stream() as stream:
        items = take(stream, 5)
    assert items[1] == Heartbeat(41)
    assert items[3:] == [Connected(41), items[4]]
    assert items[4].sequence == 42
    assert script.seen[1].headers["last-event-id"] == "41"


def test_a_position_never_goes_back(script, client, hold) -> None:
    beat = 'event: heartbeat\ndata: {"position": 3}\n\n'
    script.do(streaming(sent(5), beat, sent(5), sent(6), hold=hold))
    with client.events.stream(after=4) as stream:
        items = take(stream, 4)
    assert [i.sequence for i in items if isinstance(i, Event)] == [5, 6]


def test_a_cut_link_resumes_after_the_last_event_and_drops_doubles(script, client, hold) -> None:
    script.do(streaming(sent(1), sent(2))).do(streaming(sent(2), sent(3), hold=hold))
    with client.events.stream(after=0) as stream:
        items = take(stream, 6)
    assert [i.sequence for i in items if isinstance(i, Event)] == [1, 2, 3]
    assert isinstance(items[3], Reconnecting)
    assert items[4] == Connected(2)
    assert script.seen[1].headers["last-event-id"] == "2"


def test_an_unfinished_event_at_the_cut_is_not_delivered(script, client, hold) -> None:
    script.do(streaming(sent(1), sent(2)[:-1])).do(streaming(sent(2), hold=hold))
    with client.events.stream(after=0) as stream:
        items = take(stream, 5)
    assert [i.sequence for i in items if isinstance(i, Event)] == [1, 2]
    assert script.seen[1].headers["last-event-id"] == "1"


def test_it_reconnects_with_growing_pauses_while_the_server_fails(script, client, hold) -> None:
    for _ in range(3):
        script.error(503, "PROVIDER_UNAVAILABLE")
    script.do(streaming(hold=hold))
    with client.events.stream() as stream:
        items = take(stream, 4)
    assert [(i.attempt, i.pause_s) for i in items[:3]] == [(1, 0.02), (2, 0.04), (3, 0.08)]
    assert isinstance(items[3], Connected)


def test_a_bound_on_attempts_ends_it_with_the_failure(script, client) -> None:
    script.hang_up().hang_up()
    with (
        client.events.stream(max_attempts=2) as stream,
        pytest.raises(UnexpectedAnswer, match="2 attempts"),
    ):
        list(stream)


def test_a_refused_key_is_not_tried_again(script, client) -> None:
    script.error(401, "INVALID_API_KEY")
    with client.events.stream() as stream, pytest.raises(InvalidApiKey):
        list(stream)
    assert len(script.seen) == 1


def test_a_reset_is_told_and_the_stream_goes_on_from_the_oldest(script, client, hold) -> None:
    reset = 'event: reset\ndata: {"oldest_sequence": 40}\n\n'
    script.do(streaming(reset, sent(40), hold=hold))
    with client.events.stream(after=3) as stream:
        items = take(stream, 3)
    assert items[1] == Reset(40)
    assert items[2].sequence == 40


def test_listening_raises_on_a_reset(script, client) -> None:
    script.do(streaming('event: reset\ndata: {"oldest_sequence": 40}\n\n'))
    with pytest.raises(EventsLost) as caught:
        list(client.events.listen(after=3))
    assert caught.value.oldest_sequence == 40


def test_silence_is_a_dead_link(script, client, hold) -> None:
    script.do(streaming(hold=hold)).do(streaming(hold=hold))
    with client.events.stream(silence_s=0.15) as stream:
        items = take(stream, 3)
    assert isinstance(items[1], Reconnecting)
    assert items[1].reason == "no heartbeat"
    assert isinstance(items[2], Connected)


def test_closing_from_another_thread_wakes_a_reader(script, client, hold) -> None:
    script.do(streaming(hold=hold))
    stream = client.events.stream(silence_s=30)
    connected = threading.Event()

    def read() -> None:
        for item in stream:
            if isinstance(item, Connected):
                connected.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert connected.wait(5)
    started = time.monotonic()
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    assert time.monotonic() - started < 2


def test_a_pause_can_be_cut_short(script, client, hold) -> None:
    script.error(503, "MAINTENANCE", headers={"Retry-After": "25"}).do(streaming(hold=hold))
    stream = client.events.stream()
    started = time.monotonic()
    for item in stream:
        if isinstance(item, Reconnecting):
            assert item.pause_s == 25
            threading.Timer(0.05, stream.reconnect_now).start()
        else:
            break
    assert time.monotonic() - started < 5
    stream.close()


def test_a_page_instead_of_a_stream_is_a_failure(script, client) -> None:
    script.answer(200, b"<html>", headers={"Content-Type": "text/html"})
    with client.events.stream(max_attempts=1) as stream, pytest.raises(UnexpectedAnswer):
        list(stream)


def test_a_page_can_start_behind_a_position(script, client) -> None:
    script.data([event(8)])
    assert client.events.list(after=7, limit=1).items[0].sequence == 8
    assert script.seen[0].query == {"limit": "1", "cursor": "7"}


def test_history_is_read_as_pages(script, client) -> None:
    script.data([event(1), event(2)], next_cursor="c").data([event(3)])
    assert [e.sequence for e in client.events.iterate(types=["order.*"])] == [1, 2, 3]
    assert script.seen[0].headers["accept"] == "application/json"
    assert script.seen[1].query == {"limit": "100", "types": "order.*", "cursor": "c"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_format_is_read_however_the_bytes_are_cut(size: int, end: str) -> None:
    lines = [
        "\ufeffretry: 1500",
        ": beat",
        "id: 7",
        "event: order.created",
        "data: {",
        "data:  1\u2028}",
        "",
        "nonsense",
        "data",
        "",
        "data: unfinished",
    ]
    raw = end.join(lines).encode()
    chunks = [raw[i : i + size] for i in range(0, len(raw), size)]
    assert list(read_parts(chunks)) == [
        RetryHint(1.5),
        Comment("beat"),
        Message("order.created", "{\n 1\u2028}", "7"),
        Message("message", "", None),
    ]
