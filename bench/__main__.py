"""`./run bench`: measure, show, keep."""

import json
import sys

import click

from bench import orders, report
from bench.deployment import deployed


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="Length of a measured window.")
@click.option("--warm-up", default=2.0, show_default=True, help="Seconds before it.")
@click.option("--connections", default=16, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes that serve the API.")
@click.option("--rounds", default=1, show_default=True, help="How often each case is measured.")
@click.option("--keep/--no-keep", default=True, help="Write the result to bench/results.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def main(
    seconds: float,
    warm_up: float,
    connections: int,
    workers: int,
    rounds: int,
    keep: bool,
    as_json: bool,
) -> None:
    """Create and reserve orders over HTTP, and run the same statements without it."""
    result = report.circumstances()
    with deployed(workers=workers) as deployment:
        result |= {"api_workers": workers, "connections": connections} | orders.measure(
            deployment,
            connections=connections,
            seconds=seconds,
            warm_up_s=warm_up,
            rounds=rounds,
        )
    click.echo(json.dumps(result, indent=2) if as_json else report.table(result))
    if keep:
        click.echo(f"kept in {report.write(result)}", err=True)
    refused = any(row["api"]["failures"] for row in result["measured"])
    sys.exit(1 if result["findings"] or refused else 0)


if __name__ == "__main__":
    main()
