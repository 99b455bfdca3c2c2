"""What may be done, and why not."""

from datetime import timedelta

import pytest
from offerhub_tui.link import Freshness
from offerhub_tui.session import Session

from tests.tui.world import START

OPEN = Session(environment="demo", scopes=("admin",), unlocked=True, used_at=START)


@pytest.mark.parametrize(
    ("session", "freshness", "why"),
    [
        (OPEN, Freshness.LIVE, None),
        (Session(unlocked=True), Freshness.LIVE, "not answered"),
        (Session(environment="demo", scopes=("read",), unlocked=True), Freshness.LIVE, "scope"),
        (Session(environment="demo", scopes=("admin",)), Freshness.LIVE, "read-only"),
        (OPEN, Freshness.STALE, "STALE"),
        (OPEN, Freshness.OFFLINE, "OFFLINE"),
        (OPEN, Freshness.CONNECTING, "CONNECTING"),
    ],
)
def test_a_change_needs_everything_at_once(session, freshness, why) -> None:
    said = session.why_not("write", freshness)
    assert (said is None) if why is None else (why in said)


def test_ten_idle_minutes_lock_it_again() -> None:
    almost, over = START + timedelta(minutes=9, seconds=59), START + timedelta(minutes=10)
    assert OPEN.relocked_if_idle(almost).unlocked
    assert not OPEN.relocked_if_idle(over).unlocked
    assert OPEN.touched(almost).relocked_if_idle(over).unlocked
