"""`./run proof`: break everything on purpose and show that nothing is lost."""

import os
import signal
import sys
from pathlib import Path

import click

from proof import leftovers, lines, running
from proof.catalogue import UnknownCase, chosen, extra_mutants
from proof.documents import DOCUMENT, write_tables
from proof.parts import soaks_left, work
from proof.plan import DATABASES
from proof.record import CannotResume, Record

QUICK_KILLS, FULL_KILLS = 50, 1_000
SEED = 20_261_124


@click.command()
@click.option("--quick/--full", "quick", default=True, help="Minutes, or everything (hours).")
@click.option("--only", default="", metavar="CASES", help="These cases only: F1,F5,P3.")
@click.option("--database", type=click.Choice([*DATABASES, "both"]), default="both")
@click.option("--seed", type=int, help=f"{SEED} if it is not given; with --resume the file's.")
@click.option("--kills", type=click.IntRange(min=1), help="Kills of F1 in all (50; 1000 in full).")
@click.option("--soak", "soak_h", type=click.FloatRange(min=0, min_open=True), metavar="HOURS",
              help="Run F28 too, for so long on each database.")  # fmt: skip
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Keep the results here; written again after each.")  # fmt: skip
@click.option("--resume", is_flag=True,
              help="Keep what the --json file holds; run what lacks, or --only names.")  # fmt: skip
@click.option("--write-doc", is_flag=True, help=f"Write the results into {DOCUMENT}.")
@click.option("--from", "from_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Run nothing: take the results of an earlier --json.")  # fmt: skip
@click.option("--list", "list_cases", is_flag=True, help="Name the cases and run nothing.")
def main(
    quick: bool,
    only: str,
    database: str,
    seed: int | None,
    kills: int | None,
    soak_h: float | None,
    json_file: Path | None,
    resume: bool,
    write_doc: bool,
    from_file: Path | None,
    list_cases: bool,
) -> None:
    """Break everything on purpose and show that nothing is lost.

    One line per case and database as it ends. Exit code 0: all held; 1: something did not;
    2: it was called wrongly.
    """
    try:
        cases = chosen(only)
    except UnknownCase as error:
        raise click.UsageError(str(error)) from error
    if list_cases:
        for case in cases:
            click.echo(f"{case.id:<4} {'+'.join(case.ways):<7} {case.title}")
        return
    if from_file:
        record = Record.read(from_file)
    else:
        record = _begun(json_file, full=not quick, seed=seed, resume=resume)
        options = running.Options(
            databases=DATABASES if database == "both" else (database,),  # type: ignore[arg-type]
            seed=record.seed,
            full=not quick,
            kills=kills or (QUICK_KILLS if quick else FULL_KILLS),
            workers=int(os.environ.get("OFFERHUB_TEST_WORKERS", "3")),
            soak_h=soak_h or 0.0,
        )
        _run(record, options, only=only, resume=resume)
    click.echo(
        lines.summary(
            record.results, took_s=record.took_s, not_run=record.not_run, timed=record.timed
        )
    )
    if write_doc:
        write_tables(record)
        click.echo(f"wrote the results into {DOCUMENT}", err=True)
    sys.exit(0 if record.passed else 1)


def _begun(file: Path | None, *, full: bool, seed: int | None, resume: bool) -> Record:
    """A new record, or that of the file with another part. Raises: UsageError."""
    if resume and file is None:
        raise click.UsageError("--resume needs the file of the run: --json FILE")
    if not resume or file is None or not file.exists():
        return Record.begin(full=full, seed=SEED if seed is None else seed, file=file)
    try:
        record = Record.resume(file, full=full, seed=seed)
    except CannotResume as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{len(record.results)} results of {file} are kept", err=True)
    return record


def _run(record: Record, options: running.Options, *, only: str, resume: bool) -> None:
    """What is named, whether it is kept or not; without names, what is not kept yet."""
    cases, mutants = chosen(only), extra_mutants(only, full=options.full)
    kept = [] if only.strip() else [result.place for result in record.results]
    asked = work(
        cases, mutants, databases=options.databases, full=options.full, kept=kept,
        soak=options.soak_h > 0,
    )  # fmt: skip
    for result in running.run(asked, options):
        record.add(result)
        click.echo(lines.line(result, full=options.full))
    record.end(not_run=_not_run(record, options, only="" if resume else only, whole=resume))


def _not_run(record: Record, options: running.Options, *, only: str, whole: bool) -> list[str]:
    """What there is no result of. whole: of the whole run, whatever this part was asked for."""
    cases, mutants = chosen(only), extra_mutants(only, full=options.full)
    databases = DATABASES if whole else options.databases
    kept = [result.place for result in record.results]
    lacking = work(cases, mutants, databases=databases, full=options.full, kept=kept)
    return [*lacking.names(), *soaks_left(cases, record.results)]


def _alone() -> None:
    """The program: whatever ends it but SIGKILL, nothing that it started runs on."""
    own = leftovers.mark()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if rig := sys.modules.get("proof.rig"):
            rig.close_all()
        leftovers.stop(own)


if __name__ == "__main__":
    _alone()
