"""What a process that dies at the wrong moment, and a reader that comes late, must not lose."""

import pytest

from offerhub.events import stream
from offerhub.store.database import after_commit, atomic, connection
from offerhub.store.events import Event
from tests.events.world import event, record, record_here, relay_all

pytestmark = pytest.mark.proves("P6")


class Killed(BaseException):
    """The process is gone: nothing of ours catches this."""


def test_a_death_right_after_the_commit_loses_no_event(database: str) -> None:
    def die() -> None:
        raise Killed

    def cause() -> None:
        with atomic():
            after_commit(die)
            record_here(event("ord_1"), event("ord_2"))

    with pytest.raises(Killed):
        cause()
    with connection():
        kept = [row.aggregate_id for row in Event.select().order_by(Event.position)]
    assert kept == ["ord_1", "ord_2"]
    assert relay_all() == 2


def test_more_than_a_thousand_events_are_read_from_the_first(database: str) -> None:
    """All of one millisecond, in pages, from the beginning and from any place."""
    for batch in range(6):
        record(*[event(f"ord_{batch}_{number}") for number in range(200)])
    assert relay_all() == 1_200
    read, after = [], 0
    while page := stream.page(after, limit=100):
        read += [int(one.sequence or 0) for one in page]
        after = read[-1]
    assert read == list(range(1, 1_201))
    assert [one.sequence for one in stream.page(7, limit=2)] == [8, 9]
