"""The command line of create-offerhub: collects answers, checks, then writes."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from create_offerhub import answers as answering
from create_offerhub import preflight, report, steps
from create_offerhub.answers import PROFILES, Answers, Given
from create_offerhub.checks import Place
from create_offerhub.exits import Exit, InstallFailed, WrongUsage
from create_offerhub.paths import has_control_characters
from create_offerhub.render import installed_version, rendering

DEFAULT_DIRECTORY: Final = "my-market"


@click.command(context_settings={"help_option_names": ["-h", "--help"],
                                 "auto_envvar_prefix": "CREATE_OFFERHUB"})  # fmt: skip
@click.argument("directory", required=False)
@click.option("--profile", type=click.Choice(PROFILES),
              help="demo: all on this machine, no real money; or production.")  # fmt: skip
@click.option("--public-url", help="URL under which the world reaches the API (production).")
@click.option("--port", type=int, help="Port of the API here; default 8080 or the next free one.")
@click.option("--sandbox-port", type=int, help="Port of the simulated providers (demo).")
@click.option("--answers", "answers_file", type=click.Path(path_type=Path),
              help="TOML file with answers; flags win over it.")  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; take the defaults.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done; write nothing.")
@click.option("--print-answers", is_flag=True, help="Print the answers as TOML; write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace template files that were changed by hand.")
@click.option("--ignore", multiple=True, metavar="CHECK", help="Go on although this check fails.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.version_option(installed_version(), prog_name="create-offerhub")
def create(directory: str | None, answers_file: Path | None, **options: Any) -> None:
    """Make an OfferHub deployment in DIRECTORY, or complete one.

    Running it again changes nothing that is there. Exit codes: 0 done, 1 failed, 2 wrong usage
    or a missing answer, 3 a check failed and nothing was written, 4 done in part (run it again).
    """
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not options["yes"]
    folder = _folder(directory, asking=asking, yes=options["yes"])
    given = Given(**{name: options[name] for name in answering.FLAGS})
    if answers_file is not None:
        given = answering.merged(given, answering.from_file(answers_file))
    before = answering.recorded(folder)
    if before is None:
        given = _ask(given, asking=asking, yes=options["yes"])
    settled = answering.settle(given, before)
    if options["print_answers"]:
        click.echo(answering.as_toml(settled), nl=False)
        return
    _make(folder, settled, ours=before is not None, options=options)


def _make(folder: Path, settled: Answers, *, ours: bool, options: dict[str, Any]) -> None:
    as_json = options["as_json"]
    found = preflight.run(Place(folder, settled, ours))
    click.echo(report.checks(found), err=True)
    for name in options["ignore"]:
        click.echo(f"  ignored by request: {name}", err=True)
    preflight.refuse(found, ignored=options["ignore"])
    with rendering(settled, folder) as files:
        if options["only_plan"]:
            planned = report.plan(folder, settled, files)
            click.echo(report.as_json(planned) if as_json else report.plan_words(planned))
            return
        done = steps.apply(folder, settled, files, overwrite=options["overwrite"])
    said = report.outcome(folder, settled, done, found)
    click.echo(report.as_json(said) if as_json else report.outcome_words(said))


def _folder(given: str | None, *, asking: bool, yes: bool) -> Path:
    """The deployment's absolute path. Raises: WrongUsage."""
    if given is None:
        if asking:
            given = click.prompt("Directory", default=DEFAULT_DIRECTORY, err=True)
        elif yes:
            given = DEFAULT_DIRECTORY
        else:
            raise WrongUsage("DIRECTORY is missing (or pass --yes for the defaults)")
    if not given.strip() or has_control_characters(given):
        raise WrongUsage("DIRECTORY must be a path without control characters")
    return Path(os.path.abspath(Path(given).expanduser()))


def _ask(given: Given, *, asking: bool, yes: bool) -> Given:
    """Fill the gaps by asking; without a terminal a gap is an error that names its flag."""
    profile, url = given.profile, given.public_url
    if profile is None and asking:
        profile = click.prompt("Profile", type=click.Choice(PROFILES), default="demo", err=True)
    elif profile is None and not yes:
        raise WrongUsage("--profile is missing (or pass --yes for the defaults)")
    if profile == "production" and url is None and asking:
        url = click.prompt("Public URL", value_proc=_public_url, err=True)
    return answering.merged(Given(profile=profile, public_url=url), given)


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    """Bytes that are no text could be neither shown nor written. Raises: WrongUsage."""
    for argument in arguments:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            raise WrongUsage("every argument must be readable as UTF-8") from None


def _public_url(text: str) -> str:
    try:
        return answering.check_public_url(text.strip(), "production")
    except WrongUsage as error:
        raise click.BadParameter(str(error)) from None


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run and exit. Bad input is never a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        _refuse_undecodable(arguments)
        create.main(
            args=arguments,
            prog_name="create-offerhub",
            standalone_mode=False,
        )
    except InstallFailed as error:
        click.echo(f"create-offerhub: {error}", err=True)
        sys.exit(error.code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (OSError, ValueError) as error:
        click.echo(f"create-offerhub: {type(error).__name__}: {error}", err=True)
        sys.exit(Exit.FAILED)
    sys.exit(Exit.OK)
