"""`offerhub tui` on the command line."""

import importlib.util
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from offerhub.cli.tui import tui


def call(*arguments: str, home: Path | None = None):
    environ = {"OFFERHUB_HOME": str(home) if home else ""}
    return CliRunner().invoke(tui, list(arguments), env=environ)


def test_help_does_not_load_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("offerhub_tui")]:
        monkeypatch.delitem(sys.modules, name)
    result = call("--help")
    assert result.exit_code == 0
    assert "--key-file" in result.output
    assert not any(name.startswith("offerhub_tui") for name in sys.modules)


def test_a_missing_extra_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "textual" else real(name)
    )
    result = call()
    assert result.exit_code == 3
    assert 'pip install "offerhub[tui]"' in result.output


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "ops.key"
    key.write_text("ohk_test_x_y")
    key.chmod(0o644)
    result = call("--url", "http://127.0.0.1:1", "--key-file", str(key))
    assert result.exit_code == 3
    assert "chmod 600" in result.output
    assert "ohk_test" not in result.output


def test_a_deployment_without_a_key_is_explained(tmp_path: Path) -> None:
    result = call(home=tmp_path)
    assert result.exit_code == 3
    assert "admin.key" in result.output


def test_no_option_takes_a_key() -> None:
    names = {name for parameter in tui.params for name in parameter.opts}
    assert names == {"--url", "--key-file", "--write", "--theme"}
