"""Run the chosen cases in their three ways, one after the other: nothing disturbs a timing."""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from proof.catalogue import CASES, NO_DATABASE, Case, by_way
from proof.plan import Database, Plan, Result
from proof.suites import Suites

RigCase = Callable[[Plan], Result]


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    databases: tuple[Database, ...]
    seed: int
    full: bool
    kills: int
    workers: int
    mutants: tuple[str, ...] = ()


def run(cases: Sequence[Case], options: Options) -> Iterator[Result]:
    """Every result as it is known. No case ends the run, whatever goes wrong in it."""
    suites = Suites(
        databases=options.databases, seed=options.seed, full=options.full, workers=options.workers
    )
    yield from suites.run(by_way(cases, "suite"))
    yield from _rig(by_way(cases, "rig"), options)
    yield from _mutants(by_way(cases, "mutant"), options)


def plan(case: Case, database: Database, options: Options) -> Plan:
    """How much a rig case is to do; the kills are divided among the databases."""
    databases = databases_of(case, options)
    return Plan(
        database=database,
        seed=options.seed,
        full=options.full,
        kills=-(-options.kills // len(databases)),
        restarts=50 if options.full else 4,
        seconds=600.0 if options.full else 15.0,
    )


def _rig(cases: Sequence[Case], options: Options) -> Iterator[Result]:
    """All cases on one database, then on the other: its deployment serves one after the other."""
    if not cases:
        return
    from proof import rig

    for database in options.databases:
        for case in cases:
            if database in databases_of(case, options):
                asked = plan(case, database, options)
                yield guarded(case.id, asked, rig.CASES.get(case.id, _missing))
        rig.close_all()


def databases_of(case: Case, options: Options) -> list[Database]:
    """Where a rig case runs: a quick run that may choose takes the case's quick ones."""
    may_choose = not options.full and len(options.databases) > 1
    allowed = case.quick if may_choose else case.databases
    return [d for d in options.databases if d in allowed and d in case.databases]


def _missing(plan: Plan) -> Result:
    raise LookupError("the rig has no such case")


def guarded(case_id: str, plan: Plan, run_case: RigCase) -> Result:
    """The result of a rig case; an exception in it is a failure that says where."""
    started = time.monotonic()
    try:
        return run_case(plan)
    except Exception as error:  # noqa: BLE001 - reported as this case's failure, with its trace
        took_s = time.monotonic() - started
        return _broken(case_id, plan.database, error, seed=plan.seed, took_s=took_s)


def _broken(case_id: str, database: str, error: Exception, *, seed: int, took_s: float) -> Result:
    trace = traceback.format_exception(error)
    findings = [repr(error), *"".join(trace).splitlines()[-6:]]
    return Result(case_id, database, False, took_s, seed, findings=findings)


def _mutants(cases: Sequence[Case], options: Options) -> Iterator[Result]:
    names = [case.id for case in cases] + list(options.mutants)
    if not names:
        return
    # Whoever runs a full proof of all cases wants every mutant, also those without a place here.
    everything = options.full and {case.id for case in CASES if "mutant" in case.ways} <= set(names)
    started = time.monotonic()
    try:
        from proof import mutants

        yield from mutants.run(None if everything else names, workers=options.workers)
    except Exception as error:  # noqa: BLE001 - reported as a failure of all of them
        took_s = time.monotonic() - started
        for name in names:
            yield _broken(name, NO_DATABASE, error, seed=options.seed, took_s=took_s)
