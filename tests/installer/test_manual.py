"""The manual of the installer names every flag and every exit code."""

from pathlib import Path

import pytest
from create_offerhub.cli import create
from create_offerhub.exits import Exit

from offerhub.cli import exits

MANUAL = (Path(__file__).parents[2] / "docs/operations/installing.md").read_text(encoding="utf-8")
FLAGS = sorted({name for parameter in create.params for name in parameter.opts} - {"--version"})


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.startswith("--")])
def test_every_flag_is_in_the_manual(flag: str) -> None:
    assert f"`{flag}" in MANUAL or f", `{flag}" in MANUAL


def test_installer_and_server_share_the_exit_codes_of_the_manual() -> None:
    assert {code.name: code.value for code in Exit} == {c.name: c.value for c in exits.Exit}
    for code in Exit:
        assert f"| {code.value} |" in MANUAL
