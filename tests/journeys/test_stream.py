"""The event stream over restarts of the API: cut, resumed by Last-Event-ID, complete."""

import time

from proof.rig.stream import Reader
from tests.journeys.market import Market, People, until
from tests.journeys.steps import Steps


def head(market: Market) -> int:
    return int(market.rows("SELECT max(sequence) FROM events")[0][0] or 0)


def test_a_reader_that_is_cut_again_and_again_sees_each_event_once(
    market: Market, people: People
) -> None:
    first = head(market)
    reader = Reader(market.url, market.key, after=first)
    reader.thread.start()
    steps = Steps(market, people)
    gaps_s = []
    for number, step in enumerate(("escrow", "fund", "release")):
        until(lambda number=number: reader.connections > number, "the stream")
        cut_at = time.monotonic()
        dead = market.kill("api") if step == "fund" else market.kill_group("api")
        steps.do(step)
        market.wait_restarted("api", dead)
        until(lambda number=number: reader.connections > number + 1, "the stream again")
        gaps_s.append(time.monotonic() - cut_at)
    market.wait_restarted("relay", market.kill("relay"))
    steps.do("withdrawal")
    unplaced = "SELECT count(*) FROM events WHERE sequence IS NULL"
    until(lambda: market.rows(unplaced)[0][0] == 0, "all events to be placed")
    last = head(market)
    until(lambda: reader.seen and reader.seen[-1][0] >= last, "the reader to catch up")
    reader.stopping.set()
    pages = market.client.events.list(after=first, limit=100).every_item()
    listed = [(event.sequence, event.event_id) for event in pages if event.sequence <= last]
    received = [pair for pair in reader.seen if pair[0] <= last]
    print(
        f"{len(received)} events over {reader.connections} connections; the stream was back"
        f" {', '.join(f'{gap_s:.1f}' for gap_s in gaps_s)} s after a kill"
    )
    assert [sequence for sequence, _ in received] == list(range(first + 1, last + 1))
    assert received == listed
    assert reader.resets == 0
    market.books_match()
