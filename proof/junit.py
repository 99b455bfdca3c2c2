"""Read what pytest wrote about a run: which tests of which case passed, and their figures."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from proof.catalogue import BOTH, NO_DATABASE
from proof.plan import DATABASES

_FIGURE = "figure:"
_CASE, _DATABASE = "proves", "database"
_TIMES = ("_s", "_ms")


@dataclass
class Tally:
    """The tests of one case on one database."""

    passed: int = 0
    failed: int = 0
    took_s: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def note(self, name: str, value: float) -> None:
        """Add a figure up; of times keep the greatest."""
        before = self.figures.get(name)
        if before is None:
            self.figures[name] = value
        else:
            self.figures[name] = max(before, value) if name.endswith(_TIMES) else before + value


def database_of(test_id: str, used: Collection[str] = ()) -> str:
    """Which database a test used, as its id says or else as its fixtures noted.

    Of the id the parameters decide (`[sqlite-…]`), and without any the names of test and file.
    """
    name, _, parameters = test_id.partition("[")
    for found in (_named(parameters), set(used) & set(DATABASES), _named(name)):
        if found:
            return BOTH if len(found) > 1 else found.pop()
    return NO_DATABASE


def _named(text: str) -> set[str]:
    return {database for database in DATABASES if database in text}


def tallies(report: Path) -> dict[tuple[str, str], Tally]:
    """(case, database) -> its tests. A skipped test counts as failed: it showed nothing."""
    found: dict[tuple[str, str], Tally] = {}
    # Our own pytest wrote the file a moment ago.
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        test_id = f"{test.get('classname', '').replace('.', '/')}::{test.get('name', '')}"
        properties = [(p.get("name", ""), p.get("value", "")) for p in test.iter("property")]
        problem = next((e for e in test if e.tag in {"failure", "error", "skipped"}), None)
        used = {value for name, value in properties if name == _DATABASE}
        for case in {value for name, value in properties if name == _CASE}:
            tally = found.setdefault((case, database_of(test_id, used)), Tally())
            tally.took_s += float(test.get("time", 0))
            for name, value in properties:
                if name.startswith(_FIGURE):
                    tally.note(name.removeprefix(_FIGURE), float(value))
            if problem is None:
                tally.passed += 1
            else:
                tally.failed += 1
                tally.findings.append(f"{test_id}: {_first_line(problem)}")
    return found


def _first_line(problem: ElementTree.Element) -> str:
    text = problem.get("message") or problem.text or problem.tag
    return text.strip().splitlines()[0][:300]
