"""What supervisor starts: take the process's name, then become the process.

Called as `python -m offerhub.cli.appliance.child NAME` in the deployment's folder.
"""

import importlib
import os
import sys
from pathlib import Path

from offerhub.cli.appliance import holding, programs

# Survivors of a killed API hold open streams, which would keep them for as long as they may; who
# reads a stream, or waits for an answer, asks the new one again.
API_TAKEOVER_S = 2.0


def main(arguments: list[str]) -> None:
    """Hold the name for this deployment and run its program; does not return."""
    program = programs.named(arguments[0])
    home = Path(os.environ["OFFERHUB_HOME"])
    run = home / "data" / "run"
    takeover_s = holding.TAKEOVER_S
    if program.name == programs.API:
        takeover_s = API_TAKEOVER_S
        _load_api(home)
    try:
        held = holding.hold(run, program.name, takeover_s=takeover_s)
    except holding.StillHeld as error:
        sys.exit(f"offerhub: {error}")
    if program.name == programs.VALKEY:
        from offerhub.cli.appliance.valkey import CONFIG_NAME, become

        become(run / CONFIG_NAME)
    os.set_inheritable(held, False)  # forks keep it, programs started anew need not
    from offerhub.cli.group import main as offerhub

    offerhub(program.command)


def _load_api(home: Path) -> None:
    """What takes longest of a start is done while survivors end what they can still answer.

    Nothing is held meanwhile, so `offerhub down` cannot see this process by its name: without its
    manager it goes by itself.
    """
    manager = os.getppid()
    importlib.import_module("offerhub.cli.serve").load(home)
    if os.getppid() != manager:
        sys.exit("offerhub: the process manager has gone")


if __name__ == "__main__":
    main(sys.argv[1:])
