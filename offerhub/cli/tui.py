"""`offerhub tui`: the operator's console, if this installation has it."""

import importlib.util
import os
from pathlib import Path

import click

from offerhub.cli.exits import Exit, Failure

THEMES = ("dark", "light", "high-contrast", "ansi")


@click.command("tui")
@click.option("--url", help="Address of the appliance; that of this deployment by default.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the API key, readable by its owner only; admin.key by default.",
)
@click.option("--write", is_flag=True, help="Allow changes; without it the console only reads.")
@click.option("--theme", type=click.Choice(THEMES), default=THEMES[0], show_default=True)
def tui(url: str | None, key_file: Path | None, write: bool, theme: str) -> None:
    """Open the operator's console.

    It starts without a reachable appliance too, says OFFLINE, and keeps trying.
    """
    if importlib.util.find_spec("textual") is None:
        raise Failure(
            'the console is not installed. Install it with: pip install "offerhub[tui]"',
            code=Exit.PREFLIGHT,
        )
    from offerhub_tui.profiles import ProfileProblem, find_profile

    from offerhub.cli.deployment import find_home

    home = find_home()
    environ = {**os.environ, "OFFERHUB_HOME": str(home) if home else ""}
    try:
        profile = find_profile(url=url, key_file=key_file, environ=environ)
    except ProfileProblem as problem:
        raise Failure(str(problem), code=Exit.PREFLIGHT) from problem
    from offerhub_tui.app import OperatorApp

    OperatorApp(profile, write=write, theme=theme).run()
