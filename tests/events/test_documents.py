"""The generated documents: complete, and as they are in the repository."""

from collections.abc import Callable
from pathlib import Path

import pytest

from offerhub.cli import docs
from offerhub.domain.errors import CATALOG
from offerhub.domain.events import EVENT_TYPES
from offerhub.domain.orders import ORDER
from offerhub.events.catalogue import DESCRIBED

FOLDER = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("state-machines.md", docs.state_machines_text),
        ("events.md", docs.events_text),
        ("errors.md", docs.errors_text),
    ],
)
def test_a_document_is_the_one_that_the_code_prints(name: str, made: Callable[[], str]) -> None:
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert kept == made(), f"docs/{name} is out of date: ./run docs"


def test_every_event_is_described_once_and_no_other() -> None:
    assert list(DESCRIBED) == list(EVENT_TYPES)
    for described in DESCRIBED.values():
        assert described.when.endswith(".")
        assert described.payload
        assert described.users


def test_every_event_error_and_change_of_state_is_in_its_document() -> None:
    events, errors, states = docs.events_text(), docs.errors_text(), docs.state_machines_text()
    for name in EVENT_TYPES:
        assert events.count(f"| `{name}` |") == 1
    for code in CATALOG:
        assert errors.count(f"| `{code}` |") == 1
    for source in ORDER.table:
        targets = ", ".join(f"`{t}`" for t in ORDER.allowed(source)) or "(the end)"
        assert f"| `{source}` | {targets} |" in states
