"""The table of commands: all there, light to list, and every failure one line with a code."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from offerhub.cli import exits, group
from offerhub.domain.errors import OfferHubError

CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("OFFERHUB_")}


def _run(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "offerhub.cli", *arguments],
        capture_output=True, text=True, timeout=60, cwd=cwd, env=CLEAN | env,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(group.COMMANDS))
def test_every_listed_command_exists_and_explains_itself(name: str) -> None:
    command = group.load(group.COMMANDS[name])
    assert isinstance(command, click.Command)
    assert command.help
    assert group.COMMANDS[name].summary.endswith(".")


def test_the_overview_lists_every_command_and_loads_none(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom offerhub.cli import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    shown, loaded = done.stdout.rsplit("\n", 2)[:2]
    for name in group.COMMANDS:
        assert f"\n  {name} " in shown
    ours = {name for name in loaded.split() if name.startswith("offerhub")}
    assert ours == {"offerhub", "offerhub.cli", "offerhub.cli.group", "offerhub.cli.exits"}
    heavy = {"pydantic", "structlog", "stellar_sdk", "flask", "peewee", "redis", "httpx", "gevent"}
    assert not heavy & set(loaded.split())


def test_a_command_that_is_not_installed_is_one_sentence() -> None:
    with pytest.raises(exits.Failure, match=r"needs offerhub\.cli\.nowhere") as caught:
        group.load(group.Entry("offerhub.cli.nowhere:x", "Nothing."))
    assert caught.value.exit_code == exits.Exit.FAILED


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("nonsense",), 2, "No such command"),
        (("worker",), 2, "Missing argument"),
        (("worker", "other"), 2, "is not one of"),
        (("up",), 2, "not a deployment folder"),
        (("status",), 2, "not a deployment folder"),
        (("config", "check"), 3, "OFFERHUB_MARKETPLACE_ID"),
        (("serve",), 3, "OFFERHUB_MASTER_KEY"),
    ],
)
def test_a_failure_is_told_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = _run(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_errors_have_their_code_and_no_secret() -> None:
    key = "ohk_live_key_V1StGXR8_Z5jdHi6B-myT_s3cret"
    code, text = group.describe(OfferHubError("no such thing", code="NOT_FOUND"))
    assert (code, text) == (exits.Exit.FAILED, "NOT_FOUND: no such thing")
    code, text = group.describe(RuntimeError(f"broken\nby {key}"))
    assert code == exits.Exit.FAILED
    assert text.startswith("unexpected RuntimeError: broken by ohk_live_")
    assert "s3cret" not in text
    assert "\n" not in text
