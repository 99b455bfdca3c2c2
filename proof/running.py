"""Run the chosen cases in their three ways, one after the other: nothing disturbs a timing."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from proof.catalogue import NO_DATABASE, Case, Way
from proof.parts import Work, rig_databases
from proof.plan import Database, Plan, Result
from proof.suites import Suites

RigCase = Callable[[Plan], Result]


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line. soak_h: 0 when F28 is not to run."""

    databases: tuple[Database, ...]
    seed: int
    full: bool
    kills: int
    workers: int
    soak_h: float = 0.0


def run(work: Work, options: Options) -> Iterator[Result]:
    """Every result as it is known. No case ends the run, whatever goes wrong in it."""
    for databases, cases in work.suites:
        suites = Suites(
            databases=databases, seed=options.seed, full=options.full, workers=options.workers
        )
        yield from _by(suites.run(cases), "suite")
    yield from _by(_rig(work.rig, options), "rig")
    yield from _by(_mutants(work.mutants, options), "mutant")


def _by(results: Iterable[Result], way: Way) -> Iterator[Result]:
    return (replace(result, way=way) for result in results)


def plan(case: Case, database: Database, options: Options) -> Plan:
    """How much a rig case is to do; the kills are divided among the databases."""
    databases = rig_databases(case, options.databases, full=options.full)
    return Plan(
        database=database,
        seed=options.seed,
        full=options.full,
        kills=-(-options.kills // len(databases)),
        restarts=50 if options.full else 3,
        seconds=600.0 if options.full else 10.0,
        soak_h=options.soak_h,
    )


def _rig(pairs: Sequence[tuple[Case, Database]], options: Options) -> Iterator[Result]:
    """All cases on one database, then on the other: its deployment serves one after the other."""
    if not pairs:
        return
    from proof import rig

    for database in dict.fromkeys(database for _, database in pairs):
        for case in (case for case, of_case in pairs if of_case == database):
            asked = plan(case, database, options)
            yield guarded(case.id, asked, rig.CASES.get(case.id, _missing))
        rig.close_all()


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


def _mutants(names: Sequence[str], options: Options) -> Iterator[Result]:
    if not names:
        return
    started = time.monotonic()
    try:
        from proof import mutants

        yield from mutants.run(names, workers=options.workers)
    except Exception as error:  # noqa: BLE001 - reported as a failure of all of them
        took_s = time.monotonic() - started
        for name in names:
            yield _broken(name, NO_DATABASE, error, seed=options.seed, took_s=took_s)
