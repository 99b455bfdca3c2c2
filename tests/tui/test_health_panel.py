"""The overview's health: every part has its line, or what is wrong comes before what is well."""

import pytest
from offerhub_tui.gateway import Health
from offerhub_tui.screens.overview import HEALTH_LINES, _health
from offerhub_tui.snapshots import Snapshot


def lines(**parts: object) -> list[str]:
    health = Health(status="degraded", components=parts)
    return _health(Snapshot(value=health)).plain.splitlines()


def test_few_parts_keep_their_order_and_say_what_is_wrong() -> None:
    assert lines(
        database={"status": "healthy", "detail": None},
        books={"status": "degraded", "detail": "not checked:\n run `offerhub ledger check`"},
        trustless_work={"status": "odd", "detail": 7},
        newer="healthy",
        oddest=[1],
    ) == [
        "appliance       ▲ degraded",
        "database        ■ healthy",
        "books           ▲ degraded  not checked: run `offerhub ledger check`",
        "trustless work    odd",
        "newer           ■ healthy",
        "oddest          ○ unknown",
    ]


@pytest.mark.parametrize(
    ("well", "unwell", "last"),
    [(13, 0, "3 more          ■ healthy"), (13, 1, "4 more          ■ healthy"),
     (10, 14, "14 more         ▲ degraded  4 of them")],
)  # fmt: skip
def test_of_many_parts_those_that_need_eyes_come_first_and_none_is_cut_off_unsaid(
    well: int, unwell: int, last: str
) -> None:
    shown = lines(
        **{f"well_{n}": {"status": "healthy"} for n in range(well)},
        **{f"odd_{n}": {"status": "degraded", "detail": "look"} for n in range(unwell)},
    )
    assert len(shown) == HEALTH_LINES
    troubled = [line for line in shown[1:-1] if line.endswith("look")]
    assert shown[1 : 1 + len(troubled)] == troubled
    assert len(troubled) == min(unwell, HEALTH_LINES - 2)
    assert shown[-1] == last
