"""`offerhub status` in words: processes, parts and leases, also those that it does not know."""

from typing import Any

import pytest

from offerhub.cli.status import _words

HELD = {
    "name": "relay", "state": "HELD", "holder": "machine-1:4711:ab12cd34", "fencing_token": 7,
    "since": "2026-01-10T12:00:00.000Z", "until": "2026-01-10T12:00:05.000Z", "standbys": 2,
}  # fmt: skip
FREE = {
    "name": "deposits", "state": "FREE", "holder": None, "fencing_token": 3, "since": None,
    "until": None, "standbys": 0,
}  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    process = {
        "name": "api", "summary": "the API", "state": "running", "pid": 4, "uptime_s": 7_300,
    }  # fmt: skip
    return {
        "status": "ok", "url": "https://pay.example", "environment": "production",
        "supervised": True, "ready": True, "processes": [process], "health": None, "leases": None,
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lease", "line"),
    [
        (
            HELD,
            "    relay lease: machine-1:4711:ab12cd34 since 2026-01-10T12:00:00.000Z,"
            " until 2026-01-10T12:00:05.000Z, token 7, 2 standing by",
        ),
        (
            HELD | {"standbys": 0, "since": None},
            "    relay lease: machine-1:4711:ab12cd34, until 2026-01-10T12:00:05.000Z, token 7,"
            " nobody stands by",
        ),
        (FREE, "    deposits lease: held by nobody, nobody stands by"),
        (FREE | {"standbys": 1}, "    deposits lease: held by nobody, 1 standing by"),
    ],
)
def test_a_lease_is_told_with_its_holder_and_who_stands_by(
    lease: dict[str, Any], line: str
) -> None:
    assert _words(report(leases=[lease])).splitlines()[-1] == line


def test_every_part_is_told_whatever_it_is() -> None:
    parts = {
        "database": {"status": "healthy", "detail": None, "latency_ms": 1},
        "books": {
            "status": "degraded",
            "detail": "not checked for 3 h: run `offerhub ledger check`",
        },
        "newer": {"status": "odd"},
        "oddest": "fine",
    }
    lines = _words(report(health={"components": parts})).splitlines()
    assert lines[-4:] == [
        "    database: healthy",
        "    books: degraded (not checked for 3 h: run `offerhub ledger check`)",
        "    newer: odd",
        "    oddest: fine",
    ]
    assert lines[:3] == [
        "OfferHub is ok (production): https://pay.example",
        "  api  running for 2 h (the API)",
        "  API is ready",
    ]


def test_without_an_answer_nothing_is_made_up() -> None:
    assert "lease" not in _words(report(ready=False))
