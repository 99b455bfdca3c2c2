"""How the demo speaks: plain lines that a newcomer understands, on stdout."""

from pathlib import Path
from typing import Any

import click


class Teller:
    """Numbered steps, with indented lines of what happened."""

    def __init__(self) -> None:
        self._number = 0

    def step(self, text: str) -> None:
        self._number += 1
        click.secho(f"\n{self._number:>2}. {text}", bold=True)

    def say(self, text: str) -> None:
        click.echo(f"    {text}")

    def fact(self, name: str, value: object) -> None:
        click.echo(f"    {name:<22} {value}")

    def balances(self, rows: list[tuple[str, Any]]) -> None:
        """Who has what: available, reserved and being withdrawn."""
        for name, balance in rows:
            click.echo(
                f"    {name:<8} available {balance.available_exact:>16}"
                f"   reserved {balance.reserved_exact:>14}"
                f"   withdrawing {balance.withdrawing_exact:>14}"
            )

    def compared(self, rows: list[dict[str, Any]]) -> None:
        """One line per account: our books, the provider's, and whether they agree."""
        click.echo(f"    {'account':<46} {'our books':>18} {'the provider':>18}")
        for row in rows:
            mark = "same" if row["same"] else "DIFFERENT"
            click.echo(f"    {row['account']:<46} {row['ours']:>18} {row['theirs']:>18}  {mark}")

    def verdict(self, *, matched: bool, seconds: float) -> None:
        text = "The books match the providers, to the stroop" if matched else "THE BOOKS DIFFER"
        click.secho(f"\n{text} ({seconds} s).", bold=True, fg="green" if matched else "red")

    def where_next(self, facts: dict[str, Any], home: Path) -> None:
        click.echo("\nIt stays up until Ctrl-C. Meanwhile:")
        click.echo(f"    API reference    {facts['docs_url']}")
        click.echo(f"    admin key        {facts['key_file']}")
        click.echo(f"    terminal UI      {home}/bin/offerhub tui")
        click.echo(f"    status           {home}/bin/offerhub status")
        click.echo(f"    providers        {facts['sandbox_url']}/_control/world")
