"""`offerhub tui`: the operator's console, if this installation has it.

The console is a package of its own that the server never imports; it is looked up by name here.
"""

import importlib
import importlib.util
import os
from pathlib import Path

import click

from offerhub.cli.deployment import find_home
from offerhub.cli.exits import Exit, Failure

THEMES = ("dark", "light", "high-contrast", "ansi")
LAUNCHER = "offerhub_tui.launch"


@click.command("tui")
@click.option("--url", help="Address of the appliance; that of this deployment by default.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the API key, readable by its owner only; admin.key by default.",
)
@click.option("--write", is_flag=True, help="Allow changes; without it the console only reads.")
@click.option(
    "--theme", type=click.Choice(THEMES), default=THEMES[0], show_default=True,
    help="Its colours.",
)  # fmt: skip
def tui(url: str | None, key_file: Path | None, write: bool, theme: str) -> None:
    """Open the operator's console.

    It starts without a reachable appliance too, says OFFLINE, and keeps trying.
    """
    for needed in ("textual", "offerhub_tui"):
        if importlib.util.find_spec(needed) is None:
            raise Failure(
                'the console is not installed. Install it with: pip install "offerhub[tui]"',
                code=Exit.PREFLIGHT,
            )
    home = find_home()
    environ = {**os.environ, "OFFERHUB_HOME": str(home) if home else ""}
    launcher = importlib.import_module(LAUNCHER)
    problem = launcher.run(url=url, key_file=key_file, environ=environ, write=write, theme=theme)
    if problem is not None:
        raise Failure(problem, code=Exit.PREFLIGHT)
