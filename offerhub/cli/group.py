"""The table of commands. `offerhub --help` reads the table and imports none of them.

A command module is loaded when its command runs; so a start of the API does not pay for the TUI.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import click

from offerhub.cli.exits import Exit, Failure


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives (`module:attribute`) and what it says of itself in the overview."""

    target: str
    summary: str


COMMANDS: Final = {
    "up": Entry("offerhub.cli.up:up", "Start this deployment and wait until it is ready."),
    "down": Entry("offerhub.cli.up:down", "Stop every process of this deployment."),
    "status": Entry("offerhub.cli.status:status", "Say how this deployment is doing."),
    "logs": Entry("offerhub.cli.logs:logs", "Show what the processes logged, in one stream."),
    "demo": Entry("offerhub.cli.demo:demo", "Run one whole order and show the books."),
    "tui": Entry("offerhub.cli.tui:tui", "Open the operator's console."),
    "config": Entry("offerhub.cli.config:config", "Show and check the settings."),
    "keys": Entry("offerhub.cli.keys:keys", "API keys, and the keys that seal wallets."),
    "db": Entry("offerhub.cli.db:db", "Migrate the database."),
    "ledger": Entry("offerhub.cli.ledger:ledger", "Check the books."),
    "operations": Entry("offerhub.cli.operations:operations", "List, retry and settle long work."),
    "dead-letters": Entry(
        "offerhub.cli.dead_letters:dead_letters", "List, retry and discard what was given up."
    ),
    "maintenance": Entry("offerhub.cli.maintenance:maintenance", "Turn maintenance on or off."),
    "reconcile": Entry("offerhub.cli.reconcile:reconcile", "Compare the books with the providers."),
    "treasury": Entry(
        "offerhub.cli.treasury:treasury", "Show where the money sits, and whose it is."
    ),
    "audit": Entry("offerhub.cli.audit:audit", "List audit records, and prove them whole."),
    "why": Entry("offerhub.cli.why:why", "Tell the whole story of any id."),
    "docs": Entry("offerhub.cli.docs:docs", "Print the documents that are made from the code."),
    "openapi": Entry("offerhub.cli.openapi:openapi", "Print the API's description."),
    "serve": Entry("offerhub.cli.serve:serve", "Run the API (one process of a deployment)."),
    "worker": Entry("offerhub.cli.processes:worker", "Run a worker of one queue."),
    "scheduler": Entry("offerhub.cli.processes:scheduler", "Run the clock of recurring work."),
    "relay": Entry("offerhub.cli.processes:relay", "Run the sequencer of events."),
    "deposits": Entry("offerhub.cli.processes:deposits", "Run the reader of the chain."),
    "sandbox": Entry("offerhub.cli.processes:sandbox", "Run the simulated providers."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else load(entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


def load(entry: Entry) -> click.Command:
    """Import a command. Raises: Failure when this installation does not have it."""
    module, _, attribute = entry.target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        missing = error.name or module
        text = f"This command needs {missing}, which is not installed."
        raise Failure(text) from error
    if not isinstance(found, click.Command):
        raise TypeError(f"{entry.target} is not a command")
    return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--traceback", is_flag=True, help="Show where an unexpected error came from.")
@click.version_option(package_name="offerhub", prog_name="offerhub")
def offerhub(traceback: bool) -> None:
    """A self-hosted payments appliance for marketplaces.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready to run, 4 done in part (run it
    again), 5 needs a restore.
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit. A failure is one line, unless --traceback asks for more."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        outcome = offerhub.main(args=arguments, prog_name="offerhub", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(Exit.FAILED)
    except Exception as error:
        if "--traceback" in arguments:
            raise
        code, text = describe(error)
        click.echo(f"offerhub: {redacted(text)}", err=True)
        sys.exit(code)
    sys.exit(outcome if isinstance(outcome, int) else Exit.OK)


def describe(error: Exception) -> tuple[Exit, str]:
    """Exit code and words for an exception, without secrets and without a traceback."""
    name = type(error).__name__
    if name == "InvalidSettings":
        listed = "\n  ".join(str(error).splitlines())
        return Exit.PREFLIGHT, f"the settings cannot be used:\n  {listed}"
    known = any(kind.__name__ == "OfferHubError" for kind in type(error).__mro__)
    if known:
        return Exit.FAILED, redacted(str(error))
    said = " ".join(str(error).split())
    return Exit.FAILED, redacted(f"unexpected {name}: {said} (add --traceback for more)")


def redacted(text: str) -> str:
    """Without secrets and escapes; the logs' own rules, loaded only when something failed."""
    from offerhub.logs import printable, redact_text

    return printable(redact_text(text), lines=True)
