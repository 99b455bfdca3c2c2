"""`offerhub keys …`: API keys from the deployment's own machine, where no key is needed.

Secrets go to stdout or into a file of the owner alone, once; talk goes to stderr.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from offerhub.cli.exits import Failure
from offerhub.cli.wallet_keys import rotate_wallet_keys, wallet_keys

if TYPE_CHECKING:
    from offerhub.services.context import Context
    from offerhub.settings import Settings

SCOPES = ("read", "write", "support", "admin")
FIRST_KEY_NAME = "first admin key"


@click.group()
def keys() -> None:
    """API keys; and the keys that seal wallets."""


keys.add_command(wallet_keys)
keys.add_command(rotate_wallet_keys)


@keys.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File for the key; made with mode 0600, never overwritten.",
)
@click.option("--force-new", is_flag=True, help="Add another admin key although there is one.")
def bootstrap(out: Path, *, force_new: bool) -> None:
    """Create the first admin key and write it to a file."""
    ctx = _context()
    from offerhub.services import api_keys

    if not force_new and api_keys.has_live_admin_key(ctx):
        raise Failure("there is an admin key already; add --force-new for another one.")
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Failure(f"{out} exists; a key is never written over another file.") from error
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            made = api_keys.create_key(ctx, name=FIRST_KEY_NAME, scopes_wanted=["admin"])
            file.write(made["key"] + "\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    click.echo(f"wrote {made['id']} to {out}", err=True)


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="May be given several times.",
)
@click.option("--expires-in-days", type=click.IntRange(1, 3650), help="Without it, never.")
def create(name: str, scopes: tuple[str, ...], expires_in_days: int | None) -> None:
    """Create a key; the secret is printed, this once."""
    ctx = _context()
    from offerhub.ports.clock import epoch_ms
    from offerhub.services import api_keys

    if not 1 <= len(name.strip()) <= 100:
        raise Failure("a key's name has 1 to 100 characters.")
    expires_at = None
    if expires_in_days is not None:
        expires_at = epoch_ms(datetime.now(UTC) + timedelta(days=expires_in_days))
    made = api_keys.create_key(
        ctx, name=name.strip(), scopes_wanted=list(scopes), expires_at_ms=expires_at
    )
    click.echo(f"made {made['id']} ({', '.join(made['scopes'])})", err=True)
    click.echo(made["key"])


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def list_(*, as_json: bool) -> None:
    """List the keys, newest first."""
    ctx = _context()
    from offerhub.services import api_keys

    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = api_keys.list_keys(ctx, limit=100, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    from offerhub.logs import printable

    for key in found:
        state = "revoked" if key["revoked_at"] else "expires " + (key["expires_at"] or "never")
        used = key["last_used_at"] or "never"
        name = printable(key["name"])
        click.echo(f"{key['id']}  {','.join(key['scopes'])}  {state}  used {used}  {name}")


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke a key; it and its tokens end at once."""
    ctx = _context()
    from offerhub.services import api_keys

    api_keys.revoke_key(ctx, key_id=key_id)
    click.echo(f"revoked {key_id}", err=True)


def bootstrap_admin_key(settings: "Settings") -> str:
    """A new admin key of a deployment: its secret, which is shown nowhere else."""
    from offerhub.services import api_keys

    ctx = _context(settings)
    made = api_keys.create_key(ctx, name=FIRST_KEY_NAME, scopes_wanted=["admin"])
    return str(made["key"])


def _context(settings: "Settings | None" = None) -> "Context":
    """The operator at this machine, on the deployment's database."""
    from offerhub.bootstrap import build_app
    from offerhub.cli.deployment import read_settings
    from offerhub.services.context import Actor, Context

    app = build_app(settings or read_settings())
    return Context(app, Actor("operator", "cli", scopes=("admin",)))
