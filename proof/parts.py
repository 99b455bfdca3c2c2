"""What is to be done: everything that was asked for, or what an earlier part of the run lacks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from proof.catalogue import NO_DATABASE, Case, by_way
from proof.plan import DATABASES, Database, Place, Result

Databases = tuple[Database, ...]
WHOLE_SOAK_H = 24.0


@dataclass(frozen=True)
class Work:
    """suites: cases, and the databases of one call of pytest; rig: a case on a database each."""

    suites: Sequence[tuple[Databases, Sequence[Case]]]
    rig: Sequence[tuple[Case, Database]]
    mutants: Sequence[str]

    def names(self) -> list[str]:
        """What it is, for people: `F7 postgres`, `P3`."""
        suites = [
            case.id if databases == DATABASES else f"{case.id} {'+'.join(databases)}"
            for databases, cases in self.suites
            for case in cases
        ]
        rig = [f"{case.id} {database}" for case, database in self.rig]
        return list(dict.fromkeys([*suites, *rig, *self.mutants]))


def work(
    cases: Sequence[Case],
    mutants: Sequence[str],
    *,
    databases: Databases,
    full: bool,
    kept: Collection[Place] = (),
    soak: bool = False,
) -> Work:
    """All of these cases, and mutants that the catalogue does not name, but what is kept.

    soak: whether those too that run for hours.
    """
    groups: dict[Databases, list[Case]] = {}
    for case in by_way(cases, "suite"):
        lacking = _suite_lacks(case, databases, full=full, kept=kept)
        if lacking:
            groups.setdefault(lacking, []).append(case)
    on_rig = [*by_way(cases, "rig"), *(by_way(cases, "soak") if soak else [])]
    names = [*(case.id for case in by_way(cases, "mutant")), *mutants]
    return Work(
        suites=list(groups.items()),
        rig=[
            (case, database)
            for database in databases
            for case in on_rig
            if database in rig_databases(case, databases, full=full)
            and (case.id, "rig", database) not in kept
        ],
        mutants=[name for name in names if (name, "mutant", NO_DATABASE) not in kept],
    )


def rig_databases(case: Case, databases: Databases, *, full: bool) -> list[Database]:
    """Where a rig case runs: a quick run that may choose takes the case's quick ones."""
    may_choose = not full and len(databases) > 1
    allowed = case.quick if may_choose else case.databases
    return [d for d in databases if d in allowed and d in case.databases]


def suite_needs(case: Case, databases: Collection[str]) -> list[str]:
    """Of which databases a full run must have a result of this case's tests."""
    return [d for d in case.databases if d not in DATABASES or d in databases]


def _suite_lacks(
    case: Case, databases: Databases, *, full: bool, kept: Collection[Place]
) -> Databases:
    """Which databases its tests are to be run on; none if nothing is missing."""
    have = {database for id_, way, database in kept if (id_, way) == (case.id, "suite")}
    if not have:
        return databases
    if not full:  # one database that shows it is enough there
        return ()
    lacking = [needed for needed in suite_needs(case, databases) if needed not in have]
    on = tuple(database for database in databases if database in lacking)
    return on or (databases if lacking else ())


def soaks_left(cases: Sequence[Case], results: Sequence[Result]) -> list[str]:
    """The long cases that did not last for their whole time on any database, as people say it."""
    longest = {result.case: 0.0 for result in results}
    for result in results:
        hours = result.figures.get("hours", 0)
        longest[result.case] = max(longest[result.case], float(hours))
    return [
        f"{case.id} ({longest[case.id]:g} of {WHOLE_SOAK_H:g} h)" if case.id in longest else case.id
        for case in by_way(cases, "soak")
        if longest.get(case.id, 0.0) < WHOLE_SOAK_H
    ]
