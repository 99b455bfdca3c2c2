"""What a case is asked to do, and what it answers. Shared by all ways to run a case."""

from dataclasses import dataclass, field
from typing import Literal

Database = Literal["sqlite", "postgres"]
DATABASES: tuple[Database, ...] = ("sqlite", "postgres")
Figure = float | int | str
# Case, way and database.
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Plan:
    """How much one case is to do on one database.

    kills: processes to end with SIGKILL; restarts: of the database server; seconds: the least
    time under load, for cases that are counted in time; soak_h: how many hours F28 lasts.
    """

    database: Database
    seed: int
    full: bool
    kills: int
    restarts: int
    seconds: float
    soak_h: float = 0.0


@dataclass(frozen=True)
class Result:
    """What came of one case on one database.

    findings: what did not hold, a sentence each; a result that passed has none. way: in which of
    a case's ways it was run, for F11 has two. commit, at (UTC, when it was known): of the part of a
    run that it belongs to; the record fills them in.
    """

    case: str
    database: str
    passed: bool
    took_s: float
    seed: int
    figures: dict[str, Figure] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    way: str = ""
    commit: str = ""
    at: str = ""

    @property
    def place(self) -> Place:
        """What this is the result of; another result of the same takes its place."""
        return self.case, self.way, self.database
