"""`./run proof`: break everything on purpose and show that nothing is lost."""

import os
import signal
import sys
import time
from pathlib import Path

import click

from proof import lines, running
from proof.catalogue import UnknownCase, by_way, chosen, extra_mutants
from proof.documents import DOCUMENT, write_tables
from proof.plan import DATABASES
from proof.record import Record

QUICK_KILLS, FULL_KILLS = 50, 1_000


@click.command()
@click.option("--quick/--full", "quick", default=True, help="Minutes, or everything (hours).")
@click.option("--only", default="", metavar="CASES", help="These cases only: F1,F5,P3.")
@click.option("--database", type=click.Choice([*DATABASES, "both"]), default="both")
@click.option("--seed", type=int, default=20_261_124, show_default=True)
@click.option("--kills", type=click.IntRange(min=1), help="Kills of F1 in all (50; 1000 in full).")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Keep the results here; written again after each.")  # fmt: skip
@click.option("--write-doc", is_flag=True, help=f"Write the results into {DOCUMENT}.")
@click.option("--from", "from_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Run nothing: take the results of an earlier --json.")  # fmt: skip
@click.option("--list", "list_cases", is_flag=True, help="Name the cases and run nothing.")
def main(
    quick: bool,
    only: str,
    database: str,
    seed: int,
    kills: int | None,
    json_file: Path | None,
    write_doc: bool,
    from_file: Path | None,
    list_cases: bool,
) -> None:
    """Break everything on purpose and show that nothing is lost.

    One line per case and database as it ends. Exit code 0: all held; 1: something did not;
    2: it was called wrongly.
    """
    try:
        cases, mutants = chosen(only), extra_mutants(only)
    except UnknownCase as error:
        raise click.UsageError(str(error)) from error
    if list_cases:
        for case in cases:
            click.echo(f"{case.id:<4} {'+'.join(case.ways):<7} {case.title}")
        return
    if from_file:
        record = Record.read(from_file)
    else:
        record = Record.begin(full=not quick, seed=seed, file=json_file)
        options = running.Options(
            databases=DATABASES if database == "both" else (database,),  # type: ignore[arg-type]
            seed=seed,
            full=not quick,
            kills=kills or (QUICK_KILLS if quick else FULL_KILLS),
            workers=int(os.environ.get("OFFERHUB_TEST_WORKERS", "3")),
            mutants=tuple(mutants),
        )
        started = time.monotonic()
        for result in running.run(cases, options):
            record.add(result)
            click.echo(lines.line(result, full=not quick))
        not_run = [case.id for case in by_way(cases, "none")]
        record.end(took_s=time.monotonic() - started, not_run=not_run)
    click.echo(lines.summary(record.results, took_s=record.took_s, not_run=record.not_run))
    if write_doc:
        write_tables(record)
        click.echo(f"wrote the results into {DOCUMENT}", err=True)
    sys.exit(0 if record.passed else 1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the rig stops what it has started
    main()
