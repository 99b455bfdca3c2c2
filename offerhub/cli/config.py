"""`offerhub config`: what the settings are, where they come from, and whether they can be used."""

import json
import os

import click

from offerhub.cli.deployment import find_home, read_settings


@click.group()
def config() -> None:
    """Show and check the settings of this deployment."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(as_json: bool) -> None:
    """Every setting, its value (secrets only as set or not) and what set it."""
    from offerhub.settings import origins

    settings = read_settings()
    home = find_home()
    sources = origins(home, os.environ) if home else {}
    values = settings.redacted()
    if as_json:
        found = {n: {"value": v, "from": sources.get(n, "environment")} for n, v in values.items()}
        click.echo(json.dumps(found))
        return
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {value}  [{sources.get(name, 'environment')}]")


@config.command()
def check() -> None:
    """Say whether the settings can be used; name everything that is wrong. Exit code 3 if so."""
    settings = read_settings()
    click.echo(f"The settings are fine ({settings.environment.value}).")


@config.command()
def describe() -> None:
    """Print the manual of all settings, in Markdown."""
    from offerhub.settings.manual import as_markdown

    click.echo(as_markdown(), nl=False)
