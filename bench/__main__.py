"""`./run bench`: measure, show, keep."""

import json
import sys
from typing import Any, Final

import click

from bench import flatness, orders, report
from bench.deployment import deployed, servers

PARTS: Final = ("orders", "volume")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option(
    "--seconds", default=10.0, show_default=True, help="orders: length of a measured window."
)
@click.option("--warm-up", default=2.0, show_default=True, help="Seconds before it.")
@click.option("--connections", default=16, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes that serve the API.")
@click.option(
    "--rounds", default=1, show_default=True, help="orders: how often each case is measured."
)
@click.option(
    "--turns", default=100, show_default=True, help="volume: how often each request is asked."
)
@click.option("--keep/--no-keep", default=True, help="Write the result to bench/results.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def main(
    parts: tuple[str, ...],
    seconds: float,
    warm_up: float,
    connections: int,
    workers: int,
    rounds: int,
    turns: int,
    keep: bool,
    as_json: bool,
) -> None:
    """Measure PARTS: orders, volume; both unless told otherwise.

    orders: create and reserve over HTTP, and run the same statements without it. volume: lists,
    filters and reserves in a market of 1,000 orders and in one of 200,000, in turns.
    """
    result: dict[str, Any] = report.circumstances()
    if not parts or "orders" in parts:
        with deployed(workers=workers) as deployment:
            result |= {"api_workers": workers, "connections": connections} | orders.measure(
                deployment,
                connections=connections,
                seconds=seconds,
                warm_up_s=warm_up,
                rounds=rounds,
            )
    if not parts or "volume" in parts:
        with servers() as running:
            result["volume"] = flatness.measure(running, turns=turns)
    click.echo(json.dumps(result, indent=2) if as_json else report.table(result))
    if keep:
        click.echo(f"kept in {report.write(result)}", err=True)
    refused = any(row["api"]["failures"] for row in result.get("measured", ()))
    steep = "volume" in result and result["volume"]["steep"]
    sys.exit(1 if result.get("findings") or refused or steep else 0)


if __name__ == "__main__":
    main()
