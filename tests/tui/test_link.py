"""LIVE, STALE and OFFLINE, by the clock."""

from datetime import timedelta

import pytest
from offerhub_tui.link import Freshness, Kind, Link, Signal

from tests.tui.world import START


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def after(*signals: Signal) -> Link:
    link = Link()
    for signal in signals:
        link = link.after(signal)
    return link


def beats(*seconds: float) -> list[Signal]:
    return [Signal(Kind.HEARTBEAT, at(s)) for s in seconds]


def test_before_the_first_answer_it_says_connecting() -> None:
    assert Link().freshness(START) is Freshness.CONNECTING


def test_a_first_failure_is_offline_with_a_countdown() -> None:
    link = after(Signal(Kind.DOWN, START, "connection refused", 7.0, 1))
    assert link.freshness(START) is Freshness.OFFLINE
    assert link.words(at(0)) == "OFFLINE since 12:04 · retry in 7s (attempt 2)"
    assert link.words(at(5)) == "OFFLINE since 12:04 · retry in 2s (attempt 2)"
    assert link.words(at(9)) == "OFFLINE since 12:04 · retrying (attempt 2)"


def test_offline_counts_from_the_first_failure() -> None:
    link = after(
        Signal(Kind.CONNECTED, START),
        Signal(Kind.DOWN, at(60), "reset", 1.0, 1),
        Signal(Kind.DOWN, at(300), "refused", 30.0, 9),
    )
    assert link.words(at(300)).startswith("OFFLINE since 12:05")


def test_it_is_stale_after_two_missed_heartbeats() -> None:
    link = after(Signal(Kind.CONNECTED, START), *beats(0, 5))
    assert link.freshness(at(14.9)) is Freshness.LIVE
    assert link.freshness(at(15)) is Freshness.STALE
    assert link.words(at(19)) == "STALE 14s · no heartbeat"


def test_an_event_is_a_sign_of_life() -> None:
    link = after(Signal(Kind.CONNECTED, START), *beats(0, 5), Signal(Kind.EVENT, at(14)))
    assert link.freshness(at(20)) is Freshness.LIVE


@pytest.mark.parametrize(
    ("gaps", "interval_s"),
    [((0, 5), 5.0), ((0, 0.01), 15.0), ((0, 2), 5.0), ((0, 60), 15.0), ((0, 15, 15.01), 15.0)],
)
def test_the_interval_is_learned_within_the_contracts_bounds(gaps, interval_s) -> None:
    assert after(*beats(*gaps)).interval_s == interval_s


def test_without_a_stream_successful_reads_make_it_stale_not_offline() -> None:
    link = after(Signal(Kind.DOWN, START, "blocked", 1.0, 1)).after_read(at(20))
    assert link.polling
    assert link.words(at(23)) == "STALE 3s · no event stream, polling every 5s"
    assert link.freshness(at(40)) is Freshness.OFFLINE


def test_reads_over_the_link_that_broke_do_not_count() -> None:
    link = after(Signal(Kind.CONNECTED, START)).after_read(START)
    down = link.after(Signal(Kind.DOWN, at(1), "reset", 1.0, 1))
    assert down.freshness(at(1)) is Freshness.OFFLINE
    assert down.after_read(at(2)).freshness(at(2)) is Freshness.STALE
    assert down.after_read(at(2)).after_unreachable().freshness(at(3)) is Freshness.OFFLINE


def test_reads_do_not_make_a_silent_stream_live() -> None:
    link = after(Signal(Kind.CONNECTED, START), *beats(0, 5)).after_read(at(59))
    assert link.freshness(at(60)) is Freshness.STALE


def test_coming_back_clears_the_failure() -> None:
    link = after(Signal(Kind.DOWN, START, "refused", 9.0, 4), Signal(Kind.CONNECTED, at(9)))
    assert link.words(at(9)) == "LIVE"
    assert not link.polling
