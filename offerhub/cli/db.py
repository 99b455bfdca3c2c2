"""`offerhub db …`: the database's schema, copies of it, and the way back."""

import json

import click

from offerhub.cli.backup import backup, restore
from offerhub.cli.forgotten import close_forgotten, forgotten


@click.group()
def db() -> None:
    """Migrate the database, copy it, restore a copy."""


db.add_command(backup)
db.add_command(restore)
db.add_command(forgotten)
db.add_command(close_forgotten)


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def migrate(as_json: bool) -> None:
    """Bring the schema up to date. Harmless when it is; two at once wait for each other."""
    from offerhub.cli.deployment import read_settings
    from offerhub.store.migrations import migrate as run

    applied = run(read_settings().database_url)
    if as_json:
        click.echo(json.dumps({"applied": applied}))
    else:
        click.echo("\n".join(applied) if applied else "The schema is up to date.")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def status(as_json: bool) -> None:
    """Say which migrations are missing; exit code 1 when some are."""
    from offerhub.cli.deployment import read_settings
    from offerhub.store.migrations import pending

    missing = pending(read_settings().database_url)
    if as_json:
        click.echo(json.dumps({"pending": missing}))
    else:
        click.echo("\n".join(missing) if missing else "The schema is up to date.")
    raise SystemExit(1 if missing else 0)
