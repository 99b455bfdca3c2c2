"""`offerhub config`, and the first admin key's file."""

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from offerhub.cli.appliance.admin_key import ensure_admin_key
from offerhub.cli.config import config
from offerhub.settings import Settings, load
from offerhub.settings.fields import secret_variables
from tests.cli.conftest import Deployment
from tests.settings import environs


@pytest.fixture
def home(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFERHUB_HOME", str(deployment.home))
    return deployment.home


def test_show_says_what_is_set_and_by_what_but_no_secret(home: Path) -> None:
    ran = CliRunner().invoke(config, ["show", "--json"])
    assert ran.exit_code == 0, ran.output
    shown = json.loads(ran.stdout)
    assert shown["OFFERHUB_ENVIRONMENT"] == {"value": "demo", "from": "config.env"}
    assert shown["OFFERHUB_MASTER_KEY"] == {"value": "(set)", "from": "secrets.env"}
    assert shown["OFFERHUB_TOPUP_EXPIRY_H"] == {"value": "24", "from": "default"}
    for line in (home / "secrets.env").read_text().splitlines():
        name, _, value = line.partition("=")
        assert name not in secret_variables() or value not in ran.output


@pytest.mark.usefixtures("home")
def test_check_is_content_with_what_the_installer_made() -> None:
    ran = CliRunner().invoke(config, ["check"])
    assert (ran.exit_code, ran.stdout) == (0, "The settings are fine (demo).\n")


def test_check_names_what_is_wrong(deployment: Deployment) -> None:
    with (deployment.home / "config.env").open("a") as file:
        file.write("OFFERHUB_FEE=1\nOFFERHUB_WEB_WORKERS=many\n")
    done = deployment.run("config", "check")
    assert done.returncode == 3
    assert "OFFERHUB_FEE: is not a setting" in done.stderr
    assert "OFFERHUB_WEB_WORKERS: " in done.stderr


def _settings(home: Path) -> Settings:
    return load(environs.demo(OFFERHUB_HOME=str(home)))


def test_the_first_admin_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made: list[str] = []

    def create(_: Settings) -> str:
        made.append(f"ohk_test_{len(made)}")
        return made[-1]

    os.umask(before := os.umask(0))
    try:
        os.umask(0)
        file = ensure_admin_key(_settings(tmp_path), made.append, create=create)
    finally:
        os.umask(before)
    assert file.read_text() == "ohk_test_1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ensure_admin_key(_settings(tmp_path), made.append, create=create) == file
    assert made == ["making the first admin key (admin.key)", "ohk_test_1"]


def test_a_key_that_could_not_be_made_leaves_no_file(tmp_path: Path) -> None:
    def create(_: Settings) -> str:
        raise RuntimeError("no database")

    with pytest.raises(RuntimeError):
        ensure_admin_key(_settings(tmp_path), lambda _: None, create=create)
    assert not (tmp_path / "admin.key").exists()


def test_a_start_that_was_killed_while_writing_is_completed(tmp_path: Path) -> None:
    (tmp_path / "admin.key.tmp").write_text("half")
    file = ensure_admin_key(_settings(tmp_path), lambda _: None, create=lambda _: "ohk_test_1")
    assert file.read_text() == "ohk_test_1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["admin.key"]
