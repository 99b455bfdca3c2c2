"""Keeping what was read: pages join, fresh first pages merge."""

from dataclasses import dataclass

from offerhub_tui.messages import Problem
from offerhub_tui.pace import Pace
from offerhub_tui.snapshots import Listed, Snapshots

from tests.tui.world import START

TOPIC = ("orders",)


@dataclass(frozen=True)
class Item:
    id: str
    version: int = 1


def listed(*ids: str, cursor: str | None = None, version: int = 1) -> Listed:
    return Listed(tuple(Item(ident, version) for ident in ids), cursor)


def after(*results: tuple[Listed, str | None]) -> Listed:
    snapshots = Snapshots()
    for value, cursor in results:
        snapshots.loaded(TOPIC, value, cursor=cursor, at=START)
    return snapshots.of(TOPIC).listed


def test_the_next_page_is_appended_without_doubles() -> None:
    found = after((listed("4", "3", cursor="c"), None), (listed("3", "2", "1"), "c"))
    assert [item.id for item in found.items] == ["4", "3", "2", "1"]
    assert found.next_cursor is None


def test_a_fresh_first_page_keeps_the_older_rows_below_it() -> None:
    found = after(
        (listed("3", "2", cursor="c"), None),
        (listed("1", "0", cursor="d"), "c"),
        (listed("4", "3", cursor="b", version=2), None),
    )
    assert [item.id for item in found.items] == ["4", "3", "2", "1", "0"]
    assert found.items[1].version == 2
    assert found.next_cursor == "d"


def test_a_fresh_first_page_that_does_not_join_replaces_everything() -> None:
    found = after((listed("2", "1", cursor="c"), None), (listed("9", "8", cursor="b"), None))
    assert [item.id for item in found.items] == ["9", "8"]
    assert found.next_cursor == "b"


def test_a_whole_list_that_shrank_is_taken_as_it_is() -> None:
    assert [i.id for i in after((listed("2", "1"), None), (listed("2"), None)).items] == ["2"]


def test_a_failure_keeps_the_last_known_value() -> None:
    snapshots = Snapshots()
    snapshots.loaded(TOPIC, listed("1"), cursor=None, at=START)
    snapshots.failed(TOPIC, Problem("gone", offline=True))
    found = snapshots.of(TOPIC)
    assert found.known
    assert found.listed.items[0].id == "1"
    assert found.problem is not None


def test_small_reads_are_paced_after_a_burst() -> None:
    pace = Pace(burst=2, per_s=0.5)
    assert [pace.wait_s(100.0), pace.wait_s(100.0)] == [0.0, 0.0]
    assert pace.wait_s(100.0) == 2.0
    assert pace.wait_s(102.0) == 2.0
    assert pace.wait_s(200.0) == 0.0
